package redact

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsArePartedFromSecrets(t *testing.T) {
	t.Parallel()
	const secret = "planted-secret-3141592653"
	for _, tc := range []struct {
		name   string
		values map[string]any
		open   map[string]any
		left   [][]string
	}{
		{"beside each other",
			map[string]any{"size": "2Ti", "auth": map[string]any{"user": "me", "password": secret}},
			map[string]any{"size": "2Ti", "auth": map[string]any{"user": "me"}},
			[][]string{{"auth", "password"}}},
		{"a list goes whole",
			map[string]any{"env": []any{map[string]any{"name": "A", "value": "b"}, map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": secret}}},
			map[string]any{},
			[][]string{{"env"}}},
		{"a secret by the name beside it",
			map[string]any{"root": map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": secret}},
			map[string]any{"root": map[string]any{"name": "MINIO_ROOT_PASSWORD"}},
			[][]string{{"root", "value"}}},
		{"a secret by the kind beside it",
			map[string]any{"extra": map[string]any{"kind": "Secret", "stringData": map[string]any{"config": secret}}},
			map[string]any{"extra": map[string]any{"kind": "Secret"}},
			[][]string{{"extra", "stringData", "config"}}},
		{"none at all",
			map[string]any{"pools": []any{map[string]any{"servers": 4}}, "none": nil, "empty": map[string]any{}},
			map[string]any{"pools": []any{map[string]any{"servers": 4}}, "none": nil, "empty": map[string]any{}},
			nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			open, left := SplitSecrets(tc.values)
			if diff := cmp.Diff(tc.open, open); diff != "" {
				t.Errorf("open (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.left, left); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}
