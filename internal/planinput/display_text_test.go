package planinput

import (
	"strings"
	"testing"
)

func TestEditsAreShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, value, want string }{
		{"image.repository", "reg.example.com/aistor/minio", "reg.example.com/aistor/minio"},
		{"imagePullSecret.name", "site", "site"},
		{"kes.approle.secret", "hunter2", "[redacted]"},
		{"license", "", ""},
		{"config", "url=https://user:hunter2@reg.example.com/x", "url=https://user:[redacted]@reg.example.com/x"},
		{"manifest", "password: hunter2\na: b", "(text of 2 lines)"},
	} {
		if got := displayText(c.path, c.value); got != c.want {
			t.Errorf("%s: received %q, expected %q", c.path, got, c.want)
		}
	}
}

// A variable's value says by its name alone what it is.
func TestWhatGoingBackChangesIsShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	was := func(secret, size string) map[string]any {
		return map[string]any{"objectStore": map[string]any{
			"size": size,
			"env":  []any{map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": secret}},
			"one":  map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": secret},
			"args": []any{"--password", secret},
		}}
	}
	edits := diffValues(was("planted-new", "2Ti"), was("planted-old", "1Ti"))
	if len(edits) != 4 {
		t.Errorf("received: %+v", edits)
	}
	for _, e := range edits {
		if strings.Contains(e.Old+e.New, "planted") {
			t.Errorf("shown: %+v", e)
		}
		if e.Path == "objectStore.size" && (e.Old != "2Ti" || e.New != "1Ti") {
			t.Errorf("hidden: %+v", e)
		}
	}
}
