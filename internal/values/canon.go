package values

import (
	"encoding/json"
	"fmt"
	"time"
)

// canon brings what parsers and callers make of one document into one form, so
// that it can be compared: numbers as float64 (as in JSON), keys as strings,
// times as text.
func canon(v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64:
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = canon(e)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[fmt.Sprint(canon(k))] = canon(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = canon(e)
		}
		return out
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return canonByJSON(v)
	}
}

func canonByJSON(v any) any {
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
