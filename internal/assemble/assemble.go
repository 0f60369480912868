package assemble

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

// Want names one chart: a path, an oci:// reference, or a name in the chart
// repository, with a version where it is not the newest.
type Want struct {
	Ref     string
	Version string
}

// Request says what a bundle is for.
type Request struct {
	// Charts to carry, the targets.
	Charts []Want
	// Site describes the far side; nil where it is not known.
	Site *plan.Site
	// From is the installed operator chart's version, where there is no site.
	From string
	// Values are the user's, by the chart's role: several where object stores
	// differ. What any of them asks for is carried.
	Values map[aistor.Role][]map[string]any
	// With names optional images by their last path element ("prompt"), or is
	// "all".
	With []string
	// Images are carried whatever the charts say; Not never are.
	Images, Not []images.Ref
	// Pull loads a chart.
	Pull func(context.Context, Want) (*chart.Chart, error)
	// Warn is told what somebody should know. It may be nil.
	Warn func(format string, args ...any)
}

// Contents is what a bundle will carry.
type Contents struct {
	Charts []Chart
	Images []images.Image
}

// Chart is one chart with what it is there for.
type Chart struct {
	*chart.Chart
	Role  aistor.Role
	Stone bool
}

// Assemble loads the charts, adds the stepping stones that lie between what is
// installed and the targets, and finds every image. It fails rather than
// leaving out an image: a chart that does not render is an error.
func Assemble(ctx context.Context, r Request) (Contents, error) {
	var out Contents
	if len(r.Charts) == 0 {
		return out, errors.New("assembling a bundle: no chart was named")
	}
	for _, w := range r.Charts {
		c, err := r.pull(ctx, w, false)
		if err != nil {
			return out, err
		}
		out.Charts = append(out.Charts, c)
	}
	stones, err := r.stones(ctx, out.Charts)
	if err != nil {
		return out, err
	}
	named := slices.DeleteFunc(out.Charts, func(c Chart) bool { return find(stones, Want{c.Name, c.Version}) >= 0 })
	out.Charts = append(stones, named...)
	out.Images, err = r.images(out.Charts)
	return out, err
}

func (r Request) pull(ctx context.Context, w Want, stone bool) (Chart, error) {
	c, err := r.Pull(ctx, w)
	if err != nil {
		return Chart{}, err
	}
	if advice, old := aistor.OldLineage(c.Name, c.Version); old && aistor.RoleOfChart(c.Name) == aistor.RoleUnknown {
		return Chart{}, fmt.Errorf("taking chart %s: %s", c.ID(), advice)
	}
	role := aistor.RoleOfChart(c.Name)
	if role == aistor.RoleUnknown {
		return Chart{}, message.Errorf("taking chart %s: not a chart of AIStor\nexpected: %s or %s", c.ID(), aistor.OperatorChart, aistor.ObjectStoreChart)
	}
	if c.Name == aistor.OperatorChartOld && !stone {
		r.warn("chart %s was renamed %s at version 5.2.0; under the old name the newest is 5.1.0", c.Name, aistor.OperatorChart)
	}
	return Chart{Chart: c, Role: role, Stone: stone}, nil
}

// stones loads the charts that lie on the way to the operator chart among the
// targets. Where nobody knows what is installed, every known one is taken: a
// bundle that lacks one can't be completed on the far side.
func (r Request) stones(ctx context.Context, targets []Chart) ([]Chart, error) {
	var list []Chart
	for _, t := range targets {
		if t.Role != aistor.RoleOperator {
			continue
		}
		for _, w := range r.stonesTo(t.Version) {
			if find(list, w) >= 0 {
				continue
			}
			if i := find(targets, w); i >= 0 { // named all the same
				c := targets[i]
				c.Stone = true
				list = append(list, c)
				continue
			}
			c, err := r.pull(ctx, w, true)
			if err != nil {
				return nil, fmt.Errorf("adding the stepping stone to %s: %w", t.ID(), err)
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// find is where a chart stands in a list, -1 where it does not.
func find(list []Chart, w Want) int {
	return slices.IndexFunc(list, func(c Chart) bool { return c.Name == w.Ref && c.Version == w.Version })
}

func (r Request) stonesTo(target string) []Want {
	from := r.From
	if from == "" && r.Site != nil {
		from = r.Site.Operator.Version
	}
	var list []Want
	if from != "" {
		for _, hop := range aistor.SteppingStones(from, target) {
			list = append(list, Want{hop.Chart, hop.Version})
		}
		return list
	}
	for _, v := range aistor.KnownStones() {
		if aistor.Before(v, target) {
			list = append(list, Want{aistor.OperatorChartFor(v), v})
		}
	}
	return list
}

// images finds what all charts pull, merged by reference and sorted.
func (r Request) images(charts []Chart) ([]images.Image, error) {
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
			opts := chart.RenderOptions{Values: v, KubeVersion: r.kubernetes()}
			found, err := chart.Discover(c.Chart, opts, chart.DiscoverOptions{})
			if err != nil {
				return nil, fmt.Errorf("finding the images of %s: %w", c.ID(), err)
			}
			for _, i := range found {
				if r.carries(i) {
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
func (r Request) valuesFor(role aistor.Role) []map[string]any {
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

func (r Request) kubernetes() string {
	if r.Site == nil {
		return ""
	}
	return r.Site.Kubernetes
}

// carries decides about one image: what is only optional is taken where it was
// asked for.
func (r Request) carries(i images.Image) bool {
	if slices.Contains(r.Not, i.Ref) {
		return false
	}
	optional := !slices.ContainsFunc(i.Reasons, func(x images.Reason) bool {
		return x.Kind != images.KindOptional && x.Kind != images.KindPossible && x.Kind != images.KindTest
	})
	return !optional || slices.Contains(r.With, "all") || slices.Contains(r.With, i.Ref.Base()) || r.uses(i.Ref.Base())
}

// uses reports whether the site's present values ask for an image of this
// name: then the feature is on, and its newer image will be asked for too.
func (r Request) uses(base string) bool {
	named := func(ref images.Ref) bool { return ref.Base() == base }
	return r.Site != nil && (slices.ContainsFunc(r.Site.Images, named) || slices.ContainsFunc(r.Site.Asked, named))
}

func (r Request) warn(format string, args ...any) {
	if r.Warn != nil {
		r.Warn(format, args...)
	}
}
