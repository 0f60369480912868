package chart

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// RenderOptions say for which release a chart is rendered. The zero value
// renders an installation named "release" in namespace "default".
type RenderOptions struct {
	ReleaseName string
	Namespace   string
	// Values are the user's; the chart's defaults are put under them. They
	// are not changed.
	Values    map[string]any
	IsUpgrade bool
	// Revision is the release's; the default is 1.
	Revision int
	// KubeVersion is the cluster's, such as "v1.33.2". The default is the one
	// the libraries were built for.
	KubeVersion string
	// APIVersions are what the cluster serves beyond the built-in ones, as
	// "group/version" or "group/version/Kind".
	APIVersions []string
	// Quick leaves out the search for the setting at fault when the chart
	// refuses, which renders many times: for trials that may fail.
	Quick bool
	// Shared gives objects that other renders of this chart are given too, and
	// that must not be changed: much faster where a chart is rendered again
	// and again.
	Shared bool
}

// Rendered is what a chart makes of some values.
type Rendered struct {
	// Objects are in the order in which Helm would install them. Large ones,
	// such as CustomResourceDefinitions, are shared between renders of one
	// chart and must not be changed; see [RenderOptions.Shared].
	Objects []RenderedObject
	// Notes is the text for the user.
	Notes string
	// Manifest is the YAML of all objects except hooks, in that order.
	Manifest string
}

// RenderedObject is one object with where it comes from.
type RenderedObject struct {
	Object images.Object
	// Hook says that Helm runs it as a hook, Test that "helm test" does.
	Hook, Test bool
	// Source is the template, as "chart/templates/file.yaml".
	Source string

	text string
}

// PlainObjects is the objects alone.
func (r *Rendered) PlainObjects() []images.Object {
	out := make([]images.Object, len(r.Objects))
	for i, o := range r.Objects {
		out[i] = o.Object
	}
	return out
}

// Render renders the chart without asking a cluster: "lookup" finds nothing.
// What the chart refuses is a [*RenderError].
func (c *Chart) Render(opts RenderOptions) (*Rendered, error) {
	return c.renderObjects(opts, c.tryRender)
}

// renderFunc runs the templates; its error is the engine's.
type renderFunc func(RenderOptions) (map[string]string, error)

func (c *Chart) renderObjects(opts RenderOptions, try renderFunc) (*Rendered, error) {
	files, err := c.renderFiles(opts, try)
	if err != nil {
		return nil, err
	}
	out := &Rendered{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		switch {
		case isNotes(name):
			if path.Dir(name) == c.Name+"/templates" {
				out.Notes = c.stripped.restorePlainText(text)
			}
		case strings.HasPrefix(path.Base(name), "_"):
		default:
			if err := c.addObjects(out, name, text, opts.Shared); err != nil {
				return nil, err
			}
		}
	}
	sortObjects(out.Objects)
	out.Manifest = c.stripped.restorePlainText(buildManifest(out.Objects))
	return out, nil
}

func (c *Chart) renderFiles(opts RenderOptions, try renderFunc) (map[string]string, error) {
	files, err := try(opts)
	if err != nil {
		return nil, c.renderError(err, opts)
	}
	return files, nil
}

func (c *Chart) tryRender(opts RenderOptions) (map[string]string, error) {
	parsed, full, err := c.prepareValues(opts)
	if err != nil {
		return nil, err
	}
	return engine.Render(parsed, full)
}

// prepareValues is the chart with everything that its templates are given.
func (c *Chart) prepareValues(opts RenderOptions) (*chart.Chart, chartutil.Values, error) {
	caps, err := kubeCapabilities(opts)
	if err != nil {
		return nil, nil, err
	}
	parsed, values := c.stripped.chart, copyMap(opts.Values)
	if c.HasDependencies() {
		if parsed, err = c.copyForHelm(); err != nil {
			return nil, nil, err
		}
		if err := chartutil.ProcessDependenciesWithMerge(parsed, values); err != nil {
			return nil, nil, err
		}
	}
	release := chartutil.ReleaseOptions{
		Name: cmp.Or(opts.ReleaseName, "release"), Namespace: cmp.Or(opts.Namespace, "default"),
		Revision: max(opts.Revision, 1), IsUpgrade: opts.IsUpgrade, IsInstall: !opts.IsUpgrade,
	}
	full, err := chartutil.ToRenderValues(parsed, values, release, caps)
	return parsed, full, err
}

func kubeCapabilities(opts RenderOptions) (*chartutil.Capabilities, error) {
	caps := chartutil.DefaultCapabilities.Copy()
	if opts.KubeVersion != "" {
		v, err := chartutil.ParseKubeVersion(opts.KubeVersion)
		if err != nil {
			return nil, fmt.Errorf("reading Kubernetes version %q: %w", opts.KubeVersion, err)
		}
		caps.KubeVersion = *v
	}
	caps.APIVersions = append(slices.Clone(caps.APIVersions), opts.APIVersions...)
	return caps, nil
}

var separator = regexp.MustCompile(`(?:^|\s*\n)---\s*`)

func (c *Chart) addObjects(out *Rendered, source, text string, share bool) error {
	for _, doc := range separator.Split(text, -1) {
		doc = strings.TrimSpace(doc)
		if doc == "" {
			continue
		}
		o, err := c.parseObject(doc, share)
		if err != nil {
			return &RenderError{Chart: c.ID(), Template: source, Err: err,
				Message: "rendered to something that is not YAML: " + err.Error()}
		}
		if len(o) == 0 {
			continue
		}
		ro := RenderedObject{Object: o, Source: source, text: doc}
		ro.Hook, ro.Test = hookOf(o)
		out.Objects = append(out.Objects, ro)
	}
	return nil
}

func hookOf(o images.Object) (hook, test bool) {
	meta, _ := o["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	events, ok := annotations["helm.sh/hook"].(string)
	if !ok {
		return false, false
	}
	test = true
	for event := range strings.SplitSeq(events, ",") {
		test = test && strings.HasPrefix(strings.TrimSpace(event), "test")
	}
	return true, test
}

func sortObjects(objects []RenderedObject) {
	order := map[string]int{}
	for i, kind := range releaseutil.InstallOrder {
		order[kind] = i + 1
	}
	rank := func(o RenderedObject) (int, string) {
		kind, _ := o.Object["kind"].(string)
		if n, ok := order[kind]; ok {
			return n, ""
		}
		return len(order) + 1, kind
	}
	slices.SortStableFunc(objects, func(a, b RenderedObject) int {
		na, ka := rank(a)
		nb, kb := rank(b)
		if na != nb {
			return na - nb
		}
		return strings.Compare(ka, kb)
	})
}

func buildManifest(objects []RenderedObject) string {
	var b strings.Builder
	for _, o := range objects {
		if !o.Hook {
			b.WriteString("---\n# Source: " + o.Source + "\n" + o.text + "\n")
		}
	}
	return b.String()
}
