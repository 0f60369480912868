package redact

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRealOutputsStayReadable(t *testing.T) {
	t.Parallel()
	for _, line := range lines(t, "readable.txt") {
		if got := Text(line); got != line {
			t.Errorf("\n%s becomes\n%s", line, got)
		}
	}
}

// What the programs print is recorded beside their tests: redacting it again
// changes nothing.
func TestRecordedOutputsStayReadable(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, folder := range []string{"../cli/testdata", "../gitops/testdata", "../../docs/reference"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".golden" && filepath.Ext(path) != ".md" || d.Name() == "store-yaml.golden" { // values that were asked for
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			reportChanges(t, path, string(b))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	checks, err := os.ReadFile("../../docs/checks.md")
	if err != nil || seen < 30 {
		t.Fatal(seen, err)
	}
	reportChanges(t, "checks.md", string(checks))
}

// reportChanges compares what a text becomes as a whole, and each of its lines.
func reportChanges(t *testing.T, name, text string) {
	t.Helper()
	if got := Text(text); got != text {
		was, is := strings.Split(text, "\n"), strings.Split(got, "\n")
		for i := range min(len(was), len(is)) {
			if was[i] != is[i] {
				t.Errorf("%s, line %d: %q becomes %q", name, i+1, was[i], is[i])
				break
			}
		}
	}
	for line := range strings.Lines(text) {
		if got := Text(line); got != line {
			t.Errorf("%s alone: %q becomes %q", name, line, got)
		}
	}
}
