package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// notices collects what judge finds.
type notices struct{ refusals, warnings []Notice }

func (n *notices) refuse(id, hint, format string, args ...any) {
	n.refusals = append(n.refusals, Notice{id, fmt.Sprintf(format, args...), hint})
}

func (n *notices) warn(id, hint, format string, args ...any) {
	n.warnings = append(n.warnings, Notice{id, fmt.Sprintf(format, args...), hint})
}

// judge says what forbids the plan and what its reader must know.
func judge(in Inputs, p *Plan) (refusals, warnings []Notice) {
	var n notices
	judgeOwners(&n, in)
	for _, c := range in.changes() {
		judgeVersion(&n, in, c)
		judgeRemovals(&n, c)
		judgeValues(&n, in, c)
	}
	judgeLicense(&n, in)
	if in.goesBack() {
		judgeBack(&n, in, p)
	} else {
		judgeStoreCharts(&n, in)
		judgeFirewall(&n, in)
		if in.downgradesOperator() {
			judgeOlderDefinition(&n, in)
			judgeStoresLeft(&n, in)
		}
	}
	judgeCredentials(&n, in)
	judgeAcceptedVolumes(&n, in)
	judgeRestarts(&n, in, p)
	judgeImages(&n, in, p)
	return n.refusals, n.warnings
}

func judgeOwners(n *notices, in Inputs) {
	if in.Options.GitOps {
		return
	}
	for _, m := range in.Facts.Managers {
		if slices.ContainsFunc(in.changes(), func(c Change) bool { return c.Key() == m.Release }) {
			n.refuse("gitops-managed", "change it where "+m.Tool+" reads it:\n  helm aistor plan --bundle "+shell.Quote(cmp.Or(in.Bundle.Name, "BUNDLE"))+" --gitops DIR writes the commits, in order",
				"release %s is reconciled by %s (%s), which would revert an upgrade made here", m.Release, m.Tool, m.By)
		}
	}
}

func judgeVersion(n *notices, in Inputs, c Change) {
	if name := c.From.Name; aistor.RoleOfChart(name) == aistor.RoleUnknown && name != "" {
		n.refuse("unknown-chart", "", "release %s was installed from chart %s, which no AIStor upgrade starts from", c.Key(), c.From)
	}
	from, errA := semver.NewVersion(c.From.Version)
	to, errB := semver.NewVersion(c.To.Version)
	if errA != nil || errB != nil || !to.LessThan(from) || in.Options.AllowDowngrade || c.Revision > 0 {
		return
	}
	n.refuse("downgrade", "--allow-downgrade, after reading the release notes",
		"release %s would go back from %s to %s, which the vendor does not support", c.Key(), c.From.Version, c.To.Version)
}

// judgeRemovals refuses what takes users' data away: Helm deletes what only the
// older manifest has, and with a CRD go all its objects.
func judgeRemovals(n *notices, c Change) {
	after := names(c.After, "CustomResourceDefinition")
	for name, crd := range names(c.Before, "CustomResourceDefinition") {
		keep := images.Text(crd, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
		if after[name] == nil && !keep {
			n.refuse("crd-removed", "leave the operator that owns it switched on in the values",
				"the %s of %s to %s would delete CRD %s and every object of it", c.word(), c.Key(), c.To, name)
		}
	}
	if c.Store == "" {
		return
	}
	if names(c.After, "ObjectStore")[c.Store] == nil {
		n.refuse("store-recreated", "set objectStore.name: "+c.Store,
			"the %s of %s would delete ObjectStore %s and create another", c.word(), c.Key(), c.StoreKey())
	}
}

// judgeValues refuses values that would be applied without being kept
// anywhere: the next upgrade from the user's own files would undo them. A
// stepping stone's values are gone with the next step.
func judgeValues(n *notices, in Inputs, c Change) {
	n.warnings = append(append(n.warnings, c.Warnings...), c.Ineffective...)
	edits := slices.DeleteFunc(slices.Clone(c.Edits), func(e ValueEdit) bool { return e.Asked })
	if c.Stone || in.Options.GitOps || len(c.ValuesFiles) == 0 || len(edits) == 0 {
		return
	}
	which := "--operator"
	if c.Store != "" {
		which = shell.Command("--object-store %s", c.StoreKey())
	}
	if c.ValuesFlags != "" {
		which += " " + c.ValuesFlags
	}
	what := edits[0].Path
	if more := len(edits) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	hint := "change what the files say, and keep them, with\n  helm aistor values " + which + in.from(c.ValuesFiles) + " --write"
	if slices.Contains(c.ValuesFiles, "-") {
		hint = "change it where standard input comes from; from the same input this says what:\n  helm aistor values " + which + in.from(c.ValuesFiles)
	}
	n.refuse("values-not-kept", hint,
		"release %s would get values that no file has: %s would have to change at %s",
		c.Key(), strings.Join(c.ValuesFiles, ", "), what)
}

// from are the flags with which other verbs find the same files, bundle and
// registry as this plan did, whether flags, a site file or the installed values
// named them.
func (in Inputs) from(files []string) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(" -f " + shell.Quote(f))
	}
	if in.Bundle.Name != "" {
		b.WriteString(" --bundle " + shell.Quote(in.Bundle.Name))
	}
	r := in.Registry
	for _, flag := range [][2]string{{"registry", r.Registry}, {"prefix", r.Prefix}, {"pull-secret", r.PullSecret}} {
		if flag[1] != "" {
			b.WriteString(" --" + flag[0] + " " + shell.Quote(flag[1]))
		}
	}
	for _, rule := range r.Rules {
		b.WriteString(" --map " + shell.Quote(rule.From+"="+rule.To))
	}
	return b.String()
}

func judgeLicense(n *notices, in Inputs) {
	if len(in.Operator) == 0 {
		return
	}
	c := in.Operator[0]
	hint := "give the license with --license-file, or keep it in the values"
	if c.Revision > 0 {
		hint = "upgrade to the older chart instead, with the license in the values:\n" +
			"  helm aistor upgrade --bundle BUNDLE --allow-downgrade --license-file FILE"
	}
	live := in.Facts.License
	had := names(c.Before, "Secret")[aistor.LicenseSecret] != nil || live != nil && live.Present && live.Release == c.Key()
	for _, c := range in.Operator {
		renders := names(c.After, "Secret")[aistor.LicenseSecret] != nil
		if had && !renders {
			n.refuse("license-removed", hint,
				"the %s of %s to %s would delete Secret %s, since the values name no license", c.word(), c.Key(), c.To, aistor.LicenseSecret)
			return
		}
		if renders && !had && live != nil && live.Present {
			owner, hint := "was made by hand", "take the license out of the values, or hand the Secret to Helm with\n"+adoptCommand(c)
			if live.Release != "" { // two releases that own one object delete it for each other
				owner, hint = "belongs to release "+live.Release, "take the license out of the values, or out of that release's"
			}
			n.refuse("license-ownership", hint, "Secret %s/%s %s and the values name a license too: Helm refuses to take it over",
				live.Namespace, aistor.LicenseSecret, owner)
			return
		}
	}
}

func adoptCommand(c Change) string {
	return shell.Command("  kubectl -n %[1]s annotate secret %[2]s meta.helm.sh/release-name=%[3]s meta.helm.sh/release-namespace=%[1]s\n"+
		"  kubectl -n %[1]s label secret %[2]s app.kubernetes.io/managed-by=Helm", c.Namespace, aistor.LicenseSecret, c.Release)
}

// judgeStoreCharts refuses object store charts that need a newer operator: the
// API server would drop the fields it does not know, and no later upgrade
// brings them back.
func judgeStoreCharts(n *notices, in Inputs) {
	operator := ""
	if t := in.target(); t != nil {
		operator = t.To.Version
	} else if in.Facts.Operator != nil {
		operator = in.Facts.Operator.Version
	}
	if operator == "" {
		operator = in.Options.OperatorVersion
	}
	have, err := semver.NewVersion(operator)
	if err != nil && in.Options.StoresOnly && len(in.Stores) > 0 {
		n.refuse("operator-unknown", "ask whoever upgrades the operator, and name its chart's version with --operator-version",
			"object store chart %s may need a newer operator, and which one runs can't be seen", in.Stores[0].To)
	}
	if err != nil {
		return
	}
	for _, c := range in.Stores {
		need, err := semver.NewVersion(aistor.MinimumOperator(c.To.Version))
		if err == nil && have.LessThan(need) {
			n.refuse("operator-too-old", "upgrade the operator chart to "+need.String()+" or newer first",
				"object store chart %s needs operator %s, %s would run", c.To, need, operator)
		}
	}
}

func judgeFirewall(n *notices, in Inputs) {
	for _, c := range in.Operator {
		if c.To.Version != "5.7.0" {
			continue
		}
		for _, s := range in.Facts.Stores {
			if s.Firewall {
				n.refuse("firewall-pruned", "go through 5.8.0 instead",
					"operator 5.7.0 does not know spec.firewall and would drop it from ObjectStore %s", s.Key())
			}
		}
	}
}

func judgeRestarts(n *notices, in Inputs, p *Plan) {
	said := map[string]bool{}
	once := func(id, store string) bool {
		k := id + store
		defer func() { said[k] = true }()
		return !said[k]
	}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			if !r.Selected && !slices.Contains(in.Options.AcceptRestart, r.Store) && once("accept-restart", r.Store) {
				n.refuse("accept-restart", shell.Command("--accept-restart %s", r.Store),
					"%s may restart %s of %s, which is not upgraded by this plan (%s)", s.ID, words.All(r.Pods, "pod"), r.Store, r.Why)
			}
			if r.How == AllAtOnce && !slices.Contains(in.Options.AcceptDowntime, r.Store) && once("accept-downtime", r.Store) {
				n.refuse("accept-downtime", shell.Command("--accept-downtime %s", r.Store),
					"%s may restart %s of %s at once, an outage (%s)", s.ID, words.All(r.Pods, "pod"), r.Store, r.Why)
			}
		}
	}
}

func judgeImages(n *notices, in Inputs, p *Plan) {
	for _, img := range p.Images {
		switch {
		case !img.Needed():
		case !in.Registry.Owns(img.Private) && in.goesBack():
			n.warn("public-reference", "", "%s lies outside the private registry; revision asked for by %s named it so before", img.Private, reasonText(img.Reasons))
		case !in.Registry.Owns(img.Private):
			n.refuse("public-reference", "", "%s would be pulled from outside the private registry, asked for by %s", img.Private, reasonText(img.Reasons))
		case img.Digest == "" && !in.goesBack():
			n.warn("image-not-in-bundle", "", "%s is not in the bundle: it has to be in the registry already", img.Private)
		}
	}
	for _, c := range in.Stores {
		o := find(c.After, "ObjectStore", c.Store)
		pinned, ok := olderThanDefault(images.Text(o, "spec", "image"), in.currentDefaults()["minio"])
		if ok && c.Revision == 0 {
			n.warn("image-pinned", "--image-only or the values' objectStore.image", "%s keeps its own image %s, older than the operator's default", c.StoreKey(), pinned)
		}
	}
}

func olderThanDefault(own, def string) (string, bool) {
	a, errA := aistor.ParseRelease(tagOf(own))
	b, errB := aistor.ParseRelease(tagOf(def))
	return tagOf(own), own != "" && errA == nil && errB == nil && a.Compare(b) < 0
}

func reasonText(reasons []images.Reason) string {
	var list []string
	for _, r := range reasons {
		list = append(list, strings.TrimSpace(r.Object+" "+r.Path))
	}
	return strings.Join(list, ", ")
}
