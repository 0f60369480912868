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

// Weight is how large a release's record becomes.
type Weight struct {
	// Bytes is the size of the data in the record's Secret, of which an API
	// server takes at most 1 MiB.
	Bytes int
	// Parts are the heaviest parts of it by their own size in the record,
	// heaviest first: chart files, "values" and "manifest". They are told only
	// where the record comes near the limit.
	Parts []Part
}

// Part is one part of a record.
type Part struct {
	Name  string
	Bytes int
}

// nearLimit is from where on it matters what makes a record heavy.
const nearLimit = 1 << 19

// mostParts is how many parts are named.
const mostParts = 3

// Weight packs what Helm would store of this render, as Helm packs it: chart,
// values, manifest and notes as JSON, gzipped, in base64 (Helm 3,
// pkg/storage/driver/util.go). Times and hooks' outcomes, which are not known
// yet, make some hundred bytes of difference.
func (c *Chart) Weight(opts RenderOptions, out *Rendered) (Weight, error) {
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
		return Weight{}, fmt.Errorf("packing the record of release %q: %w", opts.ReleaseName, err)
	}
	packed, err := packRecord(raw)
	if err != nil {
		return Weight{}, fmt.Errorf("packing the record of release %q: %w", opts.ReleaseName, err)
	}
	w := Weight{Bytes: len(packed)}
	if w.Bytes >= nearLimit {
		w.Parts = heaviest(&r)
	}
	return w, nil
}

// heaviest are the parts of a record that weigh most.
func heaviest(r *release.Release) []Part {
	values, _ := json.Marshal(r.Config)
	parts := []Part{{"values", packedSize(values)}, {"manifest", packedSize([]byte(r.Manifest))}}
	var add func(prefix string, c *chart.Chart)
	add = func(prefix string, c *chart.Chart) {
		for _, f := range slices.Concat(c.Templates, c.Files) {
			parts = append(parts, Part{prefix + f.Name, packedSize(f.Data)})
		}
		for _, d := range c.Dependencies() {
			add(prefix+"charts/"+d.Name()+"/", d)
		}
	}
	add("", r.Chart)
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return parts[:min(len(parts), mostParts)]
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
