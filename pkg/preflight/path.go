package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkOrder holds the object store charts against the operator that will run,
// and the plan's steps against each other.
func checkOrder(_ context.Context, s *Subject) Result {
	if s.Inputs == nil && s.Plan == nil {
		return skip("no plan")
	}
	var f findings
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return f.result("the object stores go back before the operator")
	}
	if s.Plan != nil {
		judgeStepOrder(&f, s.Plan)
	}
	if s.Inputs == nil {
		return f.result("the operator comes before the object stores")
	}
	operator := ""
	if t := s.target(); t != nil {
		operator = t.To.Version
	} else if s.Facts.Operator != nil {
		operator = s.Facts.Operator.Version
	} else if s.Plan != nil {
		operator = s.Plan.Options.OperatorVersion // as the user knows it
	}
	for _, c := range s.Inputs.Stores {
		judgeMinimum(&f, c, operator)
	}
	return f.result("the operator comes first, and every object store chart works with %s", orElse(operator, "it"))
}

func judgeStepOrder(f *findings, p *plan.Plan) {
	stores := ""
	for _, st := range p.Steps {
		switch {
		case st.Action == plan.ActionStore && stores == "":
			stores = st.ID
		case st.Action == plan.ActionOperator && stores != "":
			f.fail(releaseKey(st.Target), "step %s comes after %s, but the operator chart has to come first", st.ID, stores).
				wanted("after "+stores, "before", "helm aistor plan")
		}
	}
}

func judgeMinimum(f *findings, c plan.Change, operator string) {
	for _, n := range aistor.OperatorNeeds(c.To.Version) {
		if n.Path != "" && plan.SaysNothing(images.At(c.Values, strings.Split(n.Path, ".")...)) {
			continue
		}
		if operator != "" && !aistor.Before(operator, n.Operator) && !slices.Contains(n.Except, operator) {
			continue
		}
		what := "chart " + c.To.String()
		if n.Path != "" {
			what += " with " + n.Path
		}
		f.fail(releaseKey(c.Key()), "release %s: %s needs operator %s, and %s would run: %s", c.Key(), what, n.Operator, orElse(operator, "an unknown version"), n.Why).
			wanted(operator, ">= "+n.Operator, "upgrade the operator chart to "+n.Operator+" or newer first")
	}
}

func checkDowngrade(_ context.Context, s *Subject) Result {
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return skip("going back is what was asked for")
	}
	status := Fail
	if s.options().AllowDowngrade {
		status = Warn
	}
	var f findings
	for _, c := range s.changes() {
		if aistor.Before(c.To.Version, c.From.Version) {
			f.add(status, releaseKey(c.Key()), "release %s: would go back from %s to %s, which the vendor does not support", c.Key(), c.From.Version, c.To.Version).
				wanted(c.To.Version, ">= "+c.From.Version, "--allow-downgrade, after reading the release notes")
		}
	}
	for _, st := range s.Facts.Stores {
		judgeServerDowngrade(&f, s, st, status)
	}
	f.notes = append(f.notes, unreadable(s)...)
	return f.result("no chart and no server goes back to an older release")
}

// judgeServerDowngrade compares the server releases that run with the one that
// will: a chart's default can be older than what a store runs now.
func judgeServerDowngrade(f *findings, s *Subject, st plan.Store, status Status) {
	to := futureServer(s, st)
	target, err := aistor.ParseRelease(to.Tag)
	if err != nil {
		return
	}
	for _, tag := range runningServers(s.Facts, st) {
		have, err := aistor.ParseRelease(tag)
		if err == nil && target.Before(have) {
			f.add(status, storeKey(st), "object store %s: its servers would go back from %s to %s", st.Key(), tag, to.Tag).
				wanted(to.Tag, ">= "+tag, "set objectStore.image to the release that runs now, in the store's values")
		}
	}
}

// unreadable names stores whose coming server tells no release, so that nobody
// can say whether it is older.
func unreadable(s *Subject) []string {
	var lines []string
	for _, st := range s.Facts.Stores {
		to := futureServer(s, st)
		if _, err := aistor.ParseRelease(to.Tag); err != nil && !to.IsZero() {
			lines = append(lines, "object store "+st.Key()+": not compared: "+to.String()+" names no release")
		}
	}
	return lines
}

// futureServer is the minio image a store will run; the zero Ref where that is
// not known.
func futureServer(s *Subject, st plan.Store) images.Ref {
	value := ""
	if t := s.target(); t != nil {
		value = defaultImages(t.After)["minio"]
	}
	own := st.Image.String()
	if o := finalStore(s, st); o != nil {
		own = images.Text(o, "spec", "image")
	}
	ref, err := images.ParseRef(orElse(own, value))
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
	for _, c := range s.changes() {
		if advice, old := aistor.OldLineage(c.To.Name, c.To.Version); old {
			f.warn(releaseKey(c.Key()), "release %s: chart %s is of a line that has ended: %s", c.Key(), c.To, advice).
				wanted(c.To.Name, aistor.OperatorChart, "helm pull "+aistor.OperatorChart+" --repo "+aistor.ChartRepository)
		}
	}
	return f.result("every chart is of a line that goes on")
}

// coveredNotices are the notices of a plan that a check of their own looks into.
func coveredNotices() []string {
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
		why := s.Departed
		if what := s.Plan.Departs(s.Reviewed); why == "" && what != "" {
			why = "it was edited, or made for another state: " + what
		}
		if why != "" {
			f.fail(plan.ObjectKey{}, "the plan that was reviewed does not hold any more: %s", why).
				wanted(s.Plan.Digest(), s.Reviewed.Digest(), "helm aistor plan --out makes one for the present state; have it reviewed again")
		}
	}
	for _, n := range s.Plan.Refusals {
		if s.Inputs == nil || !slices.Contains(coveredNotices(), n.ID) {
			f.fail(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).wanted("", "", n.Hint)
		}
	}
	for _, n := range s.Plan.Warnings {
		if s.Inputs == nil || !slices.Contains(coveredNotices(), n.ID) {
			f.warn(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).wanted("", "", n.Hint)
		}
	}
	return f.result("nothing forbids the plan with its %s", words.Count(len(s.Plan.Steps), "step"))
}
