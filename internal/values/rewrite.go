package values

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Render renders a chart with the user's values. The objects are only read.
type Render func(values map[string]any) ([]images.Object, error)

// Input is what [Rewrite] works from.
type Input struct {
	ChartName, ChartVersion string
	// Values are the user's, merged from all files. They are not changed.
	Values map[string]any
	Render Render
	Mirror images.Mirror
	// PullSecret is the name of the pull secret that every pod is to have; ""
	// leaves pull secrets as they are.
	PullSecret string
	// ImageOnly is a tag: only the object store's image gets it, and nothing
	// else is changed.
	ImageOnly string
}

// Result is what [Rewrite] would change, and what is left to say.
type Result struct {
	// Edits are for [Apply]. None is there that changes nothing.
	Edits []Edit
	// Values are the user's after the edits.
	Values map[string]any
	// Changes tell the edits to a person, in the same order.
	Changes []Change
	// Images are all references rendered with Values, every operator on.
	Images []images.Image
	// Objects are what the chart renders with Values, every operator on.
	Objects []images.Object
	// Unresolved are the references that still don't come from the private
	// registry. The rewriting is proved only if there are none.
	Unresolved []Unresolved
	// Pins are images whose tag the values fix at another than the chart's.
	Pins []Pin
	// Ineffective are settings met on the way that do nothing in this chart.
	Ineffective []Path
	Warnings    []string
}

// Change is one edit in words. Old and New are empty where there was, or will
// be, nothing.
type Change struct {
	Path Path   `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
	Why  string `json:"why"`
}

// Unresolved is a reference that rewriting could not turn round.
type Unresolved struct {
	Ref    images.Ref    `json:"ref"`
	Reason images.Reason `json:"reason"`
	Why    string        `json:"why"`
	// Fix is the value that would turn it round.
	Fix string `json:"fix,omitempty"`
}

// Pin is an image tag fixed by the values.
type Pin struct {
	Path    Path       `json:"path"`
	Pinned  images.Ref `json:"pinned"`
	Default images.Ref `json:"default"`
}

// IsStale reports whether the values pin an older release than the chart's own.
// Tags that are no releases are not compared.
func (p Pin) IsStale() bool {
	a, errA := aistor.ParseServerVersion(p.Pinned.Tag)
	b, errB := aistor.ParseServerVersion(p.Default.Tag)
	return errA == nil && errB == nil && a.Before(b)
}

// sentinel is in a repository's place to see what follows it; the domain
// is reserved, so that nothing real has this name.
const sentinel = "sentinel.registry.invalid"

// Rewrite finds the edits after which every image comes from the mirror, with
// the pull secret, in the forms that this version of the chart takes. Which
// settings have an effect is found by rendering. In the end it renders again
// and lists every reference that is not where the mirror has it.
//
// Running it on its own result gives no edits. An error is the chart's refusal
// to render.
func Rewrite(in Input) (*Result, error) {
	if err := in.Mirror.Validate(); err != nil {
		return nil, err
	}
	r := &rewriter{Input: in, values: DeepCopy(in.Values), renderCache: map[string]renderResult{}}
	var err error
	switch role := aistor.RoleOfChart(in.ChartName); {
	case in.ImageOnly != "" && role == aistor.RoleObjectStore:
		err = r.rewriteImageTag()
	case in.ImageOnly != "":
		return nil, fmt.Errorf("rewriting values of %q: a single image can be changed only in the object store chart", in.ChartName)
	case role == aistor.RoleObjectStore:
		err = r.rewriteObjectStore()
	default:
		err = r.rewriteOperator()
	}
	if err != nil {
		return nil, fmt.Errorf("rewriting values of %q: %w", in.ChartName+" "+in.ChartVersion, err)
	}
	return r.buildResult()
}

type rewriter struct {
	Input
	values map[string]any
	// canonical says that values are in the form of [canon].
	canonical   bool
	edits       []Edit
	changes     []Change
	warnings    []string
	ineffective []Path
	pins        []Pin
	renderCache map[string]renderResult
}

// applyEdit makes one edit, if it changes anything.
func (r *rewriter) applyEdit(e Edit, why string) error {
	before, had := Get(r.values, e.Path...)
	tree, err := editTree(copyAlong(r.values, e.Path), e.Path, e)
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	after, _ := tree.(map[string]any)
	now, has := Get(after, e.Path...)
	if had == has && equalValues(before, now) {
		return nil
	}
	if !r.canonical { // Values that nobody edits stay as they are
		after, r.canonical = normalize(after).(map[string]any), true
	}
	r.values = after
	r.edits = append(r.edits, e)
	r.changes = append(r.changes, Change{e.Path, displayValue(before, had), displayValue(now, has), why})
	return nil
}

// copyAlong is m with copies of what lies along a path: an edit there leaves m as
// it is, and costs the same however much lies elsewhere.
func copyAlong(m map[string]any, path Path) map[string]any {
	out := maps.Clone(m)
	if len(path) < 2 {
		return out
	}
	if next, there := out[path[0]]; there {
		out[path[0]] = copyNext(next, path[1:])
	}
	return out
}

func copyNext(v any, path Path) any {
	switch v := v.(type) {
	case map[string]any:
		return copyAlong(v, path)
	case []any:
		out := slices.Clone(v)
		if i, ok := listIndex(path[0], len(out)); ok && len(path) > 1 {
			out[i] = copyNext(out[i], path[1:])
		}
		return out
	}
	return v
}

func displayValue(v any, there bool) string {
	switch {
	case !there:
		return ""
	case v == nil:
		return "null"
	}
	if s, ok := v.(string); ok {
		return s
	}
	return flowText(normalize(v))
}

func (r *rewriter) addWarning(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// renderResult is one render with the images found in it.
type renderResult struct {
	objects []images.Object
	images  []images.Image
	err     error
}

// discoverImages renders with every operator on and finds the images. It remembers:
// several steps ask for the same values.
func (r *rewriter) discoverImages(values map[string]any) ([]images.Object, []images.Image, error) {
	values = allOperators(r.ChartName, values)
	key := jsonText(values)
	l, ok := r.renderCache[key]
	if !ok {
		l.objects, l.images, l.err = r.renderAndDiscover(values)
		r.renderCache[key] = l
	}
	return l.objects, l.images, l.err
}

func (r *rewriter) renderAndDiscover(values map[string]any) ([]images.Object, []images.Image, error) {
	objects, err := r.Render(values)
	if err != nil {
		return nil, nil, err
	}
	in := images.DiscoverInput{}
	for _, o := range objects {
		in.Objects = append(in.Objects, images.DiscoverObject{Object: o, Chart: r.ChartName + "-" + r.ChartVersion})
	}
	found, err := images.Discover(in)
	return objects, found, err
}

func allOperators(chartName string, values map[string]any) map[string]any {
	out := DeepCopy(values)
	if aistor.RoleOfChart(chartName) == aistor.RoleOperator {
		for _, name := range aistor.OperatorKeys() {
			setValue(out, false, Path{"operators", name, "disabled"})
		}
	}
	return out
}

// buildResult renders a last time and checks every reference.
func (r *rewriter) buildResult() (*Result, error) {
	out := &Result{Edits: r.edits, Values: r.values, Changes: r.changes, Pins: r.pins, Ineffective: r.ineffective, Warnings: r.warnings}
	objects, found, err := r.discoverImages(r.values)
	out.Objects = objects
	if r.ImageOnly != "" {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Images = found
	for _, i := range found {
		if r.Mirror.Owns(i.Ref) {
			continue
		}
		for _, why := range i.Reasons {
			u := Unresolved{Ref: i.Ref, Reason: why, Why: "no setting for it was found"}
			u.Fix = fmt.Sprintf("expected reference: %s", r.Mirror.Map(i.Ref))
			out.Unresolved = append(out.Unresolved, u)
		}
	}
	return out, nil
}
