package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A release record is one Secret, which the API server limits to 1 MiB.
const (
	recordLimit = 1 << 20
	recordNear  = recordLimit * 9 / 10
)

func checkReleasesFound(_ context.Context, s *Subject) Result {
	var f findings
	switch {
	case s.Facts.Operator != nil:
	case s.Facts.Namespace != "":
		f.note("the operator's release lies outside of namespace %s", s.Facts.Namespace)
	case slices.ContainsFunc(s.Facts.Gaps, func(g plan.Gap) bool { return g.Denied }):
		f.error(plan.ObjectKey{}, "the operator's release was not found in what this user may see").
			wanted("unknown", "a release of "+aistor.OperatorChart, "have somebody who may see the operator's namespace run it as well")
	case unlisted(s.Facts, "releases"): // which is what the check says
	default:
		f.fail(plan.ObjectKey{}, "no Helm release of the operator chart was found").
			wanted("none", "a release of "+aistor.OperatorChart, "helm list -A --all")
	}
	for _, ns := range s.Facts.OtherOperators {
		f.warn(plan.ObjectKey{Kind: "Namespace", Name: ns}, "namespace %s: another operator of AIStor runs there; this upgrade leaves it as it is, and two that look after the same object stores undo each other's work", ns).
			wanted("another operator", "one operator, or each with namespaces of its own", shell.Command("kubectl get pods -n %s -l %s", ns, aistor.LabelOperatorName))
	}
	for _, st := range s.Facts.Stores {
		if st.Release == "" {
			f.warn(storeKey(st), "object store %s: no Helm release owns it, so it is judged but not upgraded", st.Key()).
				wanted("none", "a release of "+aistor.ObjectStoreChart, "helm list -n "+st.Namespace+" --all")
		}
	}
	found := map[string]bool{}
	for _, r := range allReleases(s.Facts) {
		found[r.Key()] = true
		f.note("release %s: chart %s-%s, revision %d", r.Key(), r.Chart, r.Version, r.Revision)
	}
	for _, c := range s.changes() {
		if !found[c.Key()] && !unlisted(s.Facts, "releases") {
			found[c.Key()] = true
			f.fail(releaseKey(c.Key()), "release %s: not found, though the plan upgrades it", c.Key()).
				wanted("none", c.From.String(), "helm list -n "+c.Namespace+" --all")
		}
	}
	return f.result("%s, %s", words.Count(len(allReleases(s.Facts)), "release"), words.Count(len(s.Facts.Stores), "object store"))
}

func checkReleasesSettled(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skip("no Helm releases")
	}
	var f findings
	for _, r := range all {
		judgeSettled(&f, s, r)
	}
	return f.result("every release is deployed")
}

func judgeSettled(f *findings, s *Subject, r plan.Release) {
	line := fmt.Sprintf("release %s: revision %d is %s", r.Key(), r.Revision, r.Status)
	// No rollback is advised: it would bring older CRDs, which prune fields.
	remedy := shell.Command("helm status %s -n %s", r.Name, r.Namespace)
	switch {
	case r.Status == "deployed":
	case pending(r) && atWork(s, r):
		f.fail(releaseKey(r.Key()), "%s: another Helm may be at work since %s", line, r.Updated.UTC().Format(time.RFC3339)).
			wanted(r.Status, "deployed", "wait, or rerun after "+r.Updated.Add(plan.HelmWindow).UTC().Format(time.RFC3339))
	case pending(r):
		if hasStep(s.Plan, plan.ActionUnstick, r.Key()) {
			f.warn(releaseKey(r.Key()), "%s: a step of the plan settles it", line).wanted(r.Status, "deployed", remedy)
			return
		}
		f.fail(releaseKey(r.Key()), "%s: Helm refuses another operation until it is settled", line).
			wanted(r.Status, "deployed", "helm aistor upgrade --bundle BUNDLE settles it")
	case changes(s, r.Key()):
		f.warn(releaseKey(r.Key()), "%s: its objects may be half changed; this upgrade goes over them again", line).
			wanted(r.Status, "deployed", remedy)
	default:
		f.fail(releaseKey(r.Key()), "%s", line).wanted(r.Status, "deployed", remedy)
	}
}

// atWork reports whether somebody else's Helm may be at work at a pending
// release.
func atWork(s *Subject, r plan.Release) bool {
	return !r.Updated.IsZero() && s.Now.Sub(r.Updated) < plan.HelmWindow && !slices.Contains(s.OwnPending, r.Key())
}

func hasStep(p *plan.Plan, action plan.Action, target string) bool {
	return p != nil && slices.ContainsFunc(p.Steps, func(st plan.Step) bool {
		return st.Action == action && st.Target == target
	})
}

// changes reports whether the upgrade touches a release.
func changes(s *Subject, key string) bool {
	for _, c := range s.changes() {
		if c.Key() == key {
			return true
		}
	}
	return s.Inputs == nil && (hasStep(s.Plan, plan.ActionOperator, key) || hasStep(s.Plan, plan.ActionStore, key))
}

func checkHelm4(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skip("no Helm releases")
	}
	var f findings
	by4 := 0
	for _, r := range all {
		if r.ApplyMethod == "ssa" {
			by4++
			f.note("release %s was applied by Helm 4 on the server side: it stays usable by both, and further upgrades are applied on the client side", r.Key())
		}
	}
	if by4 == 0 {
		return f.result("every release was applied on the client side, as Helm 3 does")
	}
	return f.result("%d of %d releases were applied by Helm 4 on the server side", by4, len(all))
}

func checkReleaseSize(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	if len(all) == 0 {
		return skip("no Helm releases")
	}
	var f findings
	most := 0
	for _, c := range s.changes() {
		most = max(most, c.Record.Bytes)
		judgeComingRecord(&f, c)
	}
	for _, r := range all {
		most = max(most, r.RecordBytes)
		if r.RecordBytes >= recordNear {
			// It is there, so the server took it; only the next one may be
			// too large.
			f.warn(releaseKey(r.Key()), "release %s: its record is %d KiB of %d, and the next one may not fit", r.Key(), r.RecordBytes>>10, recordLimit>>10).
				wanted(fmt.Sprintf("%d bytes", r.RecordBytes), fmt.Sprintf("<= %d bytes", recordLimit), "remove stray files from the chart's folder")
		}
	}
	return f.result("the largest record, there or to be written, is %d KiB of %d", most>>10, recordLimit>>10)
}

// judgeComingRecord tells of a record that the API server would not take, so
// that Helm could not even begin.
func judgeComingRecord(f *findings, c plan.Change) {
	if c.Record.Bytes < recordNear {
		return
	}
	status, what := Warn, "close to what the API server takes"
	if c.Record.Bytes > recordLimit {
		status, what = Fail, "more than the API server takes"
	}
	line := fmt.Sprintf("release %s: the record of %s will be %d KiB, %s", c.Key(), c.To, c.Record.Bytes>>10, what)
	remedy := "make the chart's archive or the values smaller"
	if len(c.Record.Heavy) > 0 {
		line += "; heaviest: " + strings.Join(c.Record.Heavy, ", ")
		remedy = "take what is not needed out of the chart and make the bundle again: " + c.Record.Heavy[0]
	}
	f.add(status, releaseKey(c.Key()), "%s", line).
		wanted(fmt.Sprintf("%d bytes", c.Record.Bytes), fmt.Sprintf("<= %d bytes", recordLimit), remedy)
}

func checkGitOps(_ context.Context, s *Subject) Result {
	var f findings
	if s.Plan != nil && s.Plan.Options.GitOps {
		return f.result("the plan is carried out where the releases are reconciled")
	}
	for _, m := range s.Facts.Managers {
		status, what := Warn, "an upgrade made here would be reverted"
		if changes(s, m.Release) {
			status, what = Fail, "it would revert this upgrade"
		}
		f.add(status, m.By, "release %s: reconciled by %s (%s): %s", m.Release, m.Tool, m.By, what).
			wanted(m.Tool, "nobody else reconciles it", suspendCommand(m))
	}
	return f.result("no release is reconciled by Flux or Argo CD")
}

func suspendCommand(m plan.GitOpsOwner) string {
	if m.Tool == "Flux" {
		return shell.Command("flux suspend %s %s -n %s", strings.ToLower(m.By.Kind), m.By.Name, m.By.Namespace)
	}
	return shell.Command("kubectl -n %s patch %s %s --type merge -p '{\"spec\":{\"syncPolicy\":{\"automated\":null}}}'",
		m.By.Namespace, strings.ToLower(m.By.Kind), m.By.Name)
}
