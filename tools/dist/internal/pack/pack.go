package pack

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// File is one entry of an archive.
type File struct {
	// Name inside the archive, with slashes.
	Name string
	// Path is the file to read; empty means Data.
	Path string
	// Data are the contents when Path is empty.
	Data []byte
	// Executable says whether the entry may be run.
	Executable bool
}

// epoch is the modification time of every entry: the earliest that a zip can
// hold, so that both formats agree.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Write packs files into the archive name, whose ending chooses the format:
// .zip, .tgz or .tar.gz. The archive appears under its name only when it is
// whole. Two entries of one name are an error.
func Write(name string, files []File) error {
	sorted, err := order(files)
	if err != nil {
		return fmt.Errorf("packing %q: %w", name, err)
	}
	write := tarball
	switch {
	case strings.HasSuffix(name, ".zip"):
		write = zipped
	case !strings.HasSuffix(name, ".tgz") && !strings.HasSuffix(name, ".tar.gz"):
		return fmt.Errorf("packing %q: expected a name that ends in .zip, .tgz or .tar.gz", name)
	}
	f, err := os.Create(name + ".partial")
	if err != nil {
		return fmt.Errorf("packing %q: %w", name, err)
	}
	defer os.Remove(f.Name())
	err = write(f, sorted)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("packing %q: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}

// order sorts by name and refuses names that appear twice or leave the archive.
func order(files []File) ([]File, error) {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for i, f := range sorted {
		if path.Clean(f.Name) != f.Name || path.IsAbs(f.Name) || strings.HasPrefix(f.Name, "..") {
			return nil, fmt.Errorf("naming entry %q: not a clean relative name", f.Name)
		}
		if i > 0 && sorted[i-1].Name == f.Name {
			return nil, fmt.Errorf("naming entry %q: it is there twice", f.Name)
		}
	}
	return sorted, nil
}

func (f File) open() (io.ReadCloser, int64, error) {
	if f.Path == "" {
		return io.NopCloser(strings.NewReader(string(f.Data))), int64(len(f.Data)), nil
	}
	r, err := os.Open(f.Path)
	if err != nil {
		return nil, 0, err
	}
	info, err := r.Stat()
	if err != nil {
		r.Close()
		return nil, 0, err
	}
	return r, info.Size(), nil
}

func (f File) mode() os.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

func (f File) copyTo(w io.Writer) error {
	r, _, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

func tarball(w io.Writer, files []File) error {
	// The best compression takes four times as long for half a percent.
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, dir := range folders(files) {
		// Helm's extractor makes no directories of its own.
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(h); err != nil {
			return err
		}
	}
	for _, f := range files {
		r, size, err := f.open()
		if err != nil {
			return err
		}
		r.Close()
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.Name, Size: size, Mode: int64(f.mode()),
			ModTime: epoch, Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(h); err != nil {
			return err
		}
		if err := f.copyTo(archive); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// directories are all directories of the entries, parents first.
func folders(files []File) []string {
	seen := map[string]bool{}
	for _, f := range files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			seen[dir] = true
		}
	}
	var list []string
	for dir := range seen {
		list = append(list, dir)
	}
	slices.Sort(list)
	return list
}

func zipped(w io.Writer, files []File) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(f.mode())
		entry, err := archive.CreateHeader(h)
		if err != nil {
			return err
		}
		if err := f.copyTo(entry); err != nil {
			return err
		}
	}
	return archive.Close()
}
