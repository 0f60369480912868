package cli

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// checkout is the repository's directory.
const checkout = "../.."

// readPages are the texts for people, by their names in the checkout.
func readPages(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "test/*/README.md", "tools/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(checkout, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			name, _ = filepath.Rel(checkout, name)
			list[filepath.ToSlash(name)] = string(b)
		}
	}
	if len(list) < 10 {
		t.Fatalf("found only %d pages", len(list))
	}
	return list
}

// fenced matches a block of commands: those of "console" stand behind a
// prompt, and what follows them is output.
var fenced = regexp.MustCompile("(?s)```(console|sh|bash)\n(.*?)```")

// typedCommands are the commands that a page tells people to type.
func typedCommands(text string) []string {
	var list []string
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		for _, l := range commandLines(block[2]) {
			l, prompted := strings.CutPrefix(l, "$ ")
			if prompted == (block[1] == "console") {
				list = append(list, withoutComment(l))
			}
		}
	}
	return list
}

// inner finds a plugin's command inside a line of shell: behind a pipe, a
// condition or an assignment.
var inner = regexp.MustCompile(`(?:^|[|;&(]\s*|\s)((?:helm aistor|kubectl aistor-upgrade|helm-aistor) .*)`)

func TestCommandsInDocumentsAreUnderstood(t *testing.T) {
	t.Parallel()
	understood := 0
	for name, text := range readPages(t) {
		for _, l := range typedCommands(text) {
			found := inner.FindStringSubmatch(l)
			if found == nil {
				continue
			}
			understood++
			if err := readLine(strings.NewReplacer("$(", "", "…", "x").Replace(found[1])); err != nil {
				t.Errorf("%s: %q: %v", name, l, err)
			}
		}
	}
	if understood < 20 {
		t.Errorf("found only %d commands in all documents", understood)
	}
}

var (
	link    = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	source  = regexp.MustCompile(`(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := readPages(t)
	for name, text := range all {
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
		for _, found := range append(link.FindAllStringSubmatch(prose, -1), source.FindAllStringSubmatch(prose, -1)...) {
			u, err := url.Parse(found[1])
			if err != nil {
				t.Errorf("%s: %q is no link: %v", name, found[1], err)
				continue
			}
			if u.Scheme != "" {
				continue // other sites are not asked
			}
			target := name
			if u.Path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), u.Path))
			}
			if _, err := os.Stat(filepath.Join(checkout, target)); err != nil {
				t.Errorf("%s: %q leads nowhere", name, found[1])
				continue
			}
			if u.Fragment != "" && !headingAnchors(all[target])[u.Fragment] {
				t.Errorf("%s: %q: there is no such heading", name, found[1])
			}
		}
	}
}

// headingAnchors are the fragments by which a page's headings are linked.
func headingAnchors(text string) map[string]bool {
	list := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		list[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1])] = true
	}
	return list
}

// Every page is reached from the README or from a page that is.
func TestEveryDocumentIsReached(t *testing.T) {
	t.Parallel()
	all := readPages(t)
	reached, next := map[string]bool{}, []string{"README.md"}
	for len(next) > 0 {
		name := next[0]
		if next = next[1:]; reached[name] {
			continue
		}
		reached[name] = true
		for _, found := range link.FindAllStringSubmatch(all[name], -1) {
			path, _, _ := strings.Cut(found[1], "#")
			next = append(next, filepath.ToSlash(filepath.Join(filepath.Dir(name), path)))
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("%s is linked from nowhere", name)
		}
	}
}

// Workflows do what .ci/run does, and every action is pinned by its commit: a
// tag can be moved.
func TestWorkflowsArePinned(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join(checkout, ".github", "workflows", "*.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("found %v, error %v", found, err)
	}
	runsCI := false
	for _, name := range found {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, uses := range regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(string(b), -1) {
			if !regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`).MatchString(uses[1]) {
				t.Errorf("%s: %q is not pinned by a commit with its version behind", name, uses[1])
			}
		}
		runsCI = runsCI || strings.Contains(string(b), "PATH=$PATH\" .ci/run\n")
	}
	if !runsCI {
		t.Error("no workflow runs .ci/run")
	}
}
