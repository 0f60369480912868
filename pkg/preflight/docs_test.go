package preflight

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/checks.md")

// The page is written for people at a site without internet, so it has to say
// what this very version checks.
func TestTheDocumentedChecksAreThese(t *testing.T) {
	t.Parallel()
	const page = "../../docs/checks.md"
	want := "# Checks\n\n" +
		"What `preflight` looks at before an upgrade and `validate` after it. The IDs\n" +
		"serve `--only`, `--skip` and `--waive ID=REASON`. What errors is\n" +
		"an *error*, never a pass.\n\n" +
		DescribeChecks(append(PreUpgradeChecks(), PostUpgradeChecks()...))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/checks.md differs (-want +got); go test ./pkg/preflight -update rewrites it:\n%s", diff)
	}
}
