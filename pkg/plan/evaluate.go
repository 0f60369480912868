package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// noticeList collects refusals and warnings.
type noticeList struct{ refusals, warnings []Notice }

func (n *noticeList) addRefusal(id, hint, format string, args ...any) {
	n.refusals = append(n.refusals, Notice{id, fmt.Sprintf(format, args...), hint})
}

func (n *noticeList) addWarning(id, hint, format string, args ...any) {
	n.warnings = append(n.warnings, Notice{id, fmt.Sprintf(format, args...), hint})
}

// evaluateRules evaluates all rules: refusals and warnings.
func evaluateRules(in Inputs, p *Plan) (refusals, warnings []Notice) {
	var n noticeList
	evaluateGitOpsOwners(&n, in)
	for _, c := range in.orderedChanges() {
		evaluateVersion(&n, in, c)
		evaluateRemovals(&n, c)
		evaluateValues(&n, in, c)
	}
	evaluateLicense(&n, in)
	if in.isRollback() {
		evaluateRollback(&n, in, p)
	} else {
		evaluateOperatorVersion(&n, in)
		evaluateFirewall(&n, in)
		if in.downgradesOperator() {
			evaluateOlderCRD(&n, in)
			evaluateRollbackOperatorVersion(&n, in)
		}
	}
	judgeCredentials(&n, in)
	judgeAcceptedVolumes(&n, in)
	evaluateRestarts(&n, in, p)
	evaluateImages(&n, in, p)
	return n.refusals, n.warnings
}

func evaluateGitOpsOwners(n *noticeList, in Inputs) {
	if in.Options.GitOps {
		return
	}
	for _, m := range in.Facts.GitOpsOwners {
		if slices.ContainsFunc(in.orderedChanges(), func(c Change) bool { return c.Key() == m.Release }) {
			n.addRefusal("gitops-managed", "change it in the source of "+m.Tool+" :\n  helm aistor plan --bundle "+shellquote.Quote(cmp.Or(in.Bundle.Name, "BUNDLE"))+" --gitops DIR writes the commits, in order",
				"release %s is reconciled by %s (%s), which would revert an upgrade made here", m.Release, m.Tool, m.Reconciler)
		}
	}
}

func evaluateVersion(n *noticeList, in Inputs, c Change) {
	if name := c.From.Name; aistor.RoleOfChart(name) == aistor.RoleUnknown && name != "" {
		n.addRefusal("unknown-chart", "", "release %s uses chart %s, which is not a supported start of an upgrade", c.Key(), c.From)
	}
	from, errA := semver.NewVersion(c.From.Version)
	to, errB := semver.NewVersion(c.To.Version)
	if errA != nil || errB != nil || !to.LessThan(from) || in.Options.AllowDowngrade || c.Revision > 0 {
		return
	}
	n.addRefusal("downgrade", "--allow-downgrade, after reading the release notes",
		"release %s would be downgraded from %s to %s, which the vendor does not support", c.Key(), c.From.Version, c.To.Version)
}

// evaluateRemovals refuses what takes users' data away: Helm deletes what only the
// older manifest has, and with a CRD go all its objects.
func evaluateRemovals(n *noticeList, c Change) {
	after := objectsByName(c.After, "CustomResourceDefinition")
	for name, crd := range objectsByName(c.Before, "CustomResourceDefinition") {
		keep := images.NestedString(crd, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
		if after[name] == nil && !keep {
			n.addRefusal("crd-removed", "keep the operator that owns it enabled in the values",
				"the %s of %s to %s would delete CRD %s and every object of it", c.operationName(), c.Key(), c.To, name)
		}
	}
	if c.Store == "" {
		return
	}
	if objectsByName(c.After, "ObjectStore")[c.Store] == nil {
		n.addRefusal("store-recreated", "set objectStore.name: "+c.Store,
			"the %s of %s would delete and recreate ObjectStore %s", c.operationName(), c.Key(), c.StoreKey())
	}
}

// evaluateValues refuses values that would be applied without being kept
// anywhere: the next upgrade from the user's own files would undo them. A
// intermediate version's values are replaced by the next step.
func evaluateValues(n *noticeList, in Inputs, c Change) {
	n.warnings = append(append(n.warnings, c.Warnings...), c.Ineffective...)
	edits := slices.DeleteFunc(slices.Clone(c.Edits), func(e ValueEdit) bool { return e.Requested })
	if c.Intermediate || in.Options.GitOps || len(c.ValuesFiles) == 0 || len(edits) == 0 {
		return
	}
	which := "--operator"
	if c.Store != "" {
		which = shellquote.Command("--object-store %s", c.StoreKey())
	}
	if c.ValuesFlags != "" {
		which += " " + c.ValuesFlags
	}
	what := edits[0].Path
	if more := len(edits) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	hint := "update the values files with\n  helm aistor values " + which + in.commandFlags(c.ValuesFiles) + " --write"
	if slices.Contains(c.ValuesFiles, "-") {
		hint = "change it in the source of standard input; list the changes with:\n  helm aistor values " + which + in.commandFlags(c.ValuesFiles)
	}
	n.addRefusal("values-not-kept", hint,
		"release %s would get values that are not in its files: %s must change at %s",
		c.Key(), strings.Join(c.ValuesFiles, ", "), what)
}

// commandFlags are the flags with which other verbs find the same files, bundle and
// registry as this plan did, whether flags, a site file or the installed values
// named them.
func (in Inputs) commandFlags(files []string) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(" -f " + shellquote.Quote(f))
	}
	if in.Bundle.Name != "" {
		b.WriteString(" --bundle " + shellquote.Quote(in.Bundle.Name))
	}
	r := in.Registry
	for _, flag := range [][2]string{{"registry", r.Registry}, {"prefix", r.Prefix}, {"pull-secret", r.PullSecret}} {
		if flag[1] != "" {
			b.WriteString(" --" + flag[0] + " " + shellquote.Quote(flag[1]))
		}
	}
	for _, rule := range r.Rules {
		b.WriteString(" --map " + shellquote.Quote(rule.From+"="+rule.To))
	}
	return b.String()
}

func evaluateLicense(n *noticeList, in Inputs) {
	if len(in.Operator) == 0 {
		return
	}
	c := in.Operator[0]
	hint := "set --license-file, or keep the license in the values"
	if c.Revision > 0 {
		hint = "upgrade to the older chart instead, with the license in the values:\n" +
			"  helm aistor upgrade --bundle BUNDLE --allow-downgrade --license-file FILE"
	}
	live := in.Facts.License
	had := objectsByName(c.Before, "Secret")[aistor.LicenseSecret] != nil || live != nil && live.Present && live.Release == c.Key()
	for _, c := range in.Operator {
		renders := objectsByName(c.After, "Secret")[aistor.LicenseSecret] != nil
		if had && !renders {
			n.addRefusal("license-removed", hint,
				"the %s of %s to %s would delete Secret %s, because the values contain no license", c.operationName(), c.Key(), c.To, aistor.LicenseSecret)
			return
		}
		if renders && !had && live != nil && live.Present {
			owner, hint := "was created manually", "remove the license from the values, or let Helm adopt the Secret with\n"+adoptCommand(c)
			if live.Release != "" { // two releases that own one object delete it for each other
				owner, hint = "belongs to release "+live.Release, "remove the license from the values of this or of the other release"
			}
			n.addRefusal("license-ownership", hint, "Secret %s/%s %s and the values contain a license: Helm refuses to adopt the Secret",
				live.Namespace, aistor.LicenseSecret, owner)
			return
		}
	}
}

func adoptCommand(c Change) string {
	return shellquote.Command("  kubectl -n %[1]s annotate secret %[2]s meta.helm.sh/release-name=%[3]s meta.helm.sh/release-namespace=%[1]s\n"+
		"  kubectl -n %[1]s label secret %[2]s app.kubernetes.io/managed-by=Helm", c.Namespace, aistor.LicenseSecret, c.Release)
}

// evaluateOperatorVersion refuses object store charts that need a newer operator: the
// API server would drop the fields it does not know, and no later upgrade
// brings them back.
func evaluateOperatorVersion(n *noticeList, in Inputs) {
	operator := ""
	if t := in.operatorTarget(); t != nil {
		operator = t.To.Version
	} else if in.Facts.Operator != nil {
		operator = in.Facts.Operator.Version
	}
	if operator == "" {
		operator = in.Options.OperatorVersion
	}
	have, err := semver.NewVersion(operator)
	if err != nil && in.Options.StoresOnly && len(in.Stores) > 0 {
		n.addRefusal("operator-unknown", "set --operator-version to the operator's chart version",
			"object store chart %s may need a newer operator, and the running version is unknown", in.Stores[0].To)
	}
	if err != nil {
		return
	}
	for _, c := range in.Stores {
		need, err := semver.NewVersion(aistor.MinimumOperator(c.To.Version))
		if err == nil && have.LessThan(need) {
			n.addRefusal("operator-too-old", "upgrade the operator chart to "+need.String()+" or newer first",
				"object store chart %s needs operator %s, %s would run", c.To, need, operator)
		}
	}
}

func evaluateFirewall(n *noticeList, in Inputs) {
	for _, c := range in.Operator {
		if c.To.Version != "5.7.0" {
			continue
		}
		for _, s := range in.Facts.Stores {
			if s.Firewall {
				n.addRefusal("firewall-pruned", "use 5.8.0 as an intermediate version",
					"operator 5.7.0 does not know spec.firewall and would drop it from ObjectStore %s", s.Key())
			}
		}
	}
}

func evaluateRestarts(n *noticeList, in Inputs, p *Plan) {
	said := map[string]bool{}
	once := func(id, store string) bool {
		k := id + store
		defer func() { said[k] = true }()
		return !said[k]
	}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			if !r.Selected && !slices.Contains(in.Options.AcceptRestart, r.Store) && once("accept-restart", r.Store) {
				n.addRefusal("accept-restart", shellquote.Command("--accept-restart %s", r.Store),
					"%s may restart %s of %s, which this plan does not upgrade (%s)", s.ID, plural.CountAll(r.Pods, "pod"), r.Store, r.Why)
			}
			if r.Strategy == AllAtOnce && !slices.Contains(in.Options.AcceptDowntime, r.Store) && once("accept-downtime", r.Store) {
				n.addRefusal("accept-downtime", shellquote.Command("--accept-downtime %s", r.Store),
					"%s may restart %s of %s at the same time, which is an outage (%s)", s.ID, plural.CountAll(r.Pods, "pod"), r.Store, r.Why)
			}
		}
	}
}

func evaluateImages(n *noticeList, in Inputs, p *Plan) {
	for _, img := range p.Images {
		switch {
		case !img.IsRequired():
		case !in.Registry.Owns(img.Private) && in.isRollback():
			n.addWarning("public-reference", "", "%s is outside the private registry, as in the target revision; referenced by %s", img.Private, reasonText(img.Reasons))
		case !in.Registry.Owns(img.Private):
			n.addRefusal("public-reference", "", "%s would be pulled from outside the private registry; referenced by %s", img.Private, reasonText(img.Reasons))
		case img.Digest == "" && !in.isRollback():
			n.addWarning("image-not-in-bundle", "", "%s is not in the bundle and must exist in the registry", img.Private)
		}
	}
	for _, c := range in.Stores {
		o := findObject(c.After, "ObjectStore", c.Store)
		pinned, ok := olderThanDefault(images.NestedString(o, "spec", "image"), in.currentDefaults()["minio"])
		if ok && c.Revision == 0 {
			n.addWarning("image-pinned", "--image-only or the values' objectStore.image", "%s pins image %s, older than the operator's default", c.StoreKey(), pinned)
		}
	}
}

func olderThanDefault(own, def string) (string, bool) {
	a, errA := aistor.ParseServerVersion(tagOf(own))
	b, errB := aistor.ParseServerVersion(tagOf(def))
	return tagOf(own), own != "" && errA == nil && errB == nil && a.Compare(b) < 0
}

func reasonText(reasons []images.Reason) string {
	var list []string
	for _, r := range reasons {
		list = append(list, strings.TrimSpace(r.Object+" "+r.Path))
	}
	return strings.Join(list, ", ")
}
