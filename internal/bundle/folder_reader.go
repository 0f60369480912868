package bundle

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// buildManifest writes the manifest that a directory lacks, so that a directory can be
// inspected, planned with and referenced like a bundle.
func (f *Folder) buildManifest() error {
	m := &f.manifest
	m.APIVersion, m.Kind, m.MinReader = APIVersion, Kind, readerVersion
	m.Notes = []string{"created from saved archives: image digests differ from upstream"}
	slices.SortFunc(m.Charts, func(a, b ChartEntry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	slices.SortFunc(m.Images, func(a, b ImageEntry) int { return a.Ref.Compare(b.Ref) })
	for i := range m.Images[min(1, len(m.Images)):] {
		if m.Images[i].Ref == m.Images[i+1].Ref {
			return fmt.Errorf("opening directory %q: %s exists in two files", f.dir, m.Images[i].Ref)
		}
	}
	for _, e := range m.Images {
		m.Platforms = append(m.Platforms, e.Platforms...)
	}
	m.Platforms = sortedUnique(m.Platforms)
	encoded, err := m.encodeJSON()
	if err != nil {
		return err
	}
	own, err := manifestArtifact(encoded)
	if err != nil {
		return err
	}
	index, err := indexJSON(*m, own[0].Descriptor)
	f.digest = images.DigestOf(index)
	return err
}

// Path implements Reader.
func (f *Folder) Path() string { return f.dir }

// Manifest implements Reader. It is derived from what is in the directory.
func (f *Folder) Manifest() Manifest { return f.manifest }

// Digest implements Reader: it changes with everything in the directory.
func (f *Folder) Digest() string { return f.digest }

// Images implements Reader.
func (f *Folder) Images() []ImageEntry { return f.manifest.Images }

// Charts implements Reader.
func (f *Folder) Charts() []ChartEntry { return f.manifest.Charts }

// Source implements Reader.
func (f *Folder) Source() images.Source { return f }

// Chart implements Reader.
func (f *Folder) Chart(name, version string) ([]byte, error) {
	c, err := pickChart(f.manifest.Charts, name, version)
	if err != nil {
		return nil, err
	}
	return f.blobs[c.SHA256].data, nil
}
