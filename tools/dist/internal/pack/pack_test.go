package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample are the entries, out of order, with one read from a file whose time
// and mode differ from run to run.
func sample(t *testing.T, age time.Duration) []File {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, bytes.Repeat([]byte("code "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(program, then, then); err != nil {
		t.Fatal(err)
	}
	return []File{
		{Name: "plugin/bin/program", Path: program, Executable: true},
		{Name: "plugin/LICENSE", Data: []byte("free\n")},
	}
}

func TestArchivesOfTheSameContentsAreTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.tgz", "a.tar.gz", "a.zip"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written [2][]byte
			for i, age := range []time.Duration{time.Hour, 1000 * time.Hour} {
				files := sample(t, age)
				if i == 1 {
					slices.Reverse(files)
				}
				out := filepath.Join(t.TempDir(), name)
				if err := Write(out, files); err != nil {
					t.Fatal(err)
				}
				var err error
				if written[i], err = os.ReadFile(out); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(written[0], written[1]) {
				t.Error("two archives of the same contents differ")
			}
		})
	}
}

func TestEntriesCarryModesAndNoOwner(t *testing.T) {
	t.Parallel()
	want := []string{
		"plugin/ 755 ", "plugin/bin/ 755 ", "plugin/LICENSE 644 free\n", "plugin/bin/program 755 " + strings.Repeat("code ", 1000),
	}
	dir := t.TempDir()
	for _, name := range []string{"a.tgz", "a.zip"} {
		if err := Write(filepath.Join(dir, name), sample(t, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if got := readTar(t, filepath.Join(dir, "a.tgz")); !slices.Equal(got, want) {
		t.Errorf("the tar holds %.80q", got)
	}
	// A zip needs no entries for directories.
	if got := readZip(t, filepath.Join(dir, "a.zip")); !slices.Equal(got, want[2:]) {
		t.Errorf("the zip holds %.80q", got)
	}
}

func readTar(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || !h.ModTime.Equal(epoch) {
			t.Errorf("%s: owner %d:%d %q, time %s", h.Name, h.Uid, h.Gid, h.Uname, h.ModTime)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %o %s", h.Name, h.Mode, b))
	}
}

func readZip(t *testing.T, name string) []string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var list []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		list = append(list, fmt.Sprintf("%s %o %s", f.Name, f.Mode().Perm(), b))
	}
	return list
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		archive string
		files   []File
		want    string
	}{
		"an unknown format":          {"a.rar", nil, "ends in .zip"},
		"a name twice":               {"a.tgz", []File{{Name: "a"}, {Name: "a"}}, "twice"},
		"a name outside":             {"a.tgz", []File{{Name: "../a"}}, "clean relative"},
		"an absolute name":           {"a.zip", []File{{Name: "/a"}}, "clean relative"},
		"a file that does not exist": {"a.zip", []File{{Name: "a", Path: "/does/not/exist"}}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			err := Write(filepath.Join(dir, c.archive), c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}
