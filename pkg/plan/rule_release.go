package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func gitOpsRule() Rule {
	return Rule{ID: "gitops-owners", Title: "GitOps", Notices: []string{"gitops-managed"}, WithoutInputs: true,
		Needs: []string{"releases", "objectstores", "deployments"}, Evaluate: evaluateGitOpsOwners,
		Inspects:  "labels and annotations of Flux and Argo CD on the releases' objects",
		FailsWhen: "a release in the plan is managed by a GitOps tool; a warning for other releases"}
}

func evaluateGitOpsOwners(in Inputs, p *Plan) Verdict {
	if in.Options.GitOps {
		return Verdict{Passed: "the plan is applied through GitOps"}
	}
	v := Verdict{Passed: "no release is reconciled by Flux or Argo CD"}
	for _, m := range in.Facts.GitOpsOwners {
		severity, what := SeverityWarn, "an upgrade made here would be reverted"
		if in.changesRelease(p, m.Release) {
			severity, what = SeverityRefuse, "it would revert this upgrade"
		}
		v.add(severity, "gitops-managed", m.Reconciler, "release %s: reconciled by %s (%s): %s", m.Release, m.Tool, m.Reconciler, what).
			setDetails(m.Tool, "not managed by a GitOps tool", suspendCommand(m)+", or write commits for its source with\n"+
				"  helm aistor plan --bundle "+shellquote.Quote(cmp.Or(in.Bundle.Name, "BUNDLE"))+" --gitops DIR")
	}
	return v
}

// changesRelease reports whether the changes, or the steps of a plan whose changes
// are not known, touch a release.
func (in Inputs) changesRelease(p *Plan, key string) bool {
	changes := in.orderedChanges()
	if len(changes) == 0 && p != nil {
		return slices.ContainsFunc(p.Steps, func(s Step) bool {
			return s.Target == key && (s.Action == ActionOperator || s.Action == ActionStore)
		})
	}
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Key() == key })
}

func suspendCommand(m GitOpsOwner) string {
	if m.Tool == "Flux" {
		return shellquote.Command("flux suspend %s %s -n %s", strings.ToLower(m.Reconciler.Kind), m.Reconciler.Name, m.Reconciler.Namespace)
	}
	return shellquote.Command("kubectl -n %s patch %s %s --type merge -p '{\"spec\":{\"syncPolicy\":{\"automated\":null}}}'",
		m.Reconciler.Namespace, strings.ToLower(m.Reconciler.Kind), m.Reconciler.Name)
}

func chartRule() Rule {
	return Rule{ID: "unknown-chart", Notices: []string{"unknown-chart"}, Evaluate: func(in Inputs, _ *Plan) Verdict {
		var v Verdict
		for _, c := range in.orderedChanges() {
			if c.From.Name != "" && aistor.RoleOfChart(c.From.Name) == aistor.RoleUnknown {
				v.add(SeverityRefuse, "unknown-chart", releaseKey(c.Key()), "release %s uses chart %s, which is not a supported start of an upgrade", c.Key(), c.From)
			}
		}
		return v
	}}
}

func downgradeRule() Rule {
	return Rule{ID: "downgrade", Title: "No downgrade", Notices: []string{"downgrade"}, Needs: []string{"pods"}, Evaluate: evaluateDowngrade,
		Inspects:  "installed chart and server versions compared with the target's",
		FailsWhen: "a version is downgraded; a warning with --allow-downgrade"}
}

func evaluateDowngrade(in Inputs, _ *Plan) Verdict {
	if in.isRollback() {
		return Verdict{Skipped: "rollback requested"}
	}
	severity := SeverityRefuse
	if in.Options.AllowDowngrade {
		severity = SeverityWarn
	}
	v := Verdict{Passed: "no chart or server is downgraded"}
	for _, c := range in.orderedChanges() {
		if aistor.VersionBefore(c.To.Version, c.From.Version) {
			v.add(severity, "downgrade", releaseKey(c.Key()), "release %s: would be downgraded from %s to %s, which the vendor does not support", c.Key(), c.From.Version, c.To.Version).
				setDetails(c.To.Version, ">= "+c.From.Version, "--allow-downgrade, after reading the release notes")
		}
	}
	for _, s := range in.Facts.Stores {
		in.evaluateServerDowngrade(&v, s, severity)
	}
	return v
}

// evaluateServerDowngrade compares the server releases that run with the one that
// will: a chart's default can be older than what a store runs now.
func (in Inputs) evaluateServerDowngrade(v *Verdict, s Store, severity Severity) {
	to := in.serverImage(s)
	target, err := aistor.ParseServerVersion(to.Tag)
	if err != nil {
		if !to.IsZero() {
			v.addNote("object store %s: not compared: %s names no release", s.Key(), to)
		}
		return
	}
	for _, tag := range in.Facts.runningServers(s) {
		have, err := aistor.ParseServerVersion(tag)
		if err == nil && target.Before(have) {
			v.add(severity, "downgrade", storeKey(s.Key()), "object store %s: servers would be downgraded from %s to %s", s.Key(), tag, to.Tag).
				setDetails(to.Tag, ">= "+tag, "set objectStore.image to the release that runs now, in the store's values")
		}
	}
}

// serverImage is the minio image that a store will run; zero where it is not known.
func (in Inputs) serverImage(s Store) images.Ref {
	own := s.Image.String()
	if o := in.RenderedStore(s); o != nil {
		own = images.NestedString(o, "spec", "image")
	}
	if own == "" {
		if t := in.operatorTarget(); t != nil {
			own = DefaultImages(t.After)[aistor.ContainerMinIO]
		}
	}
	ref, err := images.ParseRef(own)
	if err != nil {
		return images.Ref{}
	}
	return ref
}

// runningServers are the tags of a store's minio containers, each once.
func (f *Facts) runningServers(s Store) []string {
	var tags []string
	for _, p := range f.Pods {
		if p.Store != s.Key() {
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
