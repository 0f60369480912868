package build

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestParsePlatforms(t *testing.T) {
	t.Parallel()
	got, err := ParsePlatforms("linux/amd64,windows/amd64, linux/amd64")
	if want := []Platform{{"linux", "amd64"}, {"windows", "amd64"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, error %v", got, err)
	}
	for _, bad := range []string{"", "linux", "linux/", "/amd64"} {
		if _, err := ParsePlatforms(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// A checkout elsewhere, of another age and with other wishes in the
// environment, gives the same bytes.
func TestTheSameSourceGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	p := Platform{OS: "windows", Arch: runtime.GOARCH}
	var built [2][]byte
	for i := range built {
		source, out := t.TempDir(), t.TempDir()
		for name, text := range map[string]string{
			"go.mod":            "module example.com/hello\n\ngo 1.26\n",
			"cmd/hello/main.go": "package main\n\nvar version string\n\nfunc main() { panic(version) }\n",
		} {
			path := filepath.Join(source, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		if err := (Compiler{Source: source, Version: "1.2.3", Log: &log}).Build(t.Context(), p, out, "hello"); err != nil {
			t.Fatal(err, log.String())
		}
		var err error
		if built[i], err = os.ReadFile(filepath.Join(out, "hello.exe")); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(built[i], []byte(source)) {
			t.Error("the program names the folder it was built in")
		}
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("two builds differ")
	}
	if !bytes.Contains(built[0], []byte("1.2.3")) {
		t.Error("the program does not know its version")
	}
}

func TestBuildSaysWhatDoesNotCompile(t *testing.T) {
	t.Parallel()
	err := Compiler{Source: t.TempDir(), Log: &strings.Builder{}}.Build(t.Context(), Platform{"linux", "amd64"}, t.TempDir(), "hello")
	if err == nil || !strings.Contains(err.Error(), `compiling "hello" for linux/amd64`) {
		t.Errorf("got %v", err)
	}
}
