package chart

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
)

// RecordSize is the size of a release record.
type RecordSize struct {
	// Bytes is the size of the data in the record's Secret, of which an API
	// server takes at most 1 MiB.
	Bytes int
	// are its largest parts by their own size in the record,
	// largest first: chart files, "values" and "manifest". They are set only
	// where the record comes near the limit.
	LargestParts []RecordPart
}

// RecordPart is one part of a record.
type RecordPart struct {
	Name  string
	Bytes int
}

// detailThreshold is the size from which the largest parts are reported.
const detailThreshold = 1 << 19

// maxNamedParts is how many parts are named.
const maxNamedParts = 3

// RecordSize computes what Helm would store of this render: chart,
// values, manifest and notes as JSON, gzipped, in base64 (Helm 3,
// pkg/storage/driver/util.go). Times and hooks' outcomes, which are not known
// yet, make some hundred bytes of difference.
func (c *Chart) RecordSize(opts RenderOptions, out *Rendered) (RecordSize, error) {
	r := release.Release{
		Name: opts.ReleaseName, Namespace: opts.Namespace, Version: opts.Revision,
		Info:  &release.Info{Status: release.StatusDeployed, Notes: out.Notes},
		Chart: c.parsed, Config: opts.Values, Manifest: out.Manifest,
	}
	for _, o := range out.Objects {
		if o.Hook {
			r.Hooks = append(r.Hooks, &release.Hook{Path: o.Source, Manifest: o.text})
		}
	}
	raw, err := json.Marshal(&r)
	if err != nil {
		return RecordSize{}, fmt.Errorf("packing the record of release %q: %w", opts.ReleaseName, err)
	}
	packed, err := packRecord(raw)
	if err != nil {
		return RecordSize{}, fmt.Errorf("packing the record of release %q: %w", opts.ReleaseName, err)
	}
	w := RecordSize{Bytes: len(packed)}
	if w.Bytes >= detailThreshold {
		w.LargestParts = largestParts(&r)
	}
	return w, nil
}

// largestParts are the largest parts of a record.
func largestParts(r *release.Release) []RecordPart {
	values, _ := json.Marshal(r.Config)
	parts := []RecordPart{{"values", packedSize(values)}, {"manifest", packedSize([]byte(r.Manifest))}}
	var add func(prefix string, c *chart.Chart)
	add = func(prefix string, c *chart.Chart) {
		for _, f := range slices.Concat(c.Templates, c.Files) {
			parts = append(parts, RecordPart{prefix + f.Name, packedSize(f.Data)})
		}
		for _, d := range c.Dependencies() {
			add(prefix+"charts/"+d.Name()+"/", d)
		}
	}
	add("", r.Chart)
	slices.SortStableFunc(parts, func(a, b RecordPart) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return parts[:min(len(parts), maxNamedParts)]
}

// packedSize is what some bytes add to a record, about: they are gzipped, and
// then written as base64.
func packedSize(b []byte) int {
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, _ = zw.Write(b)
	_ = zw.Close()
	return zipped.Len() * 4 / 3
}
