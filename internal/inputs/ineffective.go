package inputs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Explain fills Ineffective of every change that is no stepping stone.
// installed gives the chart of a release by namespace/name, nil where it is not
// known; charts are the bundle's. It renders a few times a setting and returns
// when ctx ends: what was not found out by then is left out, and the error is
// ctx's.
func Explain(ctx context.Context, in *plan.Inputs, charts []Chart, installed func(key string) *chart.Chart) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, list := range [][]plan.Change{in.Operator, in.Stores} {
		for i := range list {
			change := &list[i]
			to, from := byDigest(charts, change.To.Digest), installed(change.Key())
			if change.Stone || to == nil || from == nil {
				continue
			}
			group.Go(func() error {
				out, err := ExplainValues(ctx, from, to, change.Values, func(v map[string]any) chart.RenderOptions {
					return chart.RenderOptions{
						ReleaseName: change.Release, Namespace: change.Namespace, Values: v, IsUpgrade: true, KubeVersion: in.Facts.ServerVersion,
					}
				})
				if err == nil {
					change.Ineffective = ineffective(change.Key(), out)
				}
				return err
			})
		}
	}
	return group.Wait()
}

// ExplainValues says what each of the user's settings does in two charts; see
// [values.Explain].
func ExplainValues(ctx context.Context, from, to *chart.Chart, user map[string]any, render Options) (*values.Explained, error) {
	side := func(c *chart.Chart) values.Side {
		return values.Side{
			Version: c.Version, Defaults: c.Values(),
			Render: func(v map[string]any) (string, error) {
				// Explain knows nothing of contexts while it prepares.
				if err := ctx.Err(); err != nil {
					return "", err
				}
				opts := render(v)
				opts.Quick = true
				return c.RenderText(opts)
			},
		}
	}
	out, err := values.Explain(ctx, values.ExplainInput{ChartName: to.Name, Values: user, Old: side(from), New: side(to)})
	if err == nil {
		err = ctx.Err()
	}
	return out, err
}

// ineffective turns what does nothing any more, or never did, into words.
func ineffective(key string, e *values.Explained) []plan.Notice {
	var list []plan.Notice
	for _, s := range e.Settings {
		if s.New != values.EffectNone {
			continue
		}
		n := plan.Notice{ID: "value-ineffective", Message: fmt.Sprintf("release %s: %s has no effect in the new chart", key, s.Path)}
		if s.Lost() {
			n = plan.Notice{ID: "value-lost", Message: fmt.Sprintf("release %s: %s had an effect and has none in the new chart", key, s.Path)}
		}
		n.Hint = strings.Join(s.Notes, "; ")
		if s.Nearest != "" {
			n.Hint = strings.TrimPrefix(n.Hint+"; perhaps "+s.Nearest+" is meant", "; ")
		}
		list = append(list, n)
	}
	return list
}

func byDigest(charts []Chart, digest string) *chart.Chart {
	i := slices.IndexFunc(charts, func(c Chart) bool { return "sha256:"+c.SHA256 == digest })
	if i < 0 {
		return nil
	}
	return charts[i].Chart
}
