package upgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a step adds to the values is on disk before anything is applied, and
// without secrets.
func TestBackupKeepsWhatStepsAddToTheValues(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.in.Operator[0].ValuesFiles = []string{"operator.yaml"}
		x.in.Operator[0].Added = map[string]any{
			"license":      "eyJhbGciOiJFUzM4NCJ9.payload.signature",
			"repositories": map[string]any{"minio": map[string]any{"hostname": "reg.example"}},
		}
		x.in.Stores[1].Added = map[string]any{"secrets": map[string]any{"secretKey": "planted"}}
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(out.Backup, "values", "operator-5.10.0.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		want := `# Values that step operator-5.10.0 sets for release aistor/aistor in addition to operator.yaml.
# Merged in this order, as Helm merges files, they are what was applied.
# Omitted because it contains secrets: license
repositories:
  minio:
    hostname: reg.example
`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("values (-want +got):\n%s", diff)
		}
		index, err := os.ReadFile(filepath.Join(out.Backup, backupIndex))
		if err != nil || !strings.Contains(string(index), "secrets.secretKey in values/store-two.yaml") {
			t.Errorf("the index does not say what was left out: %s %v", index, err)
		}
		if names, _ := filepath.Glob(filepath.Join(out.Backup, "values", "*")); len(names) != 1 {
			t.Errorf("files %v", names)
		}
		said := false
		for _, ev := range x.told.events {
			said = said || ev.Step == "backup" && strings.Contains(ev.Message, "contains the values that operator-5.10.0 adds")
		}
		if !said {
			t.Error("nothing said where the values are")
		}
	})
}
