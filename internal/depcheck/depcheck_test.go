package depcheck

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/aistor-upgrade/aistor-upgrade/"

// pkg is what `go list -json` says of one package.
type pkg struct {
	ImportPath string
	Imports    []string
}

// owners are the libraries that only some rooms may import, each with these
// rooms. A prefix ending in "/" covers everything below it.
var owners = map[string][]string{
	"github.com/google/go-containerregistry/pkg/v1/remote": {"internal/registry"},
	"github.com/google/go-containerregistry/pkg/authn":     {"internal/registry"},
	"helm.sh/helm/v3/":             {"internal/chart"},
	"go.yaml.in/yaml/v3":           {"internal/values"},
	"aead.dev/minisign":            {"internal/signature"},
	"github.com/spf13/cobra":       {"internal/cli"},
	"github.com/spf13/pflag":       {"internal/cli"},
	"github.com/vbauerster/mpb/v8": {"internal/cli"},
}

// rooms says which of our own packages each room may import. A room that is
// not named here may import none.
var rooms = map[string][]string{
	"cmd/helm-aistor":            {"internal/cli"},
	"cmd/kubectl-aistor_upgrade": {"internal/cli"},
	"internal/cli": {
		"internal/message", "internal/redact", "internal/backoff", "internal/httptimeout", "internal/bundlespec", "internal/planinput", "internal/upgrade", "internal/lease", "internal/journal", "internal/registry", "internal/bundle",
		"internal/safefile", "internal/message", "internal/redact", "internal/backoff", "internal/httptimeout", "internal/bundlespec", "internal/planinput", "internal/upgrade", "internal/registry", "internal/bundle",
		"internal/values", "internal/valuecheck", "internal/chart", "internal/cluster", "internal/aistor", "internal/pulltest", "internal/supportbundle", "internal/report", "internal/diff", "internal/signature", "internal/gitops", "internal/shellquote", "internal/plural",
		"pkg/preflight", "pkg/plan", "pkg/images",
	},
	"internal/bundlespec":    {"internal/message", "internal/bundle", "internal/chart", "internal/values", "internal/aistor", "pkg/plan", "pkg/images"},
	"internal/planinput":     {"internal/message", "internal/redact", "internal/bundle", "internal/chart", "internal/values", "internal/valuecheck", "internal/shellquote", "internal/aistor", "pkg/plan", "pkg/images"},
	"internal/valuecheck":    {"internal/message", "internal/redact", "internal/values", "internal/shellquote", "pkg/plan", "pkg/images"},
	"internal/upgrade":       {"internal/readiness", "internal/safefile", "internal/lease", "internal/journal", "internal/message", "internal/redact", "internal/backoff", "internal/shellquote", "internal/plural", "pkg/preflight", "pkg/plan", "pkg/images", "internal/aistor"},
	"internal/readiness":     {"internal/plural", "pkg/plan", "pkg/images"},
	"internal/lease":         {"internal/message", "internal/backoff"},
	"internal/journal":       {"internal/message", "internal/shellquote", "pkg/plan", "pkg/images"},
	"internal/report":        {"internal/message", "internal/redact", "internal/upgrade", "internal/journal", "pkg/preflight", "pkg/plan", "pkg/images"},
	"pkg/preflight":          {"internal/message", "internal/shellquote", "internal/plural", "pkg/plan", "pkg/images", "internal/aistor"},
	"pkg/plan":               {"internal/message", "internal/redact", "internal/shellquote", "internal/plural", "pkg/images", "internal/aistor"},
	"pkg/images":             {"internal/message", "internal/aistor"},
	"internal/supportbundle": {"internal/message", "internal/redact", "pkg/plan"},
	"internal/pulltest":      {"pkg/preflight", "pkg/images"},
	"internal/registry":      {"internal/message", "internal/backoff", "internal/httptimeout", "pkg/images"},
	"internal/bundle":        {"internal/chart", "internal/safefile", "internal/message", "internal/backoff", "internal/signature", "pkg/images"},
	"internal/diff":          {"internal/message", "internal/redact", "pkg/plan", "pkg/images"},
	"internal/gitops":        {"internal/message", "internal/redact", "internal/shellquote", "internal/plural", "pkg/plan", "pkg/images", "internal/aistor"},
	"internal/plural":        {},
	"internal/message":       {},
	"internal/safefile":      {},
	"internal/redact":        {"internal/message"},
	"internal/signature":     {},
	"internal/values":        {"internal/message", "internal/plural", "pkg/images", "internal/aistor"},
	"internal/chart":         {"internal/safefile", "internal/message", "internal/backoff", "pkg/images", "internal/aistor"},
	"internal/cluster":       {"internal/message", "internal/httptimeout", "internal/redact", "internal/chart", "pkg/plan", "pkg/images", "internal/aistor"},
	"internal/backoff":       {},
	"internal/shellquote":    {"internal/message"},
	"internal/aistor":        {"internal/message"},
	"internal/leaktest":      {},
	"internal/depcheck":      {},

	"internal/httptimeout": {},
}

func TestImportsStayInsideTheirRooms(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		room, _ := strings.CutPrefix(p.ImportPath, module)
		room = roomOf(room)
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s is no room: name it in the design and in this test", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			checkOwn(t, room, imported, allowed)
			checkLibrary(t, room, imported)
		}
	}
}

// The library that others may import must not reach for a terminal, an
// environment or flags: those belong to the program around it.
func TestLibraryPackagesTakeStreamsAndEnvironmentFromTheirCaller(t *testing.T) {
	t.Parallel()
	lookedAt(t)
	out, err := exec.CommandContext(t.Context(), "grep", "-rnE", `os\.(Getenv|LookupEnv|Environ|Stdout|Stderr|Stdin|Exit)\b`,
		"--include=*.go", "--exclude=*_test.go", "../../pkg").Output()
	if err == nil {
		t.Errorf("pkg/ reaches for the process it runs in:\n%s", out)
	}
}

// roomOf is the room a package lies in: packages below a room belong to it.
func roomOf(path string) string {
	for room := path; room != ""; {
		if _, ok := rooms[room]; ok {
			return room
		}
		i := strings.LastIndexByte(room, '/')
		if i < 0 {
			break
		}
		room = room[:i]
	}
	return path
}

func checkOwn(t *testing.T, room, imported string, allowed []string) {
	t.Helper()
	own, ok := strings.CutPrefix(imported, module)
	if !ok || roomOf(own) == room {
		return
	}
	for _, a := range allowed {
		if roomOf(own) == a {
			return
		}
	}
	t.Errorf("%s imports %s: data flows down only", room, own)
}

func checkLibrary(t *testing.T, room, imported string) {
	t.Helper()
	for lib, only := range owners {
		if imported != strings.TrimSuffix(lib, "/") && !strings.HasPrefix(imported, strings.TrimSuffix(lib, "/")+"/") {
			continue
		}
		for _, o := range only {
			if room == o {
				return
			}
		}
		t.Errorf("%s imports %s, which belongs to %s", room, imported, strings.Join(only, ", "))
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	lookedAt(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		all = append(all, p)
	}
}

// lookedAt checks every file that another program reads for these tests. The
// go command knows only what a test itself checks: without it, it would take
// an earlier run's word for a tree that has changed since.
func lookedAt(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"../../cmd", "../../internal", "../../pkg"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat("../../go.mod"); err != nil {
		t.Fatal(err)
	}
}
