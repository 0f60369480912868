package bundle

import (
	"encoding/json"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ContentError says that something in a bundle is not what the bundle's manifest
// claims: its bytes are those of the digest, their content is another.
type ContentError struct {
	// Path is the bundle; empty while one is being made.
	Path string
	// Kind is "chart" or "image", Name its name-version or reference.
	Kind, Name string
	// Reason is what is wrong; Have and Want are what was found and claimed,
	// where these are known.
	Reason     string
	Have, Want string
}

// Error implements error.
func (e *ContentError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *ContentError) Lines() []string {
	of := ""
	if e.Path != "" {
		of = message.Sprintf(" of bundle %q", e.Path)
	}
	out := []string{message.Sprintf("reading %s %q", e.Kind, e.Name) + of + message.Sprintf(": %s", e.Reason)}
	if e.Want != "" {
		out = append(out, message.Sprintf("received: %s", e.Have), message.Sprintf("expected: %s", e.Want))
	}
	return out
}

// Hint names what helps.
func (e *ContentError) Hint() string {
	return "don't use this bundle; create a new one with: helm aistor bundle create FILE"
}

func chartError(path string, c ChartEntry) *ContentError {
	return &ContentError{Path: path, Kind: "chart", Name: c.Name + "-" + c.Version}
}

// checkChart loads an archive as an upgrade does, with Helm's loader and its
// limits, and demands the name and the versions that the manifest claims. A
// digest alone proves only that nobody changed the bytes since somebody wrote
// the manifest.
func checkChart(path string, c ChartEntry, data []byte) error {
	e := chartError(path, c)
	loaded, err := chart.LoadData(data)
	if err != nil {
		e.Reason, e.Have, e.Want = err.Error(), "an archive that Helm cannot load", e.Name
		return e
	}
	if loaded.Name != c.Name || loaded.Version != c.Version {
		e.Reason, e.Have, e.Want = "its Chart.yaml names another chart", loaded.ID(), e.Name
		return e
	}
	if c.AppVersion != "" && loaded.AppVersion != c.AppVersion {
		e.Reason, e.Have, e.Want = "its Chart.yaml has another appVersion", loaded.AppVersion, c.AppVersion
		return e
	}
	return nil
}

// checkChartManifest demands of a chart's OCI manifest and config what Helm and
// registries show of the chart, so that they cannot show another one.
func (b *Bundle) checkChartManifest(c ChartEntry, node images.Node) error {
	e := chartError(b.path, c)
	if len(node.Blobs) != 2 || node.Blobs[1].Digest != c.SHA256 || node.Blobs[1].Size != c.Size {
		e.Reason = "its OCI manifest is not that of the archive " + c.SHA256
		return e
	}
	for i, want := range []string{mediaHelmConfig, mediaHelmChart} {
		if have := node.Blobs[i].MediaType; have != want {
			e.Reason, e.Have, e.Want = "its OCI manifest is not that of a chart", have, want
			return e
		}
	}
	raw, err := b.blobContent(node.Blobs[0].Digest, maxChartMetadata)
	if err != nil {
		return err
	}
	var meta struct{ Name, Version string }
	if err := json.Unmarshal(raw, &meta); err != nil {
		e.Reason = "reading its OCI config: " + err.Error()
		return e
	}
	if meta.Name != c.Name || meta.Version != c.Version {
		e.Reason, e.Have, e.Want = "its OCI config names another chart", meta.Name+"-"+meta.Version, e.Name
		return e
	}
	return nil
}

// CheckCharts demands that every chart of b be what b's manifest claims, also
// where its charts are fetched one by one.
func CheckCharts(b Reader) error {
	for _, c := range b.Charts() {
		if _, err := b.Chart(c.Name, c.Version); err != nil {
			return err
		}
	}
	return nil
}
