package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// targetOptions say what is to be upgraded to what: the bundle, the site, the
// registry, the values, and which parts. plan, upgrade and preflight share
// them, so that what was checked is what is done.
type targetOptions struct {
	*Program
	kube kubeOptions
	registryOptions
	mirrorOptions
	site siteOptions

	bundleFile     string
	operatorValues []string
	storeValues    []string
	sets           setOptions
	licenseFile    string
	stores         []string
	operatorOnly   bool
	imageOnly      string
	reuseMissing   bool
	dropMissing    bool
	choices        plan.Options
	// doubted are the ConfigMaps of journals that were warned of.
	doubted map[string]bool
	// explain looks for values without effect, for verbs that only look.
	explain bool
}

func newTargetOptions(p *Program, kube kubeOptions) targetOptions {
	return targetOptions{Program: p, kube: kube, choices: plan.Options{Push: "auto"}}
}

func (o *targetOptions) addFlags(fs *pflag.FlagSet) {
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file; flags win over it")
	fs.StringVar(&o.bundleFile, "bundle", "", "the bundle: a file or its parts, a folder of archives, or oci://HOST/PATH:TAG")
	fs.StringArrayVar(&o.operatorValues, "operator-values", nil, "values file of the operator's release (can be repeated; default: the release's own values)")
	fs.StringArrayVar(&o.storeValues, "store-values", nil, "values file of a store, as NAMESPACE/NAME=FILE (can be repeated; default: the release's own values)")
	o.sets.addFlags(fs, "operator:KEY=VALUE or NAMESPACE/NAME:KEY=VALUE")
	fs.StringVar(&o.licenseFile, "license-file", "", "file with the license, or - for standard input")
	fs.StringArrayVar(&o.stores, "object-store", nil, "upgrade only this store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.operatorOnly, "operator-only", false, "leave the object store charts as they are")
	fs.BoolVar(&o.choices.StoresOnly, "stores-only", false, "leave the operator as it is; with -n those of one namespace, for which no rights elsewhere are needed")
	fs.StringVar(&o.choices.OperatorVersion, "operator-version", "", "with --stores-only: version of the operator's chart, where you may not see it")
	fs.StringVar(&o.imageOnly, "image-only", "", "tag for the object stores' image; operator and charts stay as they are, and --bundle may be left out")
	fs.BoolVar(&o.choices.HoldStores, "hold-stores", false, "keep the images that the operator gives to stores, in its values, so that its upgrade restarts none")
	fs.BoolVar(&o.reuseMissing, "reuse-missing", false, "keep settings of the release that the values files lack")
	fs.BoolVar(&o.dropMissing, "drop-missing", false, "drop settings of the release that the values files lack")
	fs.BoolVar(&o.choices.Mend, "mend", false, "delete bindings whose role changes instead of going through a stepping stone")
	fs.StringVar(&o.choices.Push, "push", o.choices.Push, "auto pushes missing images, never leaves that to the registry's owner")
	fs.BoolVar(&o.choices.AllowDowngrade, "allow-downgrade", false, "accept charts older than the installed ones")
	o.addAcceptFlags(fs)
}

// addAcceptFlags are the risks that a plan in either direction asks about.
func (o *targetOptions) addAcceptFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.choices.AcceptRestart, "accept-restart", nil, "accept that a store restarts that the plan leaves as it is, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptDowntime, "accept-downtime", nil, "accept that all pods of a store restart at once, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptCredentials, "accept-credentials-change", nil, "accept that the root login, keys or certificates of a store change, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptVolumes, "accept-volume-change", nil, "accept that a volume claim was replaced, or deleted for good, since it was recorded, as NAMESPACE/CLAIM (can be repeated)")
	fs.StringArrayVar(&o.choices.LiteralValues, "literal-value", nil, literalUsage("operator:SETTING or NAMESPACE/NAME:SETTING"))
}

// target is everything that was found out before anything is done.
type target struct {
	cluster *cluster.Client
	bundle  bundle.Reader
	charts  []inputs.Chart
	site    *plan.Site
	inputs  plan.Inputs
	plan    *plan.Plan
}

// close releases the bundle.
func (t *target) close() {
	if t.bundle != nil {
		t.bundle.Close()
	}
}

// load looks at cluster and bundle and makes the plan. It changes nothing.
func (o *targetOptions) load(ctx context.Context) (*target, error) {
	if o.bundleFile == "" && o.imageOnly != "" {
		o.choices.Push = "never"
	} else if o.bundleFile == "" {
		return nil, withHint(fmt.Errorf("reading --bundle: none was named"), "helm aistor bundle create FILE makes one")
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	t := &target{}
	var err error
	if t.site, err = o.site.read(o.Program); err != nil {
		return nil, err
	}
	if o.bundleFile != "" {
		if t.bundle, err = openBundle(ctx, o.bundleFile, o.connector(o.Program)); err != nil {
			return nil, err
		}
	}
	if err = o.look(ctx, t); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (o *targetOptions) validate() error {
	if o.choices.Push != "auto" && o.choices.Push != "never" {
		return fmt.Errorf("reading --push %q: expected auto or never", o.choices.Push)
	}
	if o.reuseMissing && o.dropMissing {
		return fmt.Errorf("reading --reuse-missing and --drop-missing: only one of them can be meant")
	}
	if o.operatorOnly && len(o.stores) > 0 {
		return fmt.Errorf("reading --operator-only and --object-store: only one of them can be meant")
	}
	if o.choices.StoresOnly && (o.operatorOnly || o.choices.HoldStores || o.choices.Mend || o.licenseFile != "" || len(o.operatorValues) > 0) {
		return fmt.Errorf("reading --stores-only: it leaves the operator as it is, so that neither --operator-only nor what changes the operator can be meant")
	}
	if o.choices.OperatorVersion != "" && !o.choices.StoresOnly {
		return fmt.Errorf("reading --operator-version: it is for --stores-only alone")
	}
	if _, err := o.sets.byRelease(); err != nil {
		return err
	}
	if err := o.validateAccepted(); err != nil {
		return err
	}
	if o.imageOnly == "" {
		return nil
	}
	if o.operatorOnly || o.choices.HoldStores {
		return fmt.Errorf("reading --image-only: it changes the object stores alone, so that neither --operator-only nor --hold-stores can be meant")
	}
	// The operator reads the release out of the tag.
	if _, err := aistor.ParseRelease(o.imageOnly); err != nil || !strings.HasPrefix(o.imageOnly, "RELEASE.") {
		return fmt.Errorf("reading --image-only %q: expected a tag such as RELEASE.2026-06-06T02-44-06Z", o.imageOnly)
	}
	return nil
}

// validateAccepted refuses what names no volume claim, and settings that do not
// say which release they belong to.
func (o *targetOptions) validateAccepted() error {
	for _, key := range o.choices.AcceptVolumes {
		if !releaseKey.MatchString(key) || !strings.Contains(key, "/") {
			return withHint(fmt.Errorf("reading --accept-volume-change %q: expected NAMESPACE/CLAIM", key), "kubectl get persistentvolumeclaims -A")
		}
	}
	for _, l := range o.choices.LiteralValues {
		if key, setting, ok := strings.Cut(l, ":"); !ok || !releaseKey.MatchString(key) || setting == "" {
			return fmt.Errorf("reading --literal-value %q: expected operator:SETTING or NAMESPACE/NAME:SETTING", l)
		}
	}
	return nil
}

func (o *targetOptions) look(ctx context.Context, t *target) error {
	var err error
	if t.bundle != nil {
		if t.charts, err = bundleCharts(t.bundle); err != nil {
			return err
		}
	}
	registry, err := o.surroundings(ctx, t)
	if err != nil {
		return err
	}
	req, err := o.request(ctx, t, t.inputs.Facts, registry)
	if err != nil {
		return err
	}
	if t.inputs, err = inputs.Gather(req); err != nil {
		return err
	}
	o.redactor().AddValue(t.inputs.SecretValues()...)
	if o.explain {
		if err := o.ineffective(ctx, t); err != nil {
			return err
		}
	}
	if err := t.cluster.AddStoreSecrets(ctx, t.inputs.Facts, t.inputs.CredentialSecrets()); err != nil {
		return err
	}
	t.plan, err = plan.Build(t.inputs)
	return err
}

// surroundings connects to the cluster, looks at it, and finds the registry.
func (o *targetOptions) surroundings(ctx context.Context, t *target) (registry plan.SiteRegistry, err error) {
	if t.cluster, err = cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor())); err != nil {
		return registry, err
	}
	facts, err := o.facts(ctx, t)
	if err != nil {
		return registry, err
	}
	if registry, err = registryOf(o.mirrorOptions, t.site, facts); err != nil {
		return registry, err
	}
	// The registry decides which pull secrets matter, and it is often read
	// from the cluster, so that those nobody names yet are looked at only now.
	t.inputs.Facts = facts
	return registry, t.cluster.AddSecrets(ctx, facts, wantedSecrets(facts, registry))
}

func (o *targetOptions) facts(ctx context.Context, t *target) (*plan.Facts, error) {
	return t.cluster.Facts(ctx, o.scope(t))
}

func (o *targetOptions) scope(t *target) cluster.Scope {
	s := cluster.Scope{OperatorNamespace: o.kube.namespace(), Events: true}
	if o.choices.StoresOnly && s.OperatorNamespace != "" {
		s.Only = s.OperatorNamespace
		return s
	}
	if s.OperatorNamespace == "" && t.site != nil {
		s.OperatorNamespace = t.site.Operator.Namespace
	}
	return s
}

// storeOrder is the order in which the site file lists its stores.
func storeOrder(site *plan.Site) []string {
	if site == nil {
		return nil
	}
	var keys []string
	for _, s := range site.ObjectStores {
		keys = append(keys, s.Namespace+"/"+s.Store)
	}
	return keys
}

// wantedSecrets is the pull secret in every namespace whose pods will pull.
func wantedSecrets(f *plan.Facts, r plan.SiteRegistry) []plan.ObjectKey {
	if r.PullSecret == "" || r.PullSecret == plan.PullSecretNone {
		return nil
	}
	var list []plan.ObjectKey
	seen := map[string]bool{}
	add := func(ns string) {
		if !seen[ns] {
			seen[ns] = true
			list = append(list, plan.ObjectKey{Kind: "Secret", Namespace: ns, Name: r.PullSecret})
		}
	}
	if f.Operator != nil {
		add(f.Operator.Namespace)
	}
	for _, s := range f.Stores {
		add(s.Namespace)
	}
	return list
}

func (o *targetOptions) request(ctx context.Context, t *target, facts *plan.Facts, registry plan.SiteRegistry) (inputs.Request, error) {
	var about plan.Bundle
	if t.bundle != nil {
		t.bundle = placed(t.bundle, registry)
		var err error
		if about, err = planBundle(ctx, o.bundleFile, t.bundle); err != nil {
			return inputs.Request{}, err
		}
	}
	installed, err := o.installed(ctx, t, facts)
	if err != nil {
		return inputs.Request{}, err
	}
	req := inputs.Request{
		Facts: facts, Bundle: about, Charts: t.charts, Registry: registry,
		Only: o.stores, Order: storeOrder(t.site), OperatorOnly: o.operatorOnly,
		ImageOnly: o.imageOnly, Installed: installed, Options: o.choices, Stores: map[string]inputs.Values{},
	}
	switch {
	case o.reuseMissing:
		req.Missing = inputs.MissingReuse
	case o.dropMissing:
		req.Missing = inputs.MissingDrop
	}
	if o.licenseFile != "" {
		b, err := o.readFile(o.licenseFile)
		if err != nil {
			return req, fmt.Errorf("reading license: %w", err)
		}
		o.redactor().AddValue(string(b))
		if len(bytes.TrimSpace(b)) == 0 {
			return req, withHint(fmt.Errorf("reading license %q: it is empty", o.licenseFile),
				"save the license from SUBNET as it was downloaded; standard input serves one flag alone")
		}
		req.License = b
	}
	if err := o.known(facts); err != nil {
		return req, err
	}
	return req, o.values(&req, t.site)
}

// installed are the charts of the stores that get another image alone, out of
// their releases' records; the executor finds them among the target's.
func (o *targetOptions) installed(ctx context.Context, t *target, f *plan.Facts) (map[string]*chart.Chart, error) {
	if o.imageOnly == "" {
		return nil, nil
	}
	client := chart.NewClient(o.kube, nil)
	found := map[string]*chart.Chart{}
	for _, s := range f.Stores {
		if s.Release == "" || len(o.stores) > 0 && !slices.Contains(o.stores, s.Key()) {
			continue
		}
		record, err := client.Get(ctx, s.Namespace, s.Release)
		if err != nil {
			return nil, err
		}
		if record.Chart != nil {
			found[s.Key()] = record.Chart
			t.charts = append(t.charts, inputs.Chart{Chart: record.Chart})
		}
	}
	return found, nil
}
