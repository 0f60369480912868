package planinput

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// RollbackRequest says which releases go back to what.
type RollbackRequest struct {
	Facts    *plan.Facts
	Registry plan.SiteRegistry
	Options  plan.Options
	// To names the revision of each release, by namespace/release; a release
	// that is not named stays as it is.
	To map[string]int
	// History are the revisions of each of these releases that Helm still
	// keeps, by namespace/release, the oldest first.
	History map[string][]chart.Release
}

// GatherRollback returns what [plan.Build] needs to go back: each release's present
// revision and the one it goes to. The stores are in the reverse of the order
// in which an upgrade takes them. A release without a store of its own is the
// operator's.
func GatherRollback(r RollbackRequest) (plan.Inputs, error) {
	in := plan.Inputs{Facts: r.Facts, Registry: r.Registry, Options: r.Options}
	if op := r.Facts.Operator; op != nil && r.To[op.Key()] > 0 {
		change, err := r.buildChange(*op, "")
		if err != nil {
			return in, err
		}
		in.Operator = []plan.Change{change}
	}
	for _, s := range slices.Backward(r.Facts.Stores) {
		release := releaseOf(r.Facts, s)
		if release == nil || r.To[release.Key()] == 0 {
			continue
		}
		change, err := r.buildChange(*release, s.Name)
		if err != nil {
			return in, err
		}
		in.Stores = append(in.Stores, change)
	}
	return in, nil
}

// buildChange is one `helm rollback`.
func (r RollbackRequest) buildChange(now plan.InstalledRelease, store string) (plan.Change, error) {
	to := r.To[now.Key()]
	history := r.History[now.Key()]
	i := slices.IndexFunc(history, func(h chart.Release) bool { return h.Revision == to })
	if i < 0 || history[i].Chart == nil {
		return plan.Change{}, &NoRevisionError{Release: now.Key(), Revision: to, History: history}
	}
	old := history[i]
	// What Helm takes for installed is the newest revision, also a failed one.
	installed := r.installedRevision(now, history)
	c := plan.Change{
		Namespace: now.Namespace, Release: now.Name, Store: store, Revision: to,
		From:   plan.ChartRef{Name: installed.ChartName, Version: installed.ChartVersion},
		To:     plan.ChartRef{Name: old.ChartName, Version: old.ChartVersion},
		Values: old.Values, Edits: diffValues(installed.Values, old.Values),
		Before: images.ParseObjects(installed.Manifest),
		After:  images.ParseObjects(old.Manifest),
	}
	c.Unchanged = now.Status == chart.StatusDeployed && equalValues(now.Values, old.Values) && c.From == c.To &&
		(now.Revision == to || now.Description == fmt.Sprintf("Rollback to %d", to))
	if c.Unchanged {
		c.Edits = nil
	} else if err := r.final(c, installed.Values); err != nil {
		return c, err
	}
	var err error
	c.Images, err = chart.Discover(old.Chart, chart.RenderOptions{
		ReleaseName: now.Name, Namespace: now.Namespace, Values: old.Values,
		IsUpgrade: true, Revision: to, KubeVersion: r.Facts.ServerVersion,
	}, chart.DiscoverOptions{NoOptional: true})
	if err != nil {
		return c, fmt.Errorf("finding the images of revision %d of release %q: %w", to, now.Key(), err)
	}
	return c, nil
}

// installedRevision is the revision that a rollback starts from. One that is itself a
// rollback which did not reach its end is dropped before.
func (r RollbackRequest) installedRevision(now plan.InstalledRelease, history []chart.Release) chart.Release {
	for _, h := range slices.Backward(history) {
		if !h.UnfinishedRollback() {
			return h
		}
	}
	return chart.Release{ChartName: now.Chart, ChartVersion: now.Version, Values: now.Values, Manifest: now.Manifest}
}

// diffValues are the user's settings that going back changes, by path. Their
// values may be secret, so that they are shown as a plan shows them.
func diffValues(now, old map[string]any) []plan.ValueEdit {
	a, b := map[string]string{}, map[string]string{}
	flattenValues(a, "", now)
	flattenValues(b, "", old)
	// Whether a setting is secret may be told only by what stands beside it.
	wasShown, comesShown := map[string]string{}, map[string]string{}
	flattenValues(wasShown, "", redact.Values(now))
	flattenValues(comesShown, "", redact.Values(old))
	paths := slices.Collect(maps.Keys(a))
	for p := range b {
		if _, both := a[p]; !both {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var list []plan.ValueEdit
	for _, p := range paths {
		was, had := a[p]
		comes, has := b[p]
		if had == has && was == comes {
			continue
		}
		e := plan.ValueEdit{Path: p, Old: displayText(p, wasShown[p]), New: displayText(p, comesShown[p]), Why: "as in that revision"}
		if !has {
			e.New = "(not set)"
		}
		list = append(list, e)
	}
	return list
}

// flattenValues writes the leaves of v by their paths.
func flattenValues(into map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flattenValues(into, strings.TrimPrefix(path+"."+k, "."), e)
		}
	case []any:
		for i, e := range v {
			flattenValues(into, fmt.Sprintf("%s[%d]", path, i), e)
		}
	case nil:
	default:
		into[path] = fmt.Sprint(v)
	}
}

// NoRevisionError says that Helm no longer keeps a revision.
type NoRevisionError struct {
	Release  string
	Revision int
	History  []chart.Release
}

// Error names the revisions that there are.
func (e *NoRevisionError) Error() string {
	var kept []string
	for _, h := range e.History {
		kept = append(kept, message.Sprintf("%d (%s-%s, %s)", h.Revision, h.ChartName, h.ChartVersion, h.Status))
	}
	return message.Sprintf("finding revision %d of release %q: not in Helm history\nexpected: one of %s", e.Revision, e.Release, strings.Join(kept, ", "))
}

// Lines implements [message.Liner].
func (e *NoRevisionError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names the command that shows what there is.
func (e *NoRevisionError) Hint() string {
	namespace, name, _ := strings.Cut(e.Release, "/")
	return "helm history " + name + " -n " + namespace + " lists revisions; select one with --to " + e.Release + "=REVISION"
}
