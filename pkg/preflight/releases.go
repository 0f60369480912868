package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A release record is one Secret, which the API server limits to 1 MiB.
const (
	recordLimit    = 1 << 20
	recordWarnSize = recordLimit * 9 / 10
)

func checkReleasesFound(_ context.Context, s *Subject) Result {
	var f findings
	switch {
	case s.Facts.Operator != nil:
	case s.Facts.Namespace != "":
		f.addNote("the operator's release is outside namespace %s", s.Facts.Namespace)
	case slices.ContainsFunc(s.Facts.Gaps, func(g plan.Gap) bool { return g.Denied }):
		f.addError(plan.ObjectKey{}, "the operator's release is not visible to this user").
			setDetails("unknown", "a release of "+aistor.OperatorChart, "also run it as a user with access to the operator's namespace")
	case hasListGap(s.Facts, "releases"): // which is what the check says
	default:
		f.addFailure(plan.ObjectKey{}, "no Helm release of the operator chart was found").
			setDetails("none", "a release of "+aistor.OperatorChart, "helm list -A --all")
	}
	for _, ns := range s.Facts.OtherOperators {
		f.addWarning(plan.ObjectKey{Kind: "Namespace", Name: ns}, "namespace %s: another AIStor operator runs there and is not upgraded; two operators must not manage the same object stores", ns).
			setDetails("another operator", "one operator, or separate namespaces for each", shellquote.Command("kubectl get pods -n %s -l %s", ns, aistor.LabelOperatorName))
	}
	for _, st := range s.Facts.Stores {
		if st.Release == "" {
			f.addWarning(storeKey(st), "object store %s: not owned by a Helm release, so it is checked but not upgraded", st.Key()).
				setDetails("none", "a release of "+aistor.ObjectStoreChart, "helm list -n "+st.Namespace+" --all")
		}
	}
	found := map[string]bool{}
	for _, r := range allReleases(s.Facts) {
		found[r.Key()] = true
		f.addNote("release %s: chart %s-%s, revision %d", r.Key(), r.Chart, r.Version, r.Revision)
	}
	for _, c := range s.orderedChanges() {
		if !found[c.Key()] && !hasListGap(s.Facts, "releases") {
			found[c.Key()] = true
			f.addFailure(releaseKey(c.Key()), "release %s: not found, though the plan upgrades it", c.Key()).
				setDetails("none", c.From.String(), "helm list -n "+c.Namespace+" --all")
		}
	}
	return f.buildResult("%s, %s", plural.Count(len(allReleases(s.Facts)), "release"), plural.Count(len(s.Facts.Stores), "object store"))
}

func checkReleaseStatus(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skipResult("no Helm releases")
	}
	var f findings
	for _, r := range all {
		evaluateReleaseStatus(&f, s, r)
	}
	return f.buildResult("every release is deployed")
}

func evaluateReleaseStatus(f *findings, s *Subject, r plan.InstalledRelease) {
	line := fmt.Sprintf("release %s: revision %d is %s", r.Key(), r.Revision, r.Status)
	// No rollback is advised: it would bring older CRDs, which prune fields.
	remedy := shellquote.Command("helm status %s -n %s", r.Name, r.Namespace)
	switch {
	case r.Status == "deployed":
	case isPending(r) && helmMayBeRunning(s, r):
		f.addFailure(releaseKey(r.Key()), "%s: another Helm operation may be in progress since %s", line, r.Updated.UTC().Format(time.RFC3339)).
			setDetails(r.Status, "deployed", "wait, or rerun after "+r.Updated.Add(plan.PendingReleaseGrace).UTC().Format(time.RFC3339))
	case isPending(r):
		if hasStep(s.Plan, plan.ActionMarkFailed, r.Key()) {
			f.addWarning(releaseKey(r.Key()), "%s: the plan resolves it", line).setDetails(r.Status, "deployed", remedy)
			return
		}
		f.addFailure(releaseKey(r.Key()), "%s: Helm refuses further operations until it is resolved", line).
			setDetails(r.Status, "deployed", "resolve it with: helm aistor upgrade --bundle BUNDLE")
	case changesRelease(s, r.Key()):
		f.addWarning(releaseKey(r.Key()), "%s: its objects may be partially updated; this upgrade applies them again", line).
			setDetails(r.Status, "deployed", remedy)
	default:
		f.addFailure(releaseKey(r.Key()), "%s", line).setDetails(r.Status, "deployed", remedy)
	}
}

// helmMayBeRunning reports whether another client's Helm may be at work at a pending
// release.
func helmMayBeRunning(s *Subject, r plan.InstalledRelease) bool {
	return !r.Updated.IsZero() && s.Now.Sub(r.Updated) < plan.PendingReleaseGrace && !slices.Contains(s.OwnPending, r.Key())
}

func hasStep(p *plan.Plan, action plan.Action, target string) bool {
	return p != nil && slices.ContainsFunc(p.Steps, func(st plan.Step) bool {
		return st.Action == action && st.Target == target
	})
}

// changesRelease reports whether the upgrade touches a release.
func changesRelease(s *Subject, key string) bool {
	for _, c := range s.orderedChanges() {
		if c.Key() == key {
			return true
		}
	}
	return s.Inputs == nil && (hasStep(s.Plan, plan.ActionOperator, key) || hasStep(s.Plan, plan.ActionStore, key))
}

func checkHelm4(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skipResult("no Helm releases")
	}
	var f findings
	by4 := 0
	for _, r := range all {
		if r.ApplyMethod == "ssa" {
			by4++
			f.addNote("release %s was applied server-side by Helm 4: both versions can use it; further upgrades are applied client-side", r.Key())
		}
	}
	if by4 == 0 {
		return f.buildResult("every release was applied on the client side, as Helm 3 does")
	}
	return f.buildResult("%d of %d releases were applied by Helm 4 on the server side", by4, len(all))
}

func checkReleaseSize(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skipResult("no Helm releases")
	}
	var f findings
	most := 0
	for _, c := range s.orderedChanges() {
		most = max(most, c.RecordSize.Bytes)
		evaluateRecordSize(&f, c)
	}
	for _, r := range all {
		most = max(most, r.RecordBytes)
		if r.RecordBytes >= recordWarnSize {
			// It is there, so the server took it; only the next one may be
			// too large.
			f.addWarning(releaseKey(r.Key()), "release %s: the release Secret has %d of %d KiB; the next one may be too large", r.Key(), r.RecordBytes>>10, recordLimit>>10).
				setDetails(fmt.Sprintf("%d bytes", r.RecordBytes), fmt.Sprintf("<= %d bytes", recordLimit), "remove stray files from the chart's directory")
		}
	}
	return f.buildResult("the largest release Secret, existing or planned, has %d of %d KiB", most>>10, recordLimit>>10)
}

// evaluateRecordSize tells of a record that the API server would not take, so
// that Helm could not even begin.
func evaluateRecordSize(f *findings, c plan.Change) {
	if c.RecordSize.Bytes < recordWarnSize {
		return
	}
	status, what := Warn, "close to the API server's limit"
	if c.RecordSize.Bytes > recordLimit {
		status, what = Fail, "more than the API server's limit"
	}
	line := fmt.Sprintf("release %s: the record of %s will be %d KiB, %s", c.Key(), c.To, c.RecordSize.Bytes>>10, what)
	remedy := "reduce the size of the chart or of the values"
	if len(c.RecordSize.LargestParts) > 0 {
		line += "; heaviest: " + strings.Join(c.RecordSize.LargestParts, ", ")
		remedy = "remove unneeded files from the chart and create the bundle again: " + c.RecordSize.LargestParts[0]
	}
	f.addFinding(status, releaseKey(c.Key()), "%s", line).
		setDetails(fmt.Sprintf("%d bytes", c.RecordSize.Bytes), fmt.Sprintf("<= %d bytes", recordLimit), remedy)
}
