package inputs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// MissingPolicy says what becomes of settings that a release has and the given
// values lack.
type MissingPolicy string

// The policies. The default is to ask.
const (
	MissingAsk   MissingPolicy = ""
	MissingReuse MissingPolicy = "reuse"
	MissingDrop  MissingPolicy = "drop"
)

// change fills in one `helm upgrade` of a release to chart c.
func (r Request) change(change plan.Change, release plan.Release, c *chart.Chart, given Values) (plan.Change, error) {
	change.Namespace, change.Release = release.Namespace, release.Name
	change.From = plan.Chart{Name: release.Chart, Version: release.Version}
	change.To = plan.Chart{Name: c.Name, Version: c.Version, Digest: c.Digest()}
	change.ValuesFiles, change.ValuesFlags = given.Files, given.Flags
	// Helm deletes what the deployed revision has and the new one lacks, also
	// where a failed one came between them.
	change.Before = images.ParseObjects(cmp.Or(release.DeployedManifest, release.Manifest))
	user, err := r.userValues(&change, release, c, given)
	if err != nil {
		return change, err
	}
	render := Options(func(v map[string]any) chart.RenderOptions {
		return chart.RenderOptions{
			ReleaseName: release.Name, Namespace: release.Namespace, Values: v,
			IsUpgrade: true, Revision: release.Revision + 1, KubeVersion: r.Facts.ServerVersion,
		}
	})
	about := r.releaseValues(&change, release, user, given)
	accepted, err := about.final()
	if err != nil {
		return change, err
	}
	if change.Values, err = r.rewrite(&change, c, user, render); err != nil {
		return change, about.explain(err)
	}
	if err = r.hold(&change, c, render); err != nil {
		return change, err
	}
	source := release.Values
	if given.Given != nil {
		source = given.Given
	}
	change.Added = values.Over(source, change.Values)
	// The version alone does not say which chart it is: versions were
	// published twice. An upgrade made here writes the digest down.
	change.Unchanged = release.Status == "deployed" && release.Version == c.Version && sameValues(release.Values, change.Values) &&
		(change.To.Installed() || strings.Contains(release.Description, change.To.Digest))
	if err := r.render(&change, c, render(change.Values)); err != nil {
		return change, about.explain(err)
	}
	if err := about.warnNotText(); err != nil {
		return change, err
	}
	return change, about.finalRendered(change.After, accepted)
}

// rewrite turns the values round to the private registry and writes down what
// that took. Where the runtime redirects, they stay as they are.
func (r Request) rewrite(change *plan.Change, c *chart.Chart, user map[string]any, render Options) (map[string]any, error) {
	if r.Registry.Keeps() && r.ImageOnly == "" {
		return user, nil
	}
	result, err := Rewrite(c, user, r.Registry, r.ImageOnly, render)
	if err != nil {
		return nil, fmt.Errorf("preparing release %q for %s: %w", change.Key(), c.ID(), err)
	}
	if len(result.Unresolved) > 0 {
		return nil, &UnresolvedError{Release: change.Key(), Chart: c.ID(), List: result.Unresolved}
	}
	for _, e := range result.Changes {
		one := edit(e)
		one.Asked = r.ImageOnly != ""
		change.Edits = append(change.Edits, one)
	}
	change.Warnings = append(change.Warnings, notices(*change, result)...)
	return result.Values, nil
}

// render fills in what the release will consist of and what it pulls.
func (r Request) render(change *plan.Change, c *chart.Chart, opts chart.RenderOptions) error {
	out, err := c.Render(opts)
	if err != nil {
		return fmt.Errorf("rendering release %q with %s: %w", change.Key(), c.ID(), err)
	}
	for _, o := range out.Objects {
		if !o.Hook {
			change.After = append(change.After, o.Object)
		}
	}
	if change.Images, err = chart.Discover(c, opts, chart.DiscoverOptions{}); err != nil {
		return fmt.Errorf("finding the images of %s: %w", c.ID(), err)
	}
	return weigh(change, c, opts, out)
}

// weigh says how large the release's record becomes, where one is written.
func weigh(change *plan.Change, c *chart.Chart, opts chart.RenderOptions, out *chart.Rendered) error {
	if change.Unchanged {
		return nil
	}
	w, err := c.Weight(opts, out)
	if err != nil {
		return err
	}
	change.Record.Bytes = w.Bytes
	for _, p := range w.Parts {
		change.Record.Heavy = append(change.Record.Heavy, fmt.Sprintf("%s (%d KiB)", p.Name, p.Bytes>>10))
	}
	return nil
}

// userValues are the values to start from: the given ones, else the release's
// own, with the settings and the license that were given besides. What the
// settings change is written down.
func (r Request) userValues(change *plan.Change, release plan.Release, c *chart.Chart, given Values) (map[string]any, error) {
	user := release.Values
	if given.Given != nil {
		user = given.Given
	}
	user, err := set(change, user, given.Sets)
	if err != nil {
		return nil, err
	}
	// Before what is missing: other values may not lack it.
	if _, err := r.releaseValues(change, release, user, given).final(); err != nil {
		return nil, err
	}
	if given.Given != nil {
		missing := values.Missing(release.Values, user)
		if len(missing) > 0 && r.Missing == MissingAsk {
			return nil, &MissingError{Release: release.Key(), Paths: dotted(missing)}
		}
		if r.Missing == MissingReuse {
			user = values.Merge(release.Values, user)
		}
	}
	if len(r.License) == 0 || aistor.RoleOfChart(c.Name) != aistor.RoleOperator || r.loose() {
		return user, nil
	}
	license, err := aistor.ParseLicense(r.License)
	if err != nil {
		return nil, err
	}
	over := map[string]any{"license": license.Token()}
	if aistor.Before(c.Version, "4.1.0") {
		over = map[string]any{"global": over}
	}
	return values.Merge(user, over), nil
}

// set puts single settings on top of values.
func set(change *plan.Change, user map[string]any, sets chart.Sets) (map[string]any, error) {
	if sets.IsZero() {
		return user, nil
	}
	out, err := sets.Into(user)
	if err != nil {
		return nil, err
	}
	for _, c := range values.Describe(user, values.Between(user, out), "given on the command line") {
		change.Edits = append(change.Edits, edit(c))
	}
	return out, nil
}

// edit is a change to values as a plan shows it.
func edit(c values.Change) plan.ValueEdit {
	at := c.Path.String()
	return plan.ValueEdit{Path: at, Old: brief(at, c.Old), New: brief(at, c.New), Why: c.Why}
}

func dotted(paths []values.Path) []string {
	list := make([]string, len(paths))
	for i, p := range paths {
		list[i] = p.String()
	}
	return list
}

// sameValues reports whether two sets of user values are the same to Helm,
// which keeps them as JSON.
func sameValues(a, b map[string]any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return len(a) == 0 && len(b) == 0 || errA == nil && errB == nil && bytes.Equal(x, y)
}

func pullSecret(r plan.SiteRegistry) string {
	if r.PullSecret == plan.PullSecretNone {
		return ""
	}
	return r.PullSecret
}

// MissingError says that settings would be lost without a word.
type MissingError struct {
	Release string
	Paths   []string
}

// Error lists the settings by path; their values may be secret.
func (e *MissingError) Error() string {
	return message.Sprintf("reading the values of release %q: the given files lack settings that it has:\n  %s",
		e.Release, message.List(e.Paths, "\n  "))
}

// Lines implements [message.Liner].
func (e *MissingError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names the two ways on.
func (e *MissingError) Hint() string {
	return "--reuse-missing keeps them, --drop-missing returns them to the chart's defaults"
}
