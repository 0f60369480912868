package planinput

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// RenderOptionsFunc say how a chart is rendered with some values.
type RenderOptionsFunc func(values map[string]any) chart.RenderOptions

// Rewrite turns user values round to a private registry for one chart; see
// [values.Rewrite]. With imageOnly, a tag, only the object store's image is
// changed. A chart that does not render with the values says which of them it
// refuses.
func Rewrite(c *chart.Chart, user map[string]any, to plan.SiteRegistry, imageOnly string, render RenderOptionsFunc) (*values.Result, error) {
	session := c.Session(1)
	defer session.Close()
	result, err := values.Rewrite(values.Input{
		ChartName: c.Name, ChartVersion: c.Version, Values: user,
		Mirror: to.Mirror, PullSecret: pullSecret(to), ImageOnly: imageOnly,
		Render: func(v map[string]any) ([]images.Object, error) {
			opts := render(v)
			// Rewriting renders dozens of times and only reads.
			opts.Quick, opts.Shared = true, true
			out, err := session.Render(opts)
			if err != nil {
				return nil, err
			}
			return out.PlainObjects(), nil
		},
	})
	if err == nil {
		return result, nil
	}
	// A quick render does not look for the setting at fault.
	if _, slow := c.Render(render(user)); slow != nil {
		return nil, slow
	}
	return nil, err
}

// rewriteNotices are what rewriting says of values that stay. What does nothing on a
// an intermediate version matters only if it does nothing in the target either.
func rewriteNotices(change plan.Change, result *values.Result) []plan.Notice {
	var list []plan.Notice
	for _, at := range result.Ineffective {
		if !change.Intermediate {
			list = append(list, ineffectiveNotice(change.Key(), at, false))
		}
	}
	for _, w := range result.Warnings {
		list = append(list, plan.Notice{ID: "values", Message: "release " + change.Key() + ": " + w})
	}
	for _, p := range result.Pins {
		if p.IsStale() {
			list = append(list, plan.Notice{
				ID: "stale-pin", Hint: "remove the setting from the values, or set " + p.Default.Tag,
				Message: fmt.Sprintf("release %s pins %s at %s, older than the chart's %s", change.Key(), p.Path, p.Pinned.Tag, p.Default.Tag),
			})
		}
	}
	return list
}

// displayText is a value as a plan shows it, without secrets. A longer text may be a
// whole manifest.
func displayText(path, s string) string {
	if s != "" && redact.IsSecretName(path) {
		return redact.Mask
	}
	if n := strings.Count(s, "\n"); n > 0 || len(s) > 200 {
		return fmt.Sprintf("(text of %d lines)", n+1)
	}
	return redact.Text(s)
}

// UnresolvedError says that images would be pulled from outside the private
// registry whatever rewriting does.
type UnresolvedError struct {
	Release, Chart string
	List           []values.Unresolved
}

// Error lists the references with what would turn them round.
func (e *UnresolvedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rewriting the values of release %q for %s: %d references stay outside the private registry", e.Release, e.Chart, len(e.List))
	for _, u := range e.List {
		fmt.Fprintf(&b, "\n  %s (%s): %s; %s", u.Ref, strings.TrimSpace(u.Reason.Object+" "+u.Reason.Path), u.Why, u.Fix)
	}
	return b.String()
}

// Hint names the ways on.
func (*UnresolvedError) Hint() string {
	return "list them with: helm aistor values; use --references keep for nodes with registry mirrors"
}
