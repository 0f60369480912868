package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// maxChartMetadata bounds Chart.yaml.
const maxChartMetadata = 1 << 20

// ChartFile is a chart to carry.
type ChartFile struct {
	Name, Version, AppVersion string
	// File is the name the chart came in; it is only recorded.
	File         string
	Role         ChartRole
	Intermediate bool
	// Data is the .tgz, which is carried byte for byte.
	Data []byte
}

// chartBlobs makes Helm's own OCI artifact of a chart, as "helm push" does but
// without the time of day.
func chartBlobs(c ChartFile) ([]blob, error) {
	meta, err := chartMetadata(c.Data)
	if err != nil {
		return nil, fmt.Errorf("reading chart %q: %w", c.Name+"-"+c.Version, err)
	}
	if meta["name"] != c.Name || meta["version"] != c.Version {
		return nil, fmt.Errorf("reading chart %q: its Chart.yaml has %v-%v", c.Name+"-"+c.Version, meta["name"], meta["version"])
	}
	if err := checkChart("", ChartEntry{Name: c.Name, Version: c.Version, AppVersion: c.AppVersion}, c.Data); err != nil {
		return nil, err
	}
	if err := checkChartName(c.Name, c.Version); err != nil {
		return nil, fmt.Errorf("reading chart: %w", err)
	}
	config, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("reading chart %q: %w", c.Name, err)
	}
	ann := map[string]string{
		"org.opencontainers.image.title":   c.Name,
		"org.opencontainers.image.version": c.Version,
	}
	if d, ok := meta["description"].(string); ok && d != "" {
		ann["org.opencontainers.image.description"] = d
	}
	m := ociManifest{
		SchemaVersion: 2, MediaType: images.MediaTypeOCIManifest,
		Config:      toOCI(descriptorOf(mediaHelmConfig, config)),
		Layers:      []ociDescriptor{toOCI(descriptorOf(mediaHelmChart, c.Data))},
		Annotations: ann,
	}
	return artifactBlobs(m, config, c.Data)
}

// chartMetadata reads Chart.yaml of the outermost directory.
func chartMetadata(tgz []byte) (map[string]any, error) {
	zr, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return nil, fmt.Errorf("opening .tgz: %w", err)
	}
	tr := tar.NewReader(io.LimitReader(zr, 256<<20))
	for {
		h, err := tr.Next()
		if err != nil {
			return nil, fmt.Errorf("looking for Chart.yaml: %w", err)
		}
		dir, file, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if dir == "" || file != "Chart.yaml" {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(tr, maxChartMetadata))
		if err != nil {
			return nil, fmt.Errorf("reading Chart.yaml: %w", err)
		}
		var meta map[string]any
		if err := yaml.Unmarshal(b, &meta); err != nil {
			return nil, fmt.Errorf("reading Chart.yaml: %w", err)
		}
		return meta, nil
	}
}
