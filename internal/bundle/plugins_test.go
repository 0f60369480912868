package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mirrorFolder is a small directory as "make mirror" leaves it.
func mirrorFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"INSTALL.md": "# Installing\n", "v1.2.3/SHA256SUMS": "00  x\n", "v1.2.3/aistor-1.2.3-linux-amd64.tgz": strings.Repeat("plugin ", 99_999),
		"index.git/refs/heads/main": "0123\n", "index.git/empty": "",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPluginsTravelInTheBundle(t *testing.T) {
	t.Parallel()
	s := newSite(t, 4000)
	s.spec.Plugins = mirrorFolder(t)
	var bundles [2][]byte
	var path string
	for i := range bundles {
		path = filepath.Join(t.TempDir(), "a.bundle")
		if _, err := Create(t.Context(), path, s.spec, newClient(t, s.Server), CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		var err error
		if bundles[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		// Another directory with the same files, of another time.
		s.spec.Plugins = mirrorFolder(t)
	}
	if !bytes.Equal(bundles[0], bundles[1]) {
		t.Error("the same files give another bundle")
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if problems, err := b.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("verifying finds %v, error %v", problems, err)
	}
	out := filepath.Join(t.TempDir(), "mirror")
	if err := ExtractPlugins(t.Context(), b, out); err != nil {
		t.Fatal(err)
	}
	compareFolders(t, s.spec.Plugins, out)
	if err := ExtractPlugins(t.Context(), b, out); !errors.Is(err, os.ErrExist) {
		t.Errorf("extracting over a folder: got %v", err)
	}
	// A machine without the plugin opens it with tar alone.
	bare := t.TempDir()
	layer := blobPrefix + strings.TrimPrefix(b.Manifest().Plugins.SHA256, "sha256:")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "tar -xOf "+path+" "+layer+" | tar -x -C "+bare)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, text)
	}
	compareFolders(t, s.spec.Plugins, bare)
}

// Every byte of the plugins is covered, and a torn one is not installed from.
func TestAChangedByteOfThePluginsIsFound(t *testing.T) {
	t.Parallel()
	s := newSite(t, 400)
	s.spec.Plugins = mirrorFolder(t)
	path := filepath.Join(t.TempDir(), "a.bundle")
	if _, err := Create(t.Context(), path, s.spec, newClient(t, s.Server), CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("plugin plugin "))+3] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	torn, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer torn.Close()
	problems, err := torn.Verify(t.Context(), nil)
	if err != nil || len(problems) != 1 || !strings.Contains(fmt.Sprint(problems[0]), "plugins") {
		t.Errorf("verifying finds %v, error %v", problems, err)
	}
	out := filepath.Join(t.TempDir(), "mirror")
	if err := ExtractPlugins(t.Context(), torn, out); err == nil || fileExists(out) {
		t.Errorf("extracted all the same, error %v", err)
	}
}

func TestOnlyAMirrorIsTakenAlong(t *testing.T) {
	t.Parallel()
	s := newSite(t, 400)
	s.spec.Plugins = t.TempDir()
	_, err := Create(t.Context(), filepath.Join(t.TempDir(), "a.bundle"), s.spec, newClient(t, s.Server), CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "make mirror") {
		t.Errorf("an empty folder: got %v", err)
	}
	s.spec.Plugins = mirrorFolder(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(s.spec.Plugins, "link")); err != nil {
		t.Skip("no links here:", err)
	}
	_, err = Create(t.Context(), filepath.Join(t.TempDir(), "a.bundle"), s.spec, newClient(t, s.Server), CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "neither a file nor a directory") {
		t.Errorf("a link: got %v", err)
	}
}

// No name in the tar leads out of the directory, and nothing but files comes out.
func TestUntarStaysInItsFolder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../x", "/x", "a/../../x"} {
		tarball := tarWith(t, name)
		dir := filepath.Join(t.TempDir(), "out")
		if err := extractTar(t.Context(), dir, tarball, 1<<20); err == nil {
			t.Errorf("%q was written", name)
		}
		if fileExists(filepath.Join(filepath.Dir(dir), "x")) {
			t.Errorf("%q got out", name)
		}
	}
}

func compareFolders(t *testing.T, want, have string) {
	t.Helper()
	var sides [2][]byte
	for i, dir := range []string{want, have} {
		var err error
		if sides[i], err = io.ReadAll(streamTar(t.Context(), dir)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(sides[0], sides[1]) {
		t.Error("the folders differ")
	}
}

func tarWith(t *testing.T, name string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: 1, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}
