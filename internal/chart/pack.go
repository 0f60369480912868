package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// packFolder packs a chart directory as a .tgz. The bytes depend on the files
// alone, not on the clock or the directory, so that one chart has one digest;
// Helm's own packing writes the time of day.
func packFolder(dir string) ([]byte, error) {
	parsed, err := loader.LoadDir(dir)
	if err != nil {
		return nil, err
	}
	files := slices.Clone(parsed.Raw)
	slices.SortFunc(files, func(a, b *chart.File) int { return strings.Compare(a.Name, b.Name) })

	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	tw := tar.NewWriter(zw)
	for _, f := range files {
		header := &tar.Header{
			Name: parsed.Metadata.Name + "/" + f.Name, Mode: 0o644,
			Size: int64(len(f.Data)), Typeflag: tar.TypeReg, Format: tar.FormatPAX,
		}
		if err := tw.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := tw.Write(f.Data); err != nil {
			return nil, err
		}
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	if err := zw.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
