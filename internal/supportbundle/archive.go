package supportbundle

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// archiveRoot is the directory in which everything lies when it is unpacked.
const archiveRoot = "aistor-collect"

// Kind is the kind of the archive's index.
const Kind = "Collection"

// Index says what an archive holds and what it lacks. It is index.yaml in it.
type Index struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Tool       string    `json:"tool"`
	Created    time.Time `json:"created"`
	Files      []string  `json:"files"`
	// Missing is what could not be read, each with its cause.
	Missing []string `json:"missing,omitempty"`
}

// archive writes files into a gzipped tar, each without secrets.
type archive struct {
	gz      *gzip.Writer
	tar     *tar.Writer
	secrets *redact.Redactor
	index   Index
}

func newArchive(w io.Writer, s *redact.Redactor, tool string, now time.Time) *archive {
	gz := gzip.NewWriter(w)
	return &archive{gz: gz, tar: tar.NewWriter(gz), secrets: s,
		index: Index{APIVersion: plan.APIVersion, Kind: Kind, Tool: tool, Created: now.UTC()}}
}

func (a *archive) addText(name, text string) error {
	body := a.secrets.Text(text)
	h := &tar.Header{Name: path.Join(archiveRoot, name), Mode: 0o600, Size: int64(len(body)), ModTime: a.index.Created, Typeflag: tar.TypeReg}
	if err := a.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	if _, err := io.WriteString(a.tar, body); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	a.index.Files = append(a.index.Files, name)
	return nil
}

// addYAML writes a document.
func (a *archive) addYAML(name string, doc any) error {
	b, err := message.YAML(doc)
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	return a.addText(name, string(b))
}

// recordMissing records what could not be read.
func (a *archive) recordMissing(what string, err error) {
	a.index.Missing = append(a.index.Missing, a.secrets.Text(what+": "+err.Error()))
}

// close writes the index and ends the archive.
func (a *archive) close() (*Index, error) {
	index := a.index
	if err := a.addYAML("index.yaml", index); err != nil {
		return nil, err
	}
	if err := a.tar.Close(); err != nil {
		return nil, fmt.Errorf("closing the archive: %w", err)
	}
	if err := a.gz.Close(); err != nil {
		return nil, fmt.Errorf("closing the archive: %w", err)
	}
	return &index, nil
}
