package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page for the first time, typed as it is printed: nothing of it fails, all
// is well in the end, and nothing stays behind.
func TestGettingStartedAsPrinted(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	_, yourself, _ := strings.Cut(string(page), "\n## Run the steps yourself\n")
	typed := regexp.MustCompile(`(?m)^make .*\n`).ReplaceAllString(strings.Join(typedCommands(yourself), ""), "")
	if strings.Count(typed, "\n") < 15 {
		t.Fatalf("these are not the page's commands:\n%s", typed)
	}
	dir := t.TempDir()
	for _, name := range []string{"bin", "test"} {
		target, err := filepath.Abs("../../" + name)
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// Whatever happens, no cluster and no operator outlive the test.
	t.Cleanup(func() {
		_ = exec.Command(filepath.Join(bin, "lab"), "down", "--state", filepath.Join(dir, "lab")).Run()
	})
	cmd := exec.Command("bash", "-emc", "trap 'kill %1 2>/dev/null || true' EXIT\n"+typed)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"aistor.bundle verified", "operator 5.6.4 to 5.8.0 (intermediate version)", "\nready: ", "store-team-a-primary   done", "the installation is valid: 2 skipped, 14 passed"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nobody said %q:\n%s", want, out)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("this stays behind: %v, %v", left, err)
	}
}

// typedCommands are what a page of ours lets people type, block by block.
func typedCommands(page string) []string {
	var blocks []string
	for _, b := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(page, -1) {
		var typed strings.Builder
		for line := range strings.Lines(b[1]) {
			command, begins := strings.CutPrefix(line, "$ ")
			if begins || strings.HasSuffix(strings.TrimSpace(typed.String()), `\`) {
				typed.WriteString(command)
			}
		}
		blocks = append(blocks, typed.String())
	}
	return blocks
}
