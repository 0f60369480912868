package values

import (
	"encoding/json"
	"fmt"
	"time"
)

// normalize brings what parsers and callers make of one document into one form, so
// that it can be compared: numbers as float64 (as in JSON), keys as strings,
// times as text.
func normalize(v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = normalize(e)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[fmt.Sprint(normalize(k))] = normalize(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = normalize(e)
		}
		return out
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return normalizeByJSON(v)
	}
}

func normalizeByJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return fmt.Sprint(v)
	}
	return out
}
