package verb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// findRollbackTargets finds which releases go back, and to which of their revisions.
func (o *rollbackOptions) findRollbackTargets(ctx context.Context, t *workflow.Target, registry plan.SiteRegistry) (planinput.RollbackRequest, bool, error) {
	facts := t.Inputs.Facts
	req := planinput.RollbackRequest{
		Facts: facts, Registry: registry, Options: o.Choices,
		To: map[string]int{}, History: map[string][]chart.Release{},
	}
	confirmed, err := o.confirmJournals(ctx, &req)
	if err != nil {
		return req, false, err
	}
	if len(o.targets) > 0 {
		err = o.parseToFlag(req.To, facts)
	} else {
		err = o.previousRevisions(&req, confirmed)
	}
	if err != nil {
		return req, false, err
	}
	for key := range req.To {
		_, name, _ := strings.Cut(key, "/")
		if err := o.readHistory(ctx, &req, key); err != nil {
			return req, false, err
		}
		if len(o.targets) > 0 {
			continue
		}
		if req.To[key] = lastDeployedRevision(req.History[key], req.To[key]); req.To[key] == 0 {
			return req, false, term.WithHint(fmt.Errorf("rolling back release %q: Helm history has no deployed revision before the upgrade", key),
				"helm history "+name+" -n "+strings.TrimSuffix(key, "/"+name)+" lists revisions; select one with --to "+key+"=REVISION")
		}
	}
	unfinished := journal.Unfinished(confirmed.Runs)
	return req, unfinished != nil && unfinished.Kind == plan.KindRollback, nil
}

// confirmJournals reads the journals, and what Helm's records bear out of them. Without
// --to these are all revisions that Helm keeps.
func (o *rollbackOptions) confirmJournals(ctx context.Context, req *planinput.RollbackRequest) (*journal.Confirmed, error) {
	ev := journal.EvidenceOf(req.Facts)
	if len(o.targets) > 0 {
		return o.Confirmed(ctx, req.Facts, ev)
	}
	ev.Complete = req.Facts.Namespace == "" && len(req.Facts.Gaps) == 0
	for key := range ev.Revisions {
		if err := o.readHistory(ctx, req, key); err != nil {
			return nil, err
		}
		var revisions []journal.Revision
		for _, h := range req.History[key] {
			revisions = append(revisions, revisionOf(h))
		}
		ev.Revisions[key] = revisions
	}
	return o.Confirmed(ctx, req.Facts, ev)
}

// revisionOf is a revision as journals are compared with it.
func revisionOf(r chart.Release) journal.Revision {
	return journal.Revision{
		Number: r.Revision, Status: r.Status, Description: r.Description,
		Chart: r.ChartName, Version: r.ChartVersion, Values: plan.ValuesDigest(r.Values), Begun: r.Updated, Created: r.Created,
	}
}

// parseToFlag reads --to.
func (o *rollbackOptions) parseToFlag(to map[string]int, f *plan.Facts) error {
	for _, s := range o.targets {
		key, revision, ok := strings.Cut(s, "=")
		n, err := strconv.Atoi(revision)
		if !ok || err != nil || n < 1 || !strings.Contains(key, "/") {
			return fmt.Errorf("reading --to %q: expected NAMESPACE/RELEASE=REVISION", s)
		}
		if releaseByKey(f, key) == nil {
			return term.WithHint(fmt.Errorf("reading --to %q: AIStor release not found", s), "list releases with: kubectl aistor-upgrade status")
		}
		to[key] = n
	}
	return nil
}

// readHistory reads the revisions of a release once.
func (o *rollbackOptions) readHistory(ctx context.Context, req *planinput.RollbackRequest, key string) (err error) {
	if req.History[key] == nil {
		namespace, name, _ := strings.Cut(key, "/")
		req.History[key], err = chart.NewClient(o.Kube, nil).History(ctx, namespace, name)
	}
	return err
}

// previousRevisions finds what was there before the last upgrade.
func (o *rollbackOptions) previousRevisions(req *planinput.RollbackRequest, confirmed *journal.Confirmed) error {
	to, f := req.To, req.Facts
	came := upgrade.Origins(confirmed)
	if len(came) == 0 {
		return term.WithHint(fmt.Errorf("rolling back: no journal of an upgrade in namespace %s", f.Operator.Namespace),
			"helm history RELEASE -n NAMESPACE lists revisions; select one with --to NAMESPACE/RELEASE=REVISION")
	}
	for _, c := range came {
		if !o.selectsRelease(f, c.Release) {
			continue
		}
		r := releaseByKey(f, c.Release)
		if r == nil {
			return fmt.Errorf("rolling back release %q: release not found", c.Release)
		}
		if r.Revision != c.Revision && !confirmed.Owns(c.Release, r.Revision) {
			namespace, name, _ := strings.Cut(c.Release, "/")
			return term.WithHint(fmt.Errorf("rolling back release %q: revision %d was created by another client after the upgrade and would be lost", c.Release, r.Revision),
				shellquote.Command("helm history %s -n %s", name, namespace)+fmt.Sprintf(" shows it; force with --to %s=%d", c.Release, c.Revision))
		}
		to[c.Release] = c.Revision
	}
	if len(to) == 0 {
		return term.WithHint(fmt.Errorf("rolling back: the last upgrade changed none of the selected releases"),
			"select an older revision with --to NAMESPACE/RELEASE=REVISION")
	}
	return nil
}

// selectsRelease reports whether a release is among those that were asked for.
func (o *rollbackOptions) selectsRelease(f *plan.Facts, key string) bool {
	operator := f.Operator.Key() == key
	switch {
	case o.OperatorOnly:
		return operator
	case o.storesOnly:
		return !operator
	case len(o.Stores) > 0:
		return slices.ContainsFunc(f.Stores, func(s plan.Store) bool {
			return s.Namespace+"/"+s.Release == key && slices.Contains(o.Stores, s.Key())
		})
	}
	return true
}

// lastDeployedRevision is the newest revision up to one that was once deployed, or 0.
func lastDeployedRevision(history []chart.Release, upTo int) int {
	for _, h := range slices.Backward(history) {
		if h.Revision <= upTo && (h.Status == chart.StatusDeployed || h.Status == chart.StatusSuperseded) {
			return h.Revision
		}
	}
	return 0
}

func releaseByKey(f *plan.Facts, key string) *plan.InstalledRelease {
	if f.Operator != nil && f.Operator.Key() == key {
		return f.Operator
	}
	i := slices.IndexFunc(f.Releases, func(r plan.InstalledRelease) bool { return r.Key() == key })
	if i < 0 {
		return nil
	}
	return &f.Releases[i]
}
