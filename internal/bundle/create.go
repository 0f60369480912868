package bundle

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// partialSuffix marks a bundle that is being made. journalSuffix marks the
// note of how far each blob got.
const (
	partialSuffix = ".partial"
	journalSuffix = ".partial.state"
)

// Fetcher is where images come from; a registry client is one.
type Fetcher = images.Fetcher

// Spec says what to put into a bundle.
type Spec struct {
	// Tool is the name and version to record.
	Tool   string
	Charts []ChartFile
	Images []images.Image
	// Platforms to carry; empty means all, with indexes kept whole.
	Platforms []string
	// Referrers carries what belongs to the images too: signatures,
	// attestations, lists of contents.
	Referrers bool
	// Plugins is the directory that "make mirror" wrote, to carry it along; empty
	// carries none.
	Plugins string
	// PartSize is the largest file to write; 0 writes one file.
	PartSize int64
	// IntermediateVersions and Notes are recorded as they are.
	IntermediateVersions []string
	Notes                []string
	// AssumedBlobs lists blobs to leave out, by source repository ("host/path"),
	// because the repository it maps to has them. Push proves that.
	AssumedBlobs map[string][]string
}

// CreateOptions says how to make a bundle.
type CreateOptions struct {
	// Restart throws away what an earlier run left. The default continues it.
	Restart bool
	// Concurrency is how many blobs are fetched at once. The default is 8.
	Concurrency int
	// Progress receives events. The default is none.
	Progress images.Progress
	// Overwrite replaces a bundle that is there. The default is an error.
	Overwrite bool
	// FreeSpace tells the free bytes of a directory. The default asks the system;
	// a negative answer means unknown.
	FreeSpace func(dir string) (int64, error)
	// Wait sleeps before a broken download is continued. The default sleeps.
	Wait func(ctx context.Context, d time.Duration) error
}

// Summary says what was made.
type Summary struct {
	Path     string   `json:"path"`
	Files    []string `json:"files"`
	Digest   string   `json:"digest"`
	Size     int64    `json:"size"`
	Images   int      `json:"images"`
	Charts   int      `json:"charts"`
	Blobs    int      `json:"blobs"`
	Plugins  *Plugins `json:"plugins,omitempty"`
	Fetched  int64    `json:"bytesFetched"`
	Kept     int64    `json:"bytesKept"`
	Warnings []string `json:"warnings,omitempty"`
}

// Create makes the bundle at path from the charts in spec and the images in
// src. All manifests are fetched first, so the size and every offset are known
// before the first layer arrives; layers then land in parallel, hashed as they
// stream. The file is called path.partial until it is complete and written
// through. Called again with the same spec after any interruption, it keeps
// what is whole and continues what is torn; a tag that moved meanwhile is a
// [ChangedError].
func Create(ctx context.Context, path string, spec Spec, src Fetcher, opts CreateOptions) (*Summary, error) {
	if opts.Concurrency <= 0 {
		opts.Concurrency = 8
	}
	if opts.FreeSpace == nil {
		opts.FreeSpace = freeSpace
	}
	if opts.Wait == nil {
		opts.Wait = backoff.Sleep
	}
	if err := checkTarget(path, opts.Overwrite); err != nil {
		return nil, err
	}
	p, err := makePlan(ctx, spec, src, opts)
	if err != nil {
		return nil, err
	}
	if p.manifest.Plugins != nil {
		src = pluginFetcher{src, spec.Plugins, p.manifest.Plugins.SHA256}
	}
	w, err := openWriter(path, p, spec.PartSize, opts)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.fetchMissing(ctx, src); err != nil {
		return nil, w.explainError(err)
	}
	files, err := w.finalize()
	if err != nil {
		return nil, w.explainError(err)
	}
	return &Summary{
		Path: path, Files: files, Digest: p.digest, Size: p.layout.size,
		Images: len(p.manifest.Images), Charts: len(p.manifest.Charts), Blobs: len(p.layout.entries) - 2,
		Plugins: p.manifest.Plugins, Fetched: w.fetched.Load(), Kept: w.kept.Load(), Warnings: p.listWarnings(),
	}, nil
}

// explainError adds what helps to errors of the file system.
func (w *writer) explainError(err error) error {
	if errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", &FileSizeError{Path: w.path, Size: w.plan.layout.size}, err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		free, _ := w.opts.FreeSpace(filepath.Dir(w.path))
		return fmt.Errorf("%w: %w", &SpaceError{Path: w.path, Required: w.plan.layout.size, Available: max(free, 0)}, err)
	}
	return err
}

func (p *plan) listWarnings() []string {
	out := slices.Clone(p.lost)
	for _, e := range p.manifest.Images {
		for _, m := range e.Missing {
			out = append(out, fmt.Sprintf("%s has no image for %s", e.Ref, m))
		}
		if len(e.Platforms) > 0 && e.Ref.Digest != "" && len(p.manifest.Platforms) > 0 &&
			len(e.Platforms) > len(p.manifest.Platforms) {
			out = append(out, fmt.Sprintf("%s pins a digest and is included with all platforms", e.Ref))
		}
	}
	slices.Sort(out)
	return out
}
