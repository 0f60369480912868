package preflight

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkOrder holds the object store charts against the operator that will run,
// and the plan's steps against each other.
func checkOrder(_ context.Context, s *Subject) Result {
	if s.Inputs == nil && s.Plan == nil {
		return skipResult("no plan")
	}
	var f findings
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return f.buildResult("object stores are rolled back before the operator")
	}
	if s.Plan != nil {
		evaluateStepOrder(&f, s.Plan)
	}
	if s.Inputs == nil {
		return f.buildResult("the operator is upgraded before the object stores")
	}
	operator := ""
	if t := s.operatorTarget(); t != nil {
		operator = t.To.Version
	} else if s.Facts.Operator != nil {
		operator = s.Facts.Operator.Version
	} else if s.Plan != nil {
		operator = s.Plan.Options.OperatorVersion // as the user knows it
	}
	for _, c := range s.Inputs.Stores {
		evaluateMinimumOperator(&f, c, operator)
	}
	return f.buildResult("the operator is upgraded first, and every object store chart supports %s", cmp.Or(strings.TrimSpace(operator), "it"))
}

func evaluateStepOrder(f *findings, p *plan.Plan) {
	stores := ""
	for _, st := range p.Steps {
		switch {
		case st.Action == plan.ActionStore && stores == "":
			stores = st.ID
		case st.Action == plan.ActionOperator && stores != "":
			f.addFailure(releaseKey(st.Target), "step %s comes after %s, but the operator must be upgraded first", st.ID, stores).
				setDetails("after "+stores, "before", "helm aistor plan")
		}
	}
}

func evaluateMinimumOperator(f *findings, c plan.Change, operator string) {
	for _, n := range aistor.OperatorNeeds(c.To.Version) {
		if n.Path != "" && plan.IsEmptyValue(images.NestedValue(c.Values, strings.Split(n.Path, ".")...)) {
			continue
		}
		if operator != "" && !aistor.VersionBefore(operator, n.Operator) && !slices.Contains(n.Except, operator) {
			continue
		}
		what := "chart " + c.To.String()
		if n.Path != "" {
			what += " with " + n.Path
		}
		f.addFailure(releaseKey(c.Key()), "release %s: %s requires operator %s, but %s would run: %s", c.Key(), what, n.Operator, cmp.Or(strings.TrimSpace(operator), "an unknown version"), n.Why).
			setDetails(operator, ">= "+n.Operator, "upgrade the operator chart to "+n.Operator+" or newer first")
	}
}

func checkDowngrade(_ context.Context, s *Subject) Result {
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return skipResult("rollback requested")
	}
	status := Fail
	if s.planOptions().AllowDowngrade {
		status = Warn
	}
	var f findings
	for _, c := range s.orderedChanges() {
		if aistor.VersionBefore(c.To.Version, c.From.Version) {
			f.addFinding(status, releaseKey(c.Key()), "release %s: would be downgraded from %s to %s, which the vendor does not support", c.Key(), c.From.Version, c.To.Version).
				setDetails(c.To.Version, ">= "+c.From.Version, "--allow-downgrade, after reading the release notes")
		}
	}
	for _, st := range s.Facts.Stores {
		evaluateServerDowngrade(&f, s, st, status)
	}
	f.notes = append(f.notes, unreadableServerVersions(s)...)
	return f.buildResult("no chart or server is downgraded")
}

// evaluateServerDowngrade compares the server releases that run with the one that
// will: a chart's default can be older than what a store runs now.
func evaluateServerDowngrade(f *findings, s *Subject, st plan.Store, status Status) {
	to := futureServer(s, st)
	target, err := aistor.ParseServerVersion(to.Tag)
	if err != nil {
		return
	}
	for _, tag := range runningServers(s.Facts, st) {
		have, err := aistor.ParseServerVersion(tag)
		if err == nil && target.Before(have) {
			f.addFinding(status, storeKey(st), "object store %s: servers would be downgraded from %s to %s", st.Key(), tag, to.Tag).
				setDetails(to.Tag, ">= "+tag, "set objectStore.image to the release that runs now, in the store's values")
		}
	}
}

// unreadableServerVersions names stores whose coming server tells no release, so that nobody
// can say whether it is older.
func unreadableServerVersions(s *Subject) []string {
	var lines []string
	for _, st := range s.Facts.Stores {
		to := futureServer(s, st)
		if _, err := aistor.ParseServerVersion(to.Tag); err != nil && !to.IsZero() {
			lines = append(lines, "object store "+st.Key()+": not compared: "+to.String()+" names no release")
		}
	}
	return lines
}

// futureServer is the minio image a store will run; the zero Ref where that is
// not known.
func futureServer(s *Subject, st plan.Store) images.Ref {
	value := ""
	if t := s.operatorTarget(); t != nil {
		value = defaultImages(t.After)["minio"]
	}
	own := st.Image.String()
	if o := renderedStore(s, st); o != nil {
		own = images.NestedString(o, "spec", "image")
	}
	ref, err := images.ParseRef(cmp.Or(strings.TrimSpace(own), value))
	if err != nil {
		return images.Ref{}
	}
	return ref
}

// runningServers are the tags of a store's minio containers, each once.
func runningServers(f *plan.Facts, st plan.Store) []string {
	var tags []string
	for _, p := range f.Pods {
		if p.Store != st.Key() {
			continue
		}
		for _, c := range p.Containers {
			ref, err := images.ParseRef(c.Image)
			if c.Name == aistor.ContainerMinIO && err == nil && ref.Tag != "" && !slices.Contains(tags, ref.Tag) {
				tags = append(tags, ref.Tag)
			}
		}
	}
	slices.Sort(tags)
	return tags
}

func checkChartName(_ context.Context, s *Subject) Result {
	var f findings
	for _, c := range s.orderedChanges() {
		if advice, old := aistor.DeprecatedChart(c.To.Name, c.To.Version); old {
			f.addWarning(releaseKey(c.Key()), "release %s: chart %s is discontinued: %s", c.Key(), c.To, advice).
				setDetails(c.To.Name, aistor.OperatorChart, "helm pull "+aistor.OperatorChart+" --repo "+aistor.ChartRepository)
		}
	}
	return f.buildResult("chart names are current")
}

// noticesCoveredByChecks are plan notices that another check covers.
func noticesCoveredByChecks() []string {
	return []string{
		"gitops-managed", "downgrade", "crd-removed", "store-recreated", "license-removed", "license-ownership",
		"operator-too-old", "firewall-pruned", "accept-restart", "accept-downtime",
		"accept-credentials-change", "credentials-change", "credentials-missing", "credentials-unknown", "public-reference", "image-not-in-bundle",
	}
}

// checkPlan passes on what forbids the plan, unless a check above says it in
// more detail.
func checkPlan(_ context.Context, s *Subject) Result {
	var f findings
	if s.Reviewed != nil {
		why := s.StaleReason
		if what := s.Plan.DiffersFrom(s.Reviewed); why == "" && what != "" {
			why = "it was edited, or it was made for another cluster state: " + what
		}
		if why != "" {
			f.addFailure(plan.ObjectKey{}, "the reviewed plan is out of date: %s", why).
				setDetails(s.Plan.Digest(), s.Reviewed.Digest(), "create and review a plan for the current state with: helm aistor plan --out FILE")
		}
	}
	for _, n := range s.Plan.Refusals {
		if s.Inputs == nil || !slices.Contains(noticesCoveredByChecks(), n.ID) {
			f.addFailure(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).setDetails("", "", n.Hint)
		}
	}
	for _, n := range s.Plan.Warnings {
		if s.Inputs == nil || !slices.Contains(noticesCoveredByChecks(), n.ID) {
			f.addWarning(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).setDetails("", "", n.Hint)
		}
	}
	return f.buildResult("the plan with its %s is valid", plural.Count(len(s.Plan.Steps), "step"))
}
