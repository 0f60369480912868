package diff

import (
	"reflect"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// changedSecretText stands where a secret is another than before.
const changedSecretText = "[redacted, changed]"

// maskObjects are both objects without secrets. A secret that changes does not look
// like one that stays.
func maskObjects(secrets *redact.Redactor, was, is images.Object) (any, any) {
	var a, b any
	if was != nil {
		a = secrets.Object(plainData(was))
	}
	if is != nil {
		b = secrets.Object(plainData(is))
	}
	if was != nil && is != nil {
		b = markChangedSecrets(plainData(was), plainData(is), a, b)
	}
	return a, b
}

// markChangedSecrets says in b, the redacted form of is, where a secret differs from was.
func markChangedSecrets(was, is, a, b any) any {
	switch b := b.(type) {
	case string:
		if s, ok := a.(string); ok && s == b && !reflect.DeepEqual(was, is) {
			if b == redact.Mask {
				return changedSecretText
			}
			return b + " # " + changedSecretText
		}
	case map[string]any:
		wasMap, _ := was.(map[string]any)
		isMap, _ := is.(map[string]any)
		aMap, _ := a.(map[string]any)
		for k := range b {
			if _, there := aMap[k]; there {
				b[k] = markChangedSecrets(wasMap[k], isMap[k], aMap[k], b[k])
			}
		}
	case []any:
		wasList, _ := was.([]any)
		isList, _ := is.([]any)
		aList, _ := a.([]any)
		for i := range b {
			if i < len(aList) && i < len(wasList) && i < len(isList) {
				b[i] = markChangedSecrets(wasList[i], isList[i], aList[i], b[i])
			}
		}
	}
	return b
}

// plainData is an object as plain maps and lists.
func plainData(v any) any {
	switch v := v.(type) {
	case images.Object:
		return plainData(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plainData(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plainData(e)
		}
		return out
	}
	return v
}
