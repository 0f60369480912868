package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Directory is what the documented procedure leaves behind: one docker-archive a
// file, and charts as .tgz. It is read in place and safe for concurrent use.
// Layers
// are pushed uncompressed, as they stand in the archive: their digest is then
// the one the image's config names, so a push with nothing to do reads nothing.
// The image's own digest is another than upstream's, because the archive does
// not keep it.
type Folder struct {
	artifacts []images.Artifact
	manifests map[string][]byte
	blobs     map[string]section
	files     []*os.File
	dir       string
	manifest  Manifest
	digest    string
}

// section is a blob: a part of a file, or bytes in memory.
type section struct {
	f         *os.File
	off, size int64
	data      []byte
}

// FolderOptions says how to read a directory.
type FolderOptions struct {
	// As names the image in a file, by the file's base name. It overrules what
	// the name says; a file named in neither way is an error.
	As map[string]images.Ref
	// Repository is what image names from file names are put behind. The
	// default is "quay.io/minio/aistor".
	Repository string
}

// OpenFolder reads the archives in dir. An archive knows no tag, so identity
// comes from the name aistor-IMAGE-TAG.tar, or from opts. Links inside of an
// archive are passed over, never followed. The caller closes the directory.
func OpenFolder(dir string, opts FolderOptions) (*Folder, error) {
	if opts.Repository == "" {
		opts.Repository = "quay.io/minio/aistor"
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("opening directory %q: %w", dir, err)
	}
	f := &Folder{dir: dir, manifests: map[string][]byte{}, blobs: map[string]section{}}
	for _, e := range list {
		if !e.Type().IsRegular() {
			continue
		}
		if err := f.addFile(filepath.Join(dir, e.Name()), opts); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if len(f.artifacts) == 0 {
		return nil, fmt.Errorf("opening directory %q: no image archive or chart found", dir)
	}
	slices.SortStableFunc(f.artifacts, func(a, b images.Artifact) int {
		if a.Kind != b.Kind {
			return -strings.Compare(string(a.Kind), string(b.Kind)) // images before charts
		}
		return strings.Compare(a.String(), b.String())
	})
	if err := f.buildManifest(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) addFile(path string, opts FolderOptions) error {
	name := filepath.Base(path)
	switch {
	case strings.HasSuffix(name, ".tgz"):
		return f.addChart(path)
	case strings.HasSuffix(name, ".tar"):
		ref, err := archiveRef(name, opts)
		if err != nil {
			return err
		}
		return f.addArchive(path, ref)
	}
	return nil
}

// archiveRef reads aistor-IMAGE-TAG.tar. The image's name may have dashes in
// it, and so has the tag; a tag begins with RELEASE. or with v and a digit.
func archiveRef(name string, opts FolderOptions) (images.Ref, error) {
	if r, ok := opts.As[name]; ok {
		return r, nil
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, ".tar"), "aistor-")
	for i := 0; ok && i < len(rest); i++ {
		tail := rest[i:]
		if tail[0] != '-' || i == 0 {
			continue
		}
		if strings.HasPrefix(tail, "-RELEASE.") || (len(tail) > 2 && tail[1] == 'v' && tail[2] >= '0' && tail[2] <= '9') {
			return images.ParseRef(opts.Repository + "/" + rest[:i] + ":" + tail[1:])
		}
	}
	return images.Ref{}, fmt.Errorf("reading archive %q: its name is not aistor-IMAGE-TAG.tar; set its image with --as %s=REF", name, name)
}

func (f *Folder) addChart(path string) error {
	st, err := os.Stat(path)
	if err == nil && st.Size() > maxChartSize {
		err = fmt.Errorf("reading chart %q: it is larger than %d bytes", path, maxChartSize)
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	meta, err := chartMetadata(data)
	if err != nil {
		return fmt.Errorf("reading chart %q: %w", path, err)
	}
	name, _ := meta["name"].(string)
	version, _ := meta["version"].(string)
	file := ChartFile{Name: name, Version: version, Data: data, File: filepath.Base(path)}
	file.AppVersion, _ = meta["appVersion"].(string)
	parts, err := addCharts(&f.manifest, []ChartFile{file})
	if err != nil {
		return err
	}
	f.manifests[parts[0].Digest] = parts[0].data
	for _, p := range parts[1:] {
		f.blobs[p.Digest] = section{data: p.data, size: p.Size}
	}
	f.artifacts = append(f.artifacts, images.Artifact{Kind: images.ArtifactChart, Name: name, Version: version, Desc: parts[0].Descriptor})
	return nil
}

// Artifacts implements images.Source.
func (f *Folder) Artifacts() []images.Artifact { return slices.Clone(f.artifacts) }

// ReadManifest implements images.Source.
func (f *Folder) ReadManifest(_ context.Context, a images.Artifact, d images.Descriptor) ([]byte, error) {
	if b, ok := f.manifests[d.Digest]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("reading manifest %s of %q: %w", d.Digest, a, errNotFound)
}

// OpenBlob implements images.Source.
func (f *Folder) OpenBlob(_ context.Context, a images.Artifact, digest string, from int64) (io.ReadCloser, error) {
	s, ok := f.blobs[digest]
	if !ok || from < 0 || from > s.size {
		return nil, fmt.Errorf("reading blob %s of %q: %w", digest, a, errNotFound)
	}
	if s.f == nil {
		return io.NopCloser(strings.NewReader(string(s.data[from:]))), nil
	}
	return io.NopCloser(io.NewSectionReader(s.f, s.off+from, s.size-from)), nil
}

// HoldsBlob implements images.Source.
func (f *Folder) HoldsBlob(string) bool { return true }

// Close closes the archives.
func (f *Folder) Close() error {
	var errs []error
	for _, x := range f.files {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}
