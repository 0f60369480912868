package upgrade

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMaskerTakesSecretsOutOfADiff(t *testing.T) {
	t.Parallel()
	mask := Masker(map[string]any{
		"license": "planted-one planted-two",
		"secrets": map[string]any{"accessKey": "planted-access", "secretKey": "x"},
		"env":     []any{map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": "planted-in-env"}},
		"name":    "kept-as-it-is",
	})
	got := mask(`+license: >-
+  planted-one
+  planted-two
 secrets: {accessKey: planted-access, secretKey: x}
 env: [{name: MINIO_ROOT_PASSWORD, value: planted-in-env}]
 other: planted-access
 imagePullSecrets: [{name: kept-as-it-is}]
`)
	want := `+license: >-
+  [redacted]
 secrets: {accessKey: [redacted], secretKey: [redacted]}
 env: [{name: MINIO_ROOT_PASSWORD, value: [redacted]}]
 other: [redacted]
 imagePullSecrets: [{name: kept-as-it-is}]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
}
