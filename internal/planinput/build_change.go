package planinput

import (
	"cmp"
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

// buildChange fills in one `helm upgrade` of a release to chart c.
func (r Request) buildChange(change plan.Change, release plan.InstalledRelease, c *chart.Chart, given Values) (plan.Change, error) {
	change.Namespace, change.Release = release.Namespace, release.Name
	change.From = plan.ChartRef{Name: release.Chart, Version: release.Version}
	change.To = plan.ChartRef{Name: c.Name, Version: c.Version, Digest: c.Digest()}
	change.ValuesFiles, change.ValuesFlags = given.Files, given.Flags
	// Helm deletes what the deployed revision has and the new one lacks, also
	// where a failed one came between them.
	change.Before = images.ParseObjects(cmp.Or(release.DeployedManifest, release.Manifest))
	user, err := r.userValues(&change, release, c, given)
	if err != nil {
		return change, err
	}
	render := RenderOptionsFunc(func(v map[string]any) chart.RenderOptions {
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
	if change.Values, err = r.rewriteValues(&change, c, user, render); err != nil {
		return change, about.explain(err)
	}
	if err = r.pinStoreImages(&change, c, render); err != nil {
		return change, err
	}
	source := release.Values
	if given.UserValues != nil {
		source = given.UserValues
	}
	change.Added = values.Overlay(source, change.Values)
	// The version alone does not say which chart it is: versions were
	// published twice. An upgrade made here writes the digest down.
	change.Unchanged = release.Status == "deployed" && release.Version == c.Version && equalValues(release.Values, change.Values) &&
		(change.To.IsInstalled() || strings.Contains(release.Description, change.To.Digest))
	if err := r.renderTarget(&change, c, render(change.Values)); err != nil {
		return change, about.explain(err)
	}
	if err := about.warnNotText(); err != nil {
		return change, err
	}
	return change, about.finalRendered(change.After, accepted)
}

// rewriteValues rewrites the values for the private registry and records what
// that took. Where the runtime redirects, they stay as they are.
func (r Request) rewriteValues(change *plan.Change, c *chart.Chart, user map[string]any, render RenderOptionsFunc) (map[string]any, error) {
	if r.Registry.KeepsReferences() && r.ImageOnly == "" {
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
		one := toValueEdit(e)
		one.Requested = r.ImageOnly != ""
		change.Edits = append(change.Edits, one)
	}
	change.Warnings = append(change.Warnings, rewriteNotices(*change, result)...)
	return result.Values, nil
}

// renderTarget fills in what the release will consist of and what it pulls.
func (r Request) renderTarget(change *plan.Change, c *chart.Chart, opts chart.RenderOptions) error {
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
	return setRecordSize(change, c, opts, out)
}

// setRecordSize sets the size of the release record, where one is written.
func setRecordSize(change *plan.Change, c *chart.Chart, opts chart.RenderOptions, out *chart.Rendered) error {
	if change.Unchanged {
		return nil
	}
	w, err := c.RecordSize(opts, out)
	if err != nil {
		return err
	}
	change.RecordSize.Bytes = w.Bytes
	for _, p := range w.LargestParts {
		change.RecordSize.LargestParts = append(change.RecordSize.LargestParts, fmt.Sprintf("%s (%d KiB)", p.Name, p.Bytes>>10))
	}
	return nil
}

// userValues are the values to start from: the given ones, else the release's
// own, with the settings and the license that were given besides. What the
// settings change is written down.
func (r Request) userValues(change *plan.Change, release plan.InstalledRelease, c *chart.Chart, given Values) (map[string]any, error) {
	user := release.Values
	if given.UserValues != nil {
		user = given.UserValues
	}
	user, err := applySettings(change, user, given.Sets)
	if err != nil {
		return nil, err
	}
	// Before what is missing: other values may not lack it.
	if _, err := r.releaseValues(change, release, user, given).final(); err != nil {
		return nil, err
	}
	if given.UserValues != nil {
		missing := values.MissingPaths(release.Values, user)
		if len(missing) > 0 && r.Missing == MissingAsk {
			return nil, &MissingError{Release: release.Key(), Paths: pathStrings(missing)}
		}
		if r.Missing == MissingReuse {
			user = values.Merge(release.Values, user)
		}
	}
	if len(r.License) == 0 || aistor.RoleOfChart(c.Name) != aistor.RoleOperator || r.unmanagedLicense() {
		return user, nil
	}
	license, err := aistor.ParseLicense(r.License)
	if err != nil {
		return nil, err
	}
	over := map[string]any{"license": license.Token()}
	if aistor.VersionBefore(c.Version, "4.1.0") {
		over = map[string]any{"global": over}
	}
	return values.Merge(user, over), nil
}

// applySettings puts single settings on top of values.
func applySettings(change *plan.Change, user map[string]any, sets chart.SetFlags) (map[string]any, error) {
	if sets.IsZero() {
		return user, nil
	}
	out, err := sets.ApplyTo(user)
	if err != nil {
		return nil, err
	}
	for _, c := range values.DescribeEdits(user, values.DiffEdits(user, out), "set on the command line") {
		change.Edits = append(change.Edits, toValueEdit(c))
	}
	return out, nil
}

// toValueEdit is a change to values as a plan shows it.
func toValueEdit(c values.Change) plan.ValueEdit {
	at := c.Path.String()
	return plan.ValueEdit{Path: at, Old: displayText(at, c.Old), New: displayText(at, c.New), Why: c.Why}
}

func pathStrings(paths []values.Path) []string {
	list := make([]string, len(paths))
	for i, p := range paths {
		list[i] = p.String()
	}
	return list
}

// equalValues reports whether two sets of user values are the same to Helm,
// which keeps them as JSON.
func equalValues(a, b map[string]any) bool {
	return len(a) == 0 && len(b) == 0 || message.EqualJSON(a, b)
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
	return message.Sprintf("reading the values of release %q: values files lack settings of the release:\n  %s",
		e.Release, message.List(e.Paths, "\n  "))
}

// Lines implements [message.Liner].
func (e *MissingError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names the two ways on.
func (e *MissingError) Hint() string {
	return "keep them with --reuse-missing, or reset them to chart defaults with --drop-missing"
}
