package rooms

import (
	"os"
	"os/exec"
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
}
