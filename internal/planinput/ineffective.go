package planinput

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ExplainChanges fills Ineffective of every change that is not an intermediate version.
// installed gives the chart of a release by namespace/name, nil where it is not
// known; charts are the bundle's. It renders a few times a setting and returns
// when ctx ends: what was not found out by then is left out, and the error is
// ctx's.
func ExplainChanges(ctx context.Context, in *plan.Inputs, charts []BundleChart, installed func(key string) *chart.Chart) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, list := range [][]plan.Change{in.Operator, in.Stores} {
		for i := range list {
			change := &list[i]
			to, from := byDigest(charts, change.To.Digest), installed(change.Key())
			if change.Intermediate || to == nil || from == nil {
				continue
			}
			group.Go(func() error {
				out, err := ExplainValues(ctx, from, to, change.Values, func(v map[string]any) chart.RenderOptions {
					return chart.RenderOptions{
						ReleaseName: change.Release, Namespace: change.Namespace, Values: v, IsUpgrade: true, KubeVersion: in.Facts.ServerVersion,
					}
				})
				if err == nil {
					change.Ineffective = ineffectiveNotices(change.Key(), out)
					// Explaining asked about every setting, rewriting about some.
					change.Warnings = slices.DeleteFunc(change.Warnings, func(w plan.Notice) bool { return w.ID == ineffectiveID })
				}
				return err
			})
		}
	}
	return group.Wait()
}

// ExplainValues says what each of the user's settings does in two charts; see
// [values.Explain].
func ExplainValues(ctx context.Context, from, to *chart.Chart, user map[string]any, render RenderOptionsFunc) (*values.Explained, error) {
	side := func(c *chart.Chart) (values.ChartSide, *chart.Session) {
		session := c.Session(runtime.GOMAXPROCS(0))
		quick := func(v map[string]any) chart.RenderOptions {
			opts := render(v)
			opts.Quick = true
			return opts
		}
		return values.ChartSide{
			Version: c.Version, Defaults: c.DefaultValues(), Tags: defaultTags(c, render),
			Render: func(v map[string]any) (map[string]string, error) {
				// Explain knows nothing of contexts while it prepares.
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				return session.RenderFiles(quick(v))
			},
			RendersSame: func(v map[string]any, files map[string]string) bool {
				return ctx.Err() == nil && session.RendersSame(quick(v), files)
			},
		}, session
	}
	before, first := side(from)
	defer first.Close()
	after, second := side(to)
	defer second.Close()
	out, err := values.Explain(ctx, values.ExplainInput{ChartName: to.Name, Values: user, Old: before, New: after})
	if err == nil {
		err = ctx.Err()
	}
	return out, err
}

// defaultTags are those of the images that an operator chart names by itself. Object
// store charts name none.
func defaultTags(c *chart.Chart, render RenderOptionsFunc) map[string]string {
	if aistor.RoleOfChart(c.Name) != aistor.RoleOperator {
		return nil
	}
	found, err := chart.Discover(c, render(nil), chart.DiscoverOptions{})
	if err != nil {
		return nil // a chart of somebody's own that needs values
	}
	out := map[string]string{}
	for _, i := range found {
		out[i.Ref.Base()] = i.Ref.Tag
	}
	return out
}

// The notices about settings that do nothing.
const (
	ineffectiveID = "value-ineffective"
	lostID        = "value-lost"
)

// ineffectiveNotice says that a setting does nothing in the new chart.
func ineffectiveNotice(key string, at values.Path, lost bool) plan.Notice {
	if lost {
		return plan.Notice{ID: lostID, Message: fmt.Sprintf("release %s: %s had an effect and has none in the new chart", key, at)}
	}
	return plan.Notice{ID: ineffectiveID, Message: fmt.Sprintf("release %s: %s has no effect in the new chart", key, at)}
}

// ineffectiveNotices turns what does nothing any more, or never did, into words: of a
// map in which nothing does anything, one sentence.
func ineffectiveNotices(key string, e *values.Explained) []plan.Notice {
	var list []plan.Notice
	said := map[string]int{} // notices by message
	hints := map[string]*advice{}
	maps := effectsOfMaps(e.Settings)
	for _, s := range e.Settings {
		if s.New != values.EffectNone {
			continue
		}
		n := ineffectiveNotice(key, maps.whole(s), s.IsLost())
		if _, there := said[n.Message]; !there {
			said[n.Message], hints[n.Message] = len(list), &advice{}
			list = append(list, n)
		}
		hints[n.Message].add(s)
	}
	for message, i := range said {
		list[i].Hint = hints[message].String()
	}
	return list
}

// mostAdvice is how many pieces of advice one notice gives.
const mostAdvice = 10

// advice is what is known of the settings of one notice, each piece once.
type advice struct {
	list []string
	more int
}

func (a *advice) add(s values.Explanation) {
	for _, note := range s.Notes {
		a.addOne(note)
	}
	if s.Nearest != "" {
		a.addOne("did you mean " + s.Nearest + "?")
	}
}

func (a *advice) addOne(text string) {
	switch {
	case slices.Contains(a.list, text):
	case len(a.list) == mostAdvice:
		a.more++
	default:
		a.list = append(a.list, text)
	}
}

// String is the advice for people.
func (a *advice) String() string {
	text := strings.Join(a.list, "; ")
	if a.more > 0 {
		text += fmt.Sprintf("; and %d more", a.more)
	}
	return text
}

// mapEffects say by the path of a map what the settings in it do.
type mapEffects map[string]*mapEffect

// mapEffect is what the settings in one map do: the first of them, and whether
// all others do the same.
type mapEffect struct {
	count  int
	effect values.Effect
	lost   bool
	mixed  bool
}

// effectsOfMaps checks each setting once for each map around it.
func effectsOfMaps(settings []values.Explanation) mapEffects {
	maps := mapEffects{}
	for _, s := range settings {
		for n := 1; n < len(s.Path); n++ {
			key := s.Path[:n].String()
			m := maps[key]
			if m == nil {
				m = &mapEffect{effect: s.New, lost: s.IsLost()}
				maps[key] = m
			}
			m.count++
			m.mixed = m.mixed || m.effect != s.New || m.lost != s.IsLost()
		}
	}
	return maps
}

// whole is the uppermost map around a setting in which every one of several
// settings does as little, or the setting itself.
func (maps mapEffects) whole(s values.Explanation) values.Path {
	for n := 1; n < len(s.Path); n++ {
		if m := maps[s.Path[:n].String()]; m != nil && !m.mixed && m.count > 1 {
			return s.Path[:n]
		}
	}
	return s.Path
}

func byDigest(charts []BundleChart, digest string) *chart.Chart {
	i := slices.IndexFunc(charts, func(c BundleChart) bool { return "sha256:"+c.SHA256 == digest })
	if i < 0 {
		return nil
	}
	return charts[i].Chart
}
