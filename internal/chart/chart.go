package chart

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Chart is one loaded chart. It is safe for concurrent use and must not be
// copied.
type Chart struct {
	Name       string
	Version    string
	AppVersion string
	// SHA256 is the hex digest of Data. It identifies the chart: versions of
	// the published charts were uploaded again with other bytes. It is empty
	// for a chart taken out of a release record, whose archive is not known.
	SHA256 string
	// Data is the chart's archive, a .tgz; nil for a chart taken out of a
	// release record.
	Data []byte

	parsed   *chart.Chart
	stripped *strippedChart
	// documents caches parsed documents by their text: most of them don't
	// change with the values, above all the CustomResourceDefinitions, which
	// are most of a rendered chart's bytes.
	documents sync.Map
}

// Load reads a chart archive, or packs a chart directory in memory.
func Load(path string) (*Chart, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("loading chart %q: %w", path, err)
	}
	var data []byte
	if info.IsDir() {
		data, err = packFolder(path)
	} else {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("loading chart %q: %w", path, err)
	}
	c, err := LoadData(data)
	if err != nil {
		return nil, fmt.Errorf("loading chart %q: %w", filepath.Base(path), err)
	}
	return c, nil
}

// LoadData reads a chart archive from memory. The chart keeps data, which must
// not be changed afterwards.
func LoadData(data []byte) (*Chart, error) {
	parsed, err := loader.LoadArchive(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading chart archive: %w", err)
	}
	if err := parsed.Validate(); err != nil {
		return nil, fmt.Errorf("reading chart archive: %w", err)
	}
	c := newChart(parsed)
	sum := sha256.Sum256(data)
	c.Data, c.SHA256 = data, hex.EncodeToString(sum[:])
	return c, nil
}

// silenceLogger keeps Helm's library from writing to the process's standard logger,
// and with that to stderr: it prints values there, which may be secrets.
// Nothing in this project uses that logger.
var silenceLogger = sync.OnceFunc(func() { log.SetOutput(io.Discard) })

func newChart(parsed *chart.Chart) *Chart {
	silenceLogger()
	return &Chart{
		Name:       parsed.Metadata.Name,
		Version:    parsed.Metadata.Version,
		AppVersion: parsed.Metadata.AppVersion,
		parsed:     parsed,
		stripped:   stripChart(parsed),
	}
}

// ID is name-version, as in the archive's file name.
func (c *Chart) ID() string { return c.Name + "-" + c.Version }

// Digest identifies the chart's content: "sha256:…" of the archive, or
// "record:sha256:…" of what a release's record keeps of it.
func (c *Chart) Digest() string {
	if c.SHA256 != "" {
		return "sha256:" + c.SHA256
	}
	raw, err := json.Marshal(c.parsed)
	if err != nil {
		return recordDigest
	}
	sum := sha256.Sum256(raw)
	return recordDigest + "sha256:" + hex.EncodeToString(sum[:])
}

// recordDigest begins the digest of a chart that comes out of a record.
const recordDigest = "record:"

// FileName is the name under which Helm would save the archive.
func (c *Chart) FileName() string { return c.ID() + ".tgz" }

// MetadataJSON is the chart's Chart.yaml as JSON: what Helm puts into the config
// of a chart that is stored in a registry.
func (c *Chart) MetadataJSON() ([]byte, error) { return json.Marshal(c.parsed.Metadata) }

// IsDeprecated reports whether the chart says so of itself.
func (c *Chart) IsDeprecated() bool { return c.parsed.Metadata.Deprecated }

// DefaultValues is a copy of the chart's default values.
func (c *Chart) DefaultValues() map[string]any { return copyMap(c.parsed.Values) }

// HasDependencies reports whether the chart brings subcharts.
func (c *Chart) HasDependencies() bool { return len(c.parsed.Dependencies()) > 0 }

// copyForHelm is a chart that Helm may change: it processes dependencies and values
// in place.
func (c *Chart) copyForHelm() (*chart.Chart, error) {
	if c.Data != nil {
		return loader.LoadArchive(bytes.NewReader(c.Data))
	}
	raw, err := json.Marshal(c.parsed)
	if err != nil {
		return nil, err
	}
	out := new(chart.Chart)
	return out, json.Unmarshal(raw, out)
}

// parseObject parses one rendered document, whose stretches of plain text are still
// out. Definitions are shared between renders, and with share everything is.
func (c *Chart) parseObject(doc string, share bool) (images.Object, error) {
	share = share || hasPlaceholder(doc)
	if share {
		if o, ok := c.documents.Load(doc); ok {
			return o.(images.Object), nil
		}
	}
	o, err := images.ParseObject([]byte(c.stripped.restorePlainText(doc)))
	if err == nil && share {
		c.documents.Store(doc, o)
	}
	return o, err
}

func copyMap(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return copyValue(m).(map[string]any)
}

func copyValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = copyValue(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyValue(e)
		}
		return out
	default:
		return v
	}
}
