package bundlespec

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ChartRequest names one chart: a path, an oci:// reference, or a name in the chart
// repository, with a version where it is not the newest.
type ChartRequest struct {
	Ref     string
	Version string
}

// Request says what a bundle is for.
type Request struct {
	// Charts to carry, the targets.
	Charts []ChartRequest
	// Site describes the airgapped side; nil where it is not known.
	Site *plan.Site
	// From is the installed operator chart's version, where there is no site.
	From string
	// Values are the user's, by the chart's role: several where object stores
	// differ. What any of them asks for is carried.
	Values map[aistor.ChartRole][]map[string]any
	// OptionalImages names optional images by their last path element ("prompt"), or is
	// "all".
	OptionalImages []string
	// Images are carried whatever the charts say; Not never are.
	Images, ExcludedImages []images.Ref
	// Pull loads a chart.
	Pull func(context.Context, ChartRequest) (*chart.Chart, error)
	// Warn is told what somebody should know. It may be nil.
	Warn func(format string, args ...any)
}

// Contents is what a bundle will carry.
type Contents struct {
	Charts []SelectedChart
	Images []images.Image
}

// SelectedChart is one chart with what it is there for.
type SelectedChart struct {
	*chart.Chart
	Role         aistor.ChartRole
	Intermediate bool
}

// SelectContents loads the charts, adds the intermediate versions between what is
// installed and the targets, and finds every image. It fails rather than
// leaving out an image: a chart that does not render is an error.
func SelectContents(ctx context.Context, r Request) (Contents, error) {
	var out Contents
	if len(r.Charts) == 0 {
		return out, errors.New("selecting bundle contents: no chart given")
	}
	for _, w := range r.Charts {
		c, err := r.loadChart(ctx, w, false)
		if err != nil {
			return out, err
		}
		out.Charts = append(out.Charts, c)
	}
	stones, err := r.intermediateCharts(ctx, out.Charts)
	if err != nil {
		return out, err
	}
	named := slices.DeleteFunc(out.Charts, func(c SelectedChart) bool { return findChart(stones, ChartRequest{c.Name, c.Version}) >= 0 })
	out.Charts = append(stones, named...)
	out.Images, err = r.discoverImages(out.Charts)
	return out, err
}

func (r Request) loadChart(ctx context.Context, w ChartRequest, stone bool) (SelectedChart, error) {
	c, err := r.Pull(ctx, w)
	if err != nil {
		return SelectedChart{}, err
	}
	if advice, old := aistor.DeprecatedChart(c.Name, c.Version); old && aistor.RoleOfChart(c.Name) == aistor.RoleUnknown {
		return SelectedChart{}, fmt.Errorf("taking chart %s: %s", c.ID(), advice)
	}
	role := aistor.RoleOfChart(c.Name)
	if role == aistor.RoleUnknown {
		return SelectedChart{}, message.Errorf("taking chart %s: not an AIStor chart\nexpected: %s or %s", c.ID(), aistor.OperatorChart, aistor.ObjectStoreChart)
	}
	if c.Name == aistor.OperatorChartOld && !stone {
		r.reportWarning("chart %s was renamed %s at version 5.2.0; under the old name the newest is 5.1.0", c.Name, aistor.OperatorChart)
	}
	return SelectedChart{Chart: c, Role: role, Intermediate: stone}, nil
}

// intermediateCharts loads the intermediate versions of the operator chart among the
// targets. Where nobody knows what is installed, every known one is taken: a
// bundle that lacks one cannot be completed on the airgapped side.
func (r Request) intermediateCharts(ctx context.Context, targets []SelectedChart) ([]SelectedChart, error) {
	var list []SelectedChart
	for _, t := range targets {
		if t.Role != aistor.RoleOperator {
			continue
		}
		for _, w := range r.intermediateVersions(t.Version) {
			if findChart(list, w) >= 0 {
				continue
			}
			if i := findChart(targets, w); i >= 0 { // named all the same
				c := targets[i]
				c.Intermediate = true
				list = append(list, c)
				continue
			}
			c, err := r.loadChart(ctx, w, true)
			if err != nil {
				return nil, fmt.Errorf("adding the intermediate version for %s: %w", t.ID(), err)
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// findChart is where a chart is in a list, -1 where it does not.
func findChart(list []SelectedChart, w ChartRequest) int {
	return slices.IndexFunc(list, func(c SelectedChart) bool { return c.Name == w.Ref && c.Version == w.Version })
}

func (r Request) intermediateVersions(target string) []ChartRequest {
	from := r.From
	if from == "" && r.Site != nil {
		from = r.Site.Operator.Version
	}
	var list []ChartRequest
	if from != "" {
		for _, hop := range aistor.IntermediateVersions(from, target) {
			list = append(list, ChartRequest{hop.Chart, hop.Version})
		}
		return list
	}
	for _, v := range aistor.AllIntermediateVersions() {
		if aistor.VersionBefore(v, target) {
			list = append(list, ChartRequest{aistor.OperatorChartFor(v), v})
		}
	}
	return list
}

// discoverImages finds what all charts pull, merged by reference and sorted.
func (r Request) discoverImages(charts []SelectedChart) ([]images.Image, error) {
	merged := map[images.Ref]*images.Image{}
	add := func(i images.Image) {
		if m := merged[i.Ref]; m != nil {
			for _, why := range i.Reasons {
				if !slices.Contains(m.Reasons, why) {
					m.Reasons = append(m.Reasons, why)
				}
			}
			return
		}
		merged[i.Ref] = &i
	}
	for _, c := range charts {
		for _, v := range r.valuesFor(c.Role) {
			opts := chart.RenderOptions{Values: v, KubeVersion: r.kubernetesVersion()}
			found, err := chart.Discover(c.Chart, opts, chart.DiscoverOptions{})
			if err != nil {
				return nil, fmt.Errorf("finding the images of %s: %w", c.ID(), err)
			}
			for _, i := range found {
				if r.includesImage(i) {
					add(i)
				}
			}
		}
	}
	for _, ref := range r.Images {
		add(images.Image{Ref: ref, Reasons: []images.Reason{{Kind: images.KindUser}}})
	}
	list := make([]images.Image, 0, len(merged))
	for _, i := range merged {
		list = append(list, *i)
	}
	slices.SortFunc(list, func(a, b images.Image) int { return a.Ref.Compare(b.Ref) })
	return list, nil
}

// valuesFor are the user's values. An object store chart since 1.0.15 renders
// only with credentials, which nobody takes to the connected side and which no
// image depends on, so that stand-ins lie below the user's.
func (r Request) valuesFor(role aistor.ChartRole) []map[string]any {
	list := r.Values[role]
	if len(list) == 0 {
		list = []map[string]any{nil}
	}
	if role != aistor.RoleObjectStore {
		return list
	}
	var out []map[string]any
	for _, v := range list {
		standIn := map[string]any{"secrets": map[string]any{"accessKey": "not-known-here", "secretKey": "not-known-here"}}
		out = append(out, values.Merge(standIn, v))
	}
	return out
}

func (r Request) kubernetesVersion() string {
	if r.Site == nil {
		return ""
	}
	return r.Site.Kubernetes
}

// includesImage decides about one image: what is only optional is taken where it was
// asked for.
func (r Request) includesImage(i images.Image) bool {
	if slices.Contains(r.ExcludedImages, i.Ref) {
		return false
	}
	optional := !slices.ContainsFunc(i.Reasons, func(x images.Reason) bool {
		return x.Kind != images.KindOptional && x.Kind != images.KindPossible && x.Kind != images.KindTest
	})
	return !optional || slices.Contains(r.OptionalImages, "all") || slices.Contains(r.OptionalImages, i.Ref.Base()) || r.siteUsesImage(i.Ref.Base())
}

// siteUsesImage reports whether the site's present values ask for an image of this
// name: then the feature is on, and its newer image will be asked for too.
func (r Request) siteUsesImage(base string) bool {
	named := func(ref images.Ref) bool { return ref.Base() == base }
	return r.Site != nil && (slices.ContainsFunc(r.Site.Images, named) || slices.ContainsFunc(r.Site.ConfiguredImages, named))
}

func (r Request) reportWarning(format string, args ...any) {
	if r.Warn != nil {
		r.Warn(format, args...)
	}
}
