package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func put(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

// only wants exactly these names in dir: nothing half written stays.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if strings.Join(have, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, expected %q", have, names)
	}
}

func TestWriteReplacesWholeFilesAndKeepsTheirMode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	if err := safefile.Write(name, []byte("one"), 0o600); err != nil || read(t, name) != "one" {
		t.Fatalf("%v", err)
	}
	put(t, name, "one", 0o640)
	if err := safefile.Write(name, []byte("two"), 0o600); err != nil || read(t, name) != "two" {
		t.Fatalf("%v", err)
	}
	if st, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, error %v", st.Mode(), err)
	}
	f, err := safefile.Replace(name, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("three"); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if err := safefile.CheckWritable(name); err != nil || read(t, name) != "two" {
		t.Errorf("%v", err)
	}
	only(t, dir, "a")
}

func TestNoWriteFollowsALinkOrFillsADevice(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "victim")
	put(t, victim, "victim", 0o600)
	link := filepath.Join(dir, "link")
	dangling := filepath.Join(dir, "dangling")
	hard := filepath.Join(dir, "hard")
	for _, err := range []error{os.Symlink(victim, link), os.Symlink(filepath.Join(outside, "new"), dangling), os.Link(victim, hard)} {
		if err != nil {
			t.Skip(err)
		}
	}
	for name, write := range map[string]func() error{
		"write":          func() error { return safefile.Write(link, []byte("x"), 0o600) },
		"write dangling": func() error { return safefile.Write(dangling, []byte("x"), 0o600) },
		"new":            func() error { return safefile.WriteNew(dangling, []byte("x"), 0o600) },
		"folder":         func() error { return safefile.Write(outside, []byte("x"), 0o600) },
		"device":         func() error { return safefile.Write(os.DevNull, []byte("x"), 0o600) },
		"own":            func() error { _, err := safefile.OpenOwn(link, os.O_TRUNC, 0o600); return err },
		"own dangling":   func() error { _, err := safefile.OpenOwn(dangling, 0, 0o600); return err },
		"own hard link":  func() error { _, err := safefile.OpenOwn(hard, os.O_TRUNC, 0o600); return err },
		"own device":     func() error { _, err := safefile.OpenOwn(os.DevNull, 0, 0o600); return err },
		"rename":         func() error { return safefile.Rename(link, filepath.Join(dir, "x")) },
	} {
		err := write()
		if target := new(*safefile.TargetError); !errors.As(err, target) && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if read(t, victim) != "victim" {
		t.Error("the file behind a link was changed")
	}
	only(t, outside, "victim")
	only(t, dir, "dangling", "hard", "link")
}

func TestANewFileReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	f, err := safefile.Create(name, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	put(t, name, "somebody else's", 0o600)
	if err := f.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	f.Abort()
	if read(t, name) != "somebody else's" {
		t.Error("it was replaced")
	}
	only(t, dir, "a")
	if err := safefile.WriteNew(filepath.Join(dir, "b"), []byte("b"), 0o600); err != nil || read(t, filepath.Join(dir, "b")) != "b" {
		t.Error(err)
	}
	only(t, dir, "a", "b")
}

func TestAnOwnFileIsContinued(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	for range 2 {
		f, err := safefile.OpenOwn(name, os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString("x")
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, name); got != "xx" {
		t.Errorf("%q", got)
	}
}
