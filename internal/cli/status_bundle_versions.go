package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// bundleVersions is what a bundle carries, as far as status tells.
type bundleVersions struct {
	name             string
	operator, stores string
	intermediates    []string
	minio            string
}

// bundleStatus is what a bundle would bring to what is installed.
type bundleStatus struct {
	Name string `json:"name"`
	// Operator and Stores are the versions on the way, what is installed
	// first; one alone means that nothing changes.
	Operator []string `json:"operator,omitempty"`
	// Stores are by namespace/name.
	Stores map[string][]string `json:"objectStores,omitempty"`
	// MinIO is the release that the new operator gives to stores that name
	// none of their own.
	MinIO string `json:"minio,omitempty"`
}

// readBundleVersions reads the bundle of --bundle; nil without one.
func (o *statusOptions) readBundleVersions(ctx context.Context) (*bundleVersions, error) {
	if o.bundle == "" {
		return nil, nil
	}
	b, err := openBundle(ctx, o.bundle, o.newClientFactory(o.Program))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	out := &bundleVersions{name: o.bundle}
	m := b.Manifest()
	for _, c := range m.Charts {
		switch {
		case c.Intermediate:
			out.intermediates = append(out.intermediates, c.Version)
		case c.Role == bundle.RoleOperator:
			out.operator = c.Version
		case c.Role == bundle.RoleObjectStore:
			out.stores = c.Version
		}
	}
	for _, i := range m.Images {
		for _, r := range i.Reasons {
			if i.Ref.Base() == "minio" && strings.HasSuffix(r.Chart, "-"+out.operator) {
				out.minio = i.Ref.Tag
			}
		}
	}
	return out, nil
}

// compareInstalled compares with what is installed.
func (b *bundleVersions) compareInstalled(f *plan.Facts) *bundleStatus {
	if b == nil {
		return nil
	}
	out := &bundleStatus{Name: b.name, Stores: map[string][]string{}, MinIO: b.minio}
	if f.Operator != nil && b.operator != "" {
		out.Operator = []string{f.Operator.Version}
		for _, hop := range aistor.IntermediateVersions(f.Operator.Version, b.operator) {
			if i := slices.IndexFunc(b.intermediates, func(v string) bool { return v == hop.Version || slices.Contains(hop.Alternatives, v) }); i >= 0 {
				out.Operator = append(out.Operator, b.intermediates[i])
			} else {
				out.Operator = append(out.Operator, hop.Version+" (not in the bundle)")
			}
		}
		if b.operator != f.Operator.Version {
			out.Operator = append(out.Operator, b.operator)
		}
	}
	for _, s := range f.Stores {
		for _, r := range f.Releases {
			if r.Namespace == s.Namespace && r.Name == s.Release && b.stores != "" {
				out.Stores[s.Key()] = slices.Compact([]string{r.Version, b.stores})
			}
		}
	}
	return out
}

// printBundleStatus says what a bundle would bring, stores that go the same way on
// one line.
func printBundleStatus(w io.Writer, b *bundleStatus) {
	printLine(w, "Bundle    %s would install", sanitizeText(b.Name))
	if len(b.Operator) > 0 {
		printLine(w, "            operator      %s", versionPath(b.Operator))
	}
	ways := map[string][]string{}
	var order []string
	for _, key := range slices.Sorted(maps.Keys(b.Stores)) {
		how := versionPath(b.Stores[key])
		if ways[how] == nil {
			order = append(order, how)
		}
		ways[how] = append(ways[how], key)
	}
	for _, how := range order {
		printLine(w, "            object stores %s: %s", how, wrapText(strings.Join(ways[how], ", "), 50, "                          "))
	}
	if b.MinIO != "" {
		printLine(w, "            minio         %s", strings.TrimPrefix(b.MinIO, "RELEASE."))
	}
}

// versionPath is a list of versions as a way from the first to the last.
func versionPath(versions []string) string {
	if len(versions) == 1 {
		return versions[0] + " (unchanged)"
	}
	return strings.Join(versions, " → ")
}
