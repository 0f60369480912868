package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var (
	block  = regexp.MustCompile("(?s)```.*?```")
	quoted = regexp.MustCompile("`[^`]+`")
	// indented is a command in a block that four spaces set off.
	indented = regexp.MustCompile(`(?m)^ {4}(?:\$ )?((?:helm aistor|kubectl aistor-upgrade) (?:.*\\\n)*.*)$`)
	flagged  = regexp.MustCompile(`(?:^|[\s(\[])(--[a-z][a-z0-9-]*)`)
)

// others are programs whose flags pages name too.
var others = regexp.MustCompile("^`(?:make|minisign|krew|kubectl (?:krew|version|auth|create|get|describe|logs)|oc|helm (?:plugin|get|list|env|upgrade|template|history)|skopeo|ctr|crane|git|gpg|tar|sha256sum|bin/lab|go|docker) ")

// What pages name in passing is as real as what they have typed: verbs and
// flags in running text, in tables and in blocks that spaces set off.
func TestFlagsAndVerbsInRunningTextExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{
		"--help": true, "--completion": true,
		// Those of krew, Helm and make's own, in docs/install.md.
		"--manifest": true, "--archive": true, "--manifest-url": true, "--keyring": true, "--verify": true,
		"--max-history": true,
	}
	allVerbs(func(cmd *cobra.Command) {
		add := func(f *pflag.Flag) { known["--"+f.Name] = true }
		cmd.Flags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		cmd.PersistentFlags().VisitAll(add)
	})
	read := 0
	for name, text := range readPages(t) {
		if strings.HasPrefix(name, "docs/reference/") || strings.HasPrefix(name, "test/") || name == "CHANGELOG.md" {
			continue
		}
		text = block.ReplaceAllString(text, "")
		for _, found := range indented.FindAllStringSubmatch(text, -1) {
			read++
			l := withoutComment(strings.ReplaceAll(strings.ReplaceAll(found[1], "\\\n", " "), "…", "x"))
			l, _, _ = strings.Cut(l, "   ") // what a page says of it
			if err := readLine(l); err != nil {
				t.Errorf("%s: %q: %v", name, l, err)
			}
		}
		for _, words := range quoted.FindAllString(indented.ReplaceAllString(text, ""), -1) {
			if others.MatchString(words) {
				continue
			}
			words = strings.Join(strings.Fields(strings.Trim(words, "`")), " ")
			for _, f := range flagged.FindAllStringSubmatch(words, -1) {
				read++
				if !known[f[1]] {
					t.Errorf("%s: %q: neither plugin has the flag %s", name, words, f[1])
				}
			}
			if err := readLine(strings.ReplaceAll(words, "…", "x")); err != nil && isUnknown(err) {
				t.Errorf("%s: %q: %v", name, words, err)
			}
		}
	}
	if read < 100 {
		t.Errorf("read only %d flags and commands", read)
	}
}

// isUnknown tells a verb or flag that does not exist from a line that only names
// what stands at its beginning.
func isUnknown(err error) bool {
	return strings.Contains(err.Error(), "unknown flag") || strings.Contains(err.Error(), "unknown command for \"helm") || strings.Contains(err.Error(), "unknown command for \"kubectl") ||
		strings.Contains(err.Error(), "unknown shorthand")
}

// Whoever is refused or warned finds the word for it in the pages for that.
func TestRefusalsAndWarningsAreExplained(t *testing.T) {
	t.Parallel()
	all := readPages(t)
	given := regexp.MustCompile(`(?:\bID:  |(?:idle|lost)ID\s+= )"([a-z-]+)"`)
	found := map[string]bool{}
	for _, r := range plan.Rules() {
		for _, id := range r.Notices {
			found[id] = true
		}
	}
	for _, pattern := range []string{"internal/planinput/*.go"} {
		files, err := filepath.Glob(filepath.Join(checkout, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range given.FindAllStringSubmatch(string(source), -1) {
				found[id[1]] = true
			}
		}
	}
	if len(found) < 20 {
		t.Errorf("found only %d refusals and warnings in the code", len(found))
	}
	for id := range found {
		if !strings.Contains(all["docs/troubleshooting.md"]+all["docs/rollback.md"], "`"+id+"`") {
			t.Errorf("%s is explained neither in docs/troubleshooting.md nor in docs/rollback.md", id)
		}
	}
}

func TestExitCodesAreExplained(t *testing.T) {
	t.Parallel()
	page := readPages(t)["docs/runbook.md"]
	for _, code := range []int{term.ExitOK, term.ExitError, term.ExitChanges, term.ExitCheckFailed, term.ExitWarnings, term.ExitStopped, term.ExitTimeout, term.ExitInterrupted} {
		if !strings.Contains(page, fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("docs/runbook.md does not say what exit code %d means", code)
		}
	}
}
