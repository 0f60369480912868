package depcheck

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
	lookedAt(t)
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

// The document's last column says which rooms import a library, where it names
// rooms at all.
func TestLibrariesAreImportedWhereTheDocumentSays(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	shipped, _, _ := strings.Cut(string(doc), "For building and testing alone")
	quoted := regexp.MustCompile("`([^`]+)`")
	all, looked := list(t), 0
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| .+? \| (.+?) \|$`).FindAllStringSubmatch(shipped, -1) {
		doors := quoted.FindAllStringSubmatch(row[2], -1)
		if len(doors) == 0 {
			continue
		}
		family := ""
		for _, name := range quoted.FindAllStringSubmatch(row[1], -1) {
			library := name[1]
			if !strings.Contains(library, "/") {
				library = family + library
			}
			family = library[:strings.LastIndexByte(library, '/')+1]
			looked++
			for _, p := range all {
				room := roomOf(strings.TrimPrefix(p.ImportPath, module))
				imports := slices.ContainsFunc(p.Imports, func(i string) bool { return i == library || strings.HasPrefix(i, library+"/") })
				if imports && !slices.ContainsFunc(doors, func(d []string) bool { return d[1] == room }) {
					t.Errorf("%s imports %s, and docs/dependencies.md says: only in %s", room, library, row[2])
				}
			}
		}
	}
	if looked < 15 {
		t.Errorf("the rows of only %d libraries name a room", looked)
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
		if room != "internal/depcheck" && !strings.Contains(string(doc), "`"+room+"`") {
			t.Errorf("%s has no line in docs/architecture.md", room)
		}
	}
}
