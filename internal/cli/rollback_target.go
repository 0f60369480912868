package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// wayBack finds which releases go back, and to which of their revisions.
func (o *rollbackOptions) wayBack(ctx context.Context, t *target, registry plan.SiteRegistry) (inputs.BackRequest, bool, error) {
	facts := t.inputs.Facts
	req := inputs.BackRequest{
		Facts: facts, Registry: registry, Options: o.choices,
		To: map[string]int{}, History: map[string][]chart.Release{},
	}
	runs, err := o.journals(ctx, facts)
	if err != nil {
		return req, false, err
	}
	unfinished := journal.Unfinished(runs)
	if len(o.to) > 0 {
		err = o.asked(req.To, facts)
	} else {
		err = o.before(ctx, &req, runs)
	}
	if err != nil {
		return req, false, err
	}
	for key := range req.To {
		_, name, _ := strings.Cut(key, "/")
		if err := o.readHistory(ctx, &req, key); err != nil {
			return req, false, err
		}
		if len(o.to) > 0 {
			continue
		}
		if req.To[key] = carriedThrough(req.History[key], req.To[key]); req.To[key] == 0 {
			return req, false, withHint(fmt.Errorf("going back with release %q: Helm keeps no revision from before the upgrade that was carried through", key),
				"helm history "+name+" -n "+strings.TrimSuffix(key, "/"+name)+" shows what there is; --to "+key+"=REVISION names one")
		}
	}
	return req, unfinished != nil && unfinished.Kind == plan.KindRollback, nil
}

// journals are those of all runs in the operator's namespace.
func (o *targetOptions) journals(ctx context.Context, f *plan.Facts) ([]journal.Run, error) {
	client, err := o.kube.clientset()
	if err != nil {
		return nil, err
	}
	return journal.List(ctx, client, home(f))
}

// home is the namespace that holds journals and lease; empty where nothing says
// which it is.
func home(f *plan.Facts) string {
	switch {
	case f.Namespace != "":
		return f.Namespace
	case f.Operator != nil:
		return f.Operator.Namespace
	}
	return ""
}

// asked reads --to.
func (o *rollbackOptions) asked(to map[string]int, f *plan.Facts) error {
	for _, s := range o.to {
		key, revision, ok := strings.Cut(s, "=")
		n, err := strconv.Atoi(revision)
		if !ok || err != nil || n < 1 || !strings.Contains(key, "/") {
			return fmt.Errorf("reading --to %q: expected NAMESPACE/RELEASE=REVISION", s)
		}
		if releaseByKey(f, key) == nil {
			return withHint(fmt.Errorf("reading --to %q: no AIStor release of that name", s), "kubectl aistor-upgrade status shows what there is")
		}
		to[key] = n
	}
	return nil
}

// readHistory reads the revisions of a release once.
func (o *rollbackOptions) readHistory(ctx context.Context, req *inputs.BackRequest, key string) (err error) {
	if req.History[key] == nil {
		namespace, name, _ := strings.Cut(key, "/")
		req.History[key], err = chart.NewClient(o.kube, nil).History(ctx, namespace, name)
	}
	return err
}

// origins reads from Helm's records and the journals what was there before the
// last upgrade.
func (o *rollbackOptions) origins(ctx context.Context, req *inputs.BackRequest, runs []journal.Run) ([]upgrade.Origin, error) {
	history := map[string][]upgrade.Revision{}
	for _, r := range slices.Concat([]plan.Release{*req.Facts.Operator}, req.Facts.Releases) {
		if !o.chosen(req.Facts, r.Key()) {
			continue
		}
		if err := o.readHistory(ctx, req, r.Key()); err != nil {
			return nil, err
		}
		for _, h := range req.History[r.Key()] {
			history[r.Key()] = append(history[r.Key()], upgrade.Revision{Number: h.Revision, Status: h.Status, Description: h.Description})
		}
	}
	list, err := upgrade.Origins(runs, history)
	return list, withHint(err, "helm history shows what is true; --to NAMESPACE/RELEASE=REVISION goes back to a revision of it")
}

// before finds what was there before the last upgrade.
func (o *rollbackOptions) before(ctx context.Context, req *inputs.BackRequest, runs []journal.Run) error {
	to, f := req.To, req.Facts
	came, err := o.origins(ctx, req, runs)
	if err != nil {
		return err
	}
	if len(came) == 0 {
		return withHint(fmt.Errorf("going back: no journal of an upgrade that changed a release in namespace %s", f.Operator.Namespace),
			"helm history RELEASE -n NAMESPACE shows the revisions; --to NAMESPACE/RELEASE=REVISION names one")
	}
	for _, c := range came {
		if !o.chosen(f, c.Release) {
			continue
		}
		r := releaseByKey(f, c.Release)
		if r == nil {
			return fmt.Errorf("going back with release %q: it is there no more", c.Release)
		}
		ours := journal.OwnsRevision(runs, c.Release, journal.RevisionOf(*r))
		if r.Revision != c.Revision && !ours {
			return withHint(fmt.Errorf("going back with release %q: revision %d was made by somebody else after the upgrade and would be lost", c.Release, r.Revision),
				fmt.Sprintf("helm history shows it; --to %s=%d goes back nevertheless", c.Release, c.Revision))
		}
		to[c.Release] = c.Revision
	}
	if len(to) == 0 {
		return withHint(fmt.Errorf("going back: the last upgrade changed none of the releases that were asked for"),
			"--to NAMESPACE/RELEASE=REVISION goes back further")
	}
	return nil
}

// chosen reports whether a release is among those that were asked for.
func (o *rollbackOptions) chosen(f *plan.Facts, key string) bool {
	operator := f.Operator.Key() == key
	switch {
	case o.operatorOnly:
		return operator
	case o.storesOnly:
		return !operator
	case len(o.stores) > 0:
		return slices.ContainsFunc(f.Stores, func(s plan.Store) bool {
			return s.Namespace+"/"+s.Release == key && slices.Contains(o.stores, s.Key())
		})
	}
	return true
}

// carriedThrough is the newest revision up to one that was once deployed, or 0.
func carriedThrough(history []chart.Release, upTo int) int {
	for _, h := range slices.Backward(history) {
		if h.Revision <= upTo && (h.Status == chart.StatusDeployed || h.Status == chart.StatusSuperseded) {
			return h.Revision
		}
	}
	return 0
}

func releaseByKey(f *plan.Facts, key string) *plan.Release {
	if f.Operator != nil && f.Operator.Key() == key {
		return f.Operator
	}
	i := slices.IndexFunc(f.Releases, func(r plan.Release) bool { return r.Key() == key })
	if i < 0 {
		return nil
	}
	return &f.Releases[i]
}
