package chart

import (
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Sentinel is the registry host rendered in place of every repository's, to
// see what follows. No registry can have this name: the domain is reserved.
const Sentinel = "sentinel.registry.invalid"

// DiscoverOptions select what is discovered. The zero value finds what
// the chart with these values asks for, and its optional parts.
type DiscoverOptions struct {
	// NoOptional leaves out what only disabled operators would pull.
	NoOptional bool
	// User, Not and Possible are those of [images.DiscoverInput].
	User, Exclude []images.Ref
	Possible      bool
}

// Discover finds every image that c, rendered with opts, would pull, and with
// kind optional what it would pull with every operator switched on. Values the
// chart does not render with are a [*RenderError], never a shorter list.
func Discover(c *Chart, opts RenderOptions, more DiscoverOptions) ([]images.Image, error) {
	objects, err := DiscoverObjects(c, opts, !more.NoOptional)
	if err != nil {
		return nil, err
	}
	return images.Discover(images.DiscoverInput{
		Objects: objects, Sentinel: Sentinel, User: more.User, Exclude: more.Exclude, Possible: more.Possible,
	})
}

// DiscoverObjects is what [Discover] hands to [images.Discover]: the rendered
// objects, each with its sentinel render, and after them the optional ones. It
// is for callers that put live objects and other charts beside them.
func DiscoverObjects(c *Chart, opts RenderOptions, optional bool) ([]images.DiscoverObject, error) {
	out, err := c.renderWithSentinel(opts, false)
	if err != nil || !optional || aistor.RoleOfChart(c.Name) == aistor.RoleObjectStore {
		return out, err
	}
	all, ok := WithAllOperators(c, opts.Values)
	if !ok {
		return out, nil
	}
	opts.Values = all
	more, err := c.renderWithSentinel(opts, true)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, o := range out {
		seen[images.ObjectID(o.Object)] = true
	}
	for _, o := range more {
		if !seen[images.ObjectID(o.Object)] {
			out = append(out, o)
		}
	}
	return out, nil
}

// WithAllOperators is a copy of the user's values with every operator that the
// chart knows switched on; false where none was off.
func WithAllOperators(c *Chart, values map[string]any) (map[string]any, bool) {
	out, changed := copyMap(values), false
	defaults, _ := c.parsed.Values["operators"].(map[string]any)
	given, _ := out["operators"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		off := isTrue(defaults[name], "disabled")
		if own, ok := given[name].(map[string]any); ok {
			if _, says := own["disabled"]; says {
				off = isTrue(own, "disabled")
			}
		}
		if off {
			setPath(out, false, "operators", name, "disabled")
			changed = true
		}
	}
	return out, changed
}

// WithSentinel is a copy of the user's values with the sentinel as the host of
// every repository that the chart or the values know.
func WithSentinel(c *Chart, values map[string]any) map[string]any {
	out := copyMap(values)
	keys := aistor.RepositoryKeys()
	for _, m := range []map[string]any{c.parsed.Values, values} {
		if repositories, ok := m["repositories"].(map[string]any); ok {
			keys = slices.AppendSeq(keys, maps.Keys(repositories))
		}
	}
	for _, k := range keys {
		setPath(out, Sentinel, "repositories", k, "hostname")
	}
	return out
}

// renderWithSentinel renders once as requested and once with the sentinel, and pairs the
// objects up.
func (c *Chart) renderWithSentinel(opts RenderOptions, optional bool) ([]images.DiscoverObject, error) {
	rendered, err := c.Render(opts)
	if err != nil {
		return nil, err
	}
	opts.Shared = true
	twins := map[string]images.Object{}
	if aistor.RoleOfChart(c.Name) != aistor.RoleObjectStore {
		opts.Values = WithSentinel(c, opts.Values)
		opts.Quick = true
		// A chart that refuses the sentinel has no repositories as we know
		// them; its image fields still speak for themselves.
		if r, err := c.Render(opts); err == nil {
			for _, o := range r.Objects {
				twins[o.Source+" "+images.ObjectID(o.Object)] = o.Object
			}
		}
	}
	out := make([]images.DiscoverObject, 0, len(rendered.Objects))
	for _, o := range rendered.Objects {
		out = append(out, images.DiscoverObject{
			Object: o.Object, SentinelRender: twins[o.Source+" "+images.ObjectID(o.Object)],
			Chart: c.ID(), Hook: o.Hook, Test: o.Test, Optional: optional,
		})
	}
	return out, nil
}

func isTrue(v any, key string) bool {
	m, _ := v.(map[string]any)
	switch b := m[key].(type) {
	case bool:
		return b
	case string:
		return b != "" && !strings.EqualFold(b, "false")
	default:
		return false
	}
}
