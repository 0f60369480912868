package rooms

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The document gives modules of one family in one row, by their last words.
func TestEveryModuleThatIsRequiredHasItsReason(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatalf("listing modules: %v", err)
	}
	direct := strings.Fields(string(out))
	if len(direct) < 10 {
		t.Fatalf("only %d modules are required: %v", len(direct), direct)
	}
	for _, m := range direct {
		family, name := m[:strings.LastIndexByte(m, '/')], m[strings.LastIndexByte(m, '/')+1:]
		if !strings.Contains(string(doc), m) && (!strings.Contains(string(doc), family) || !strings.Contains(string(doc), "`"+name+"`") && !strings.Contains(string(doc), "`x/"+name+"`")) {
			t.Errorf("%s has no line in docs/dependencies.md", m)
		}
	}
	// And the other way round: what is built in is required, and said once.
	shipped, _, _ := strings.Cut(string(doc), "For building and testing alone")
	seen := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(shipped, -1) {
		for _, name := range regexp.MustCompile("`([^`]+\\.[^`]+/[^`]+)`").FindAllStringSubmatch(row[1], -1) {
			if seen[name[1]] || !slices.Contains(direct, name[1]) {
				t.Errorf("docs/dependencies.md has %s, which is there twice or not required", name[1])
			}
			seen[name[1]] = true
		}
	}
}

// Whoever looks for a room finds it in the document.
func TestEveryRoomIsInTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for room := range rooms {
		if room != "internal/rooms" && !strings.Contains(string(doc), "`"+room+"`") {
			t.Errorf("%s has no line in docs/architecture.md", room)
		}
	}
}
