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
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// targetOptions select what is upgraded to what: the bundle, the site, the
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
	// explain finds values without effect, for read-only verbs.
	explain bool
}

func newTargetOptions(p *Program, kube kubeOptions) targetOptions {
	return targetOptions{Program: p, kube: kube, choices: plan.Options{Push: "auto"}}
}

func (o *targetOptions) addFlags(fs *pflag.FlagSet) {
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file; flags take precedence")
	fs.StringVar(&o.bundleFile, "bundle", "", "bundle: a file or its parts, a directory of archives, or oci://HOST/PATH:TAG")
	fs.StringArrayVar(&o.operatorValues, "operator-values", nil, "values file of the operator's release (can be repeated; default: the release's own values)")
	fs.StringArrayVar(&o.storeValues, "store-values", nil, "values file of a store, as NAMESPACE/NAME=FILE (can be repeated; default: the release's own values)")
	o.sets.addFlags(fs, "operator:KEY=VALUE or NAMESPACE/NAME:KEY=VALUE")
	fs.StringVar(&o.licenseFile, "license-file", "", "file with the license, or - for standard input")
	fs.StringArrayVar(&o.stores, "object-store", nil, "upgrade only this store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.operatorOnly, "operator-only", false, "do not change object store releases")
	fs.BoolVar(&o.choices.StoresOnly, "stores-only", false, "upgrade object stores only; with -n in one namespace only, without cluster-wide permissions")
	fs.StringVar(&o.choices.OperatorVersion, "operator-version", "", "operator chart version, with --stores-only and without access to the operator's namespace")
	fs.StringVar(&o.imageOnly, "image-only", "", "change only the object stores' image to this tag; --bundle is optional")
	fs.BoolVar(&o.choices.PinStoreImages, "pin-store-images", false, "pin the object stores' current images in the operator's values, so that its upgrade restarts no store")
	fs.BoolVar(&o.reuseMissing, "reuse-missing", false, "keep release settings that are missing in the values files")
	fs.BoolVar(&o.dropMissing, "drop-missing", false, "drop release settings that are missing in the values files")
	fs.BoolVar(&o.choices.RecreateBindings, "recreate-bindings", false, "delete and recreate bindings whose role changes instead of using an intermediate version")
	fs.StringVar(&o.choices.Push, "push", o.choices.Push, "push missing images: auto or never")
	fs.BoolVar(&o.choices.AllowDowngrade, "allow-downgrade", false, "allow charts older than the installed ones")
	o.addAcceptFlags(fs)
}

// addAcceptFlags are the risks that a plan in either direction asks about.
func (o *targetOptions) addAcceptFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.choices.AcceptRestart, "accept-restart", nil, "accept the restart of an object store that the plan does not upgrade, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptDowntime, "accept-downtime", nil, "accept that all pods of an object store restart at the same time, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptCredentials, "accept-credentials-change", nil, "accept that the root login, keys or certificates of a store change, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.choices.AcceptVolumes, "accept-volume-change", nil, "accept that a volume claim was replaced, or deleted for good, since it was recorded, as NAMESPACE/CLAIM (can be repeated)")
	fs.StringArrayVar(&o.choices.LiteralValues, "literal-value", nil, literalUsage("operator:SETTING or NAMESPACE/NAME:SETTING"))
}

// target is everything that was found out before anything is done.
type target struct {
	cluster *cluster.Client
	bundle  bundle.Reader
	charts  []planinput.BundleChart
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

// loadTarget reads cluster and bundle and makes the plan. It changes nothing.
func (o *targetOptions) loadTarget(ctx context.Context) (*target, error) {
	if o.bundleFile == "" && o.imageOnly != "" {
		o.choices.Push = "never"
	} else if o.bundleFile == "" {
		return nil, withHint(fmt.Errorf("--bundle is required"), "create one with: helm aistor bundle create FILE")
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	t := &target{}
	var err error
	if t.site, err = o.site.readSite(o.Program); err != nil {
		return nil, err
	}
	if o.bundleFile != "" {
		if t.bundle, err = openBundle(ctx, o.bundleFile, o.newClientFactory(o.Program)); err != nil {
			return nil, err
		}
	}
	if err = o.gatherInputs(ctx, t); err != nil {
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
		return fmt.Errorf("--reuse-missing and --drop-missing are mutually exclusive")
	}
	if o.operatorOnly && len(o.stores) > 0 {
		return fmt.Errorf("--operator-only and --object-store are mutually exclusive")
	}
	if o.choices.StoresOnly && (o.operatorOnly || o.choices.PinStoreImages || o.choices.RecreateBindings || o.licenseFile != "" || len(o.operatorValues) > 0) {
		return fmt.Errorf("--stores-only cannot be combined with --operator-only or flags that change the operator")
	}
	if o.choices.OperatorVersion != "" && !o.choices.StoresOnly {
		return fmt.Errorf("--operator-version requires --stores-only")
	}
	if _, err := o.sets.splitByRelease(); err != nil {
		return err
	}
	if err := o.validateAccepted(); err != nil {
		return err
	}
	if o.imageOnly == "" {
		return nil
	}
	if o.operatorOnly || o.choices.PinStoreImages {
		return fmt.Errorf("--image-only cannot be combined with --operator-only or --pin-store-images")
	}
	// The operator reads the release out of the tag.
	if _, err := aistor.ParseServerVersion(o.imageOnly); err != nil || !strings.HasPrefix(o.imageOnly, "RELEASE.") {
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

func (o *targetOptions) gatherInputs(ctx context.Context, t *target) error {
	var err error
	if t.bundle != nil {
		if t.charts, err = bundleCharts(t.bundle); err != nil {
			return err
		}
	}
	registry, err := o.discoverCluster(ctx, t)
	if err != nil {
		return err
	}
	req, err := o.buildInputsRequest(ctx, t, t.inputs.Facts, registry)
	if err != nil {
		return err
	}
	if t.inputs, err = planinput.Gather(req); err != nil {
		return err
	}
	o.redactor().AddValue(t.inputs.SecretValues()...)
	if o.explain {
		if err := o.findIneffective(ctx, t); err != nil {
			return err
		}
	}
	if err := t.cluster.AddStoreSecrets(ctx, t.inputs.Facts, t.inputs.CredentialSecrets()); err != nil {
		return err
	}
	t.plan, err = plan.Build(t.inputs)
	return err
}

// discoverCluster connects to the cluster, collects facts, and finds the registry.
func (o *targetOptions) discoverCluster(ctx context.Context, t *target) (registry plan.SiteRegistry, err error) {
	if t.cluster, err = cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor())); err != nil {
		return registry, err
	}
	facts, err := o.collectFacts(ctx, t)
	if err != nil {
		return registry, err
	}
	if registry, err = registryOf(o.mirrorOptions, t.site, facts); err != nil {
		return registry, err
	}
	// The registry decides which pull secrets matter, and it is often read
	// from the cluster, so that additional pull secrets are read only now.
	t.inputs.Facts = facts
	return registry, t.cluster.AddSecrets(ctx, facts, wantedSecrets(facts, registry))
}

func (o *targetOptions) collectFacts(ctx context.Context, t *target) (*plan.Facts, error) {
	return t.cluster.Facts(ctx, o.clusterScope(t))
}

func (o *targetOptions) clusterScope(t *target) cluster.Scope {
	s := cluster.Scope{OperatorNamespace: o.kube.explicitNamespace(), Events: true}
	if o.choices.StoresOnly && s.OperatorNamespace != "" {
		s.SingleNamespace = s.OperatorNamespace
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

func (o *targetOptions) buildInputsRequest(ctx context.Context, t *target, facts *plan.Facts, registry plan.SiteRegistry) (planinput.Request, error) {
	var about plan.Bundle
	if t.bundle != nil {
		t.bundle = withMirror(t.bundle, registry)
		var err error
		if about, err = planBundle(ctx, o.bundleFile, t.bundle); err != nil {
			return planinput.Request{}, err
		}
	}
	installed, err := o.installedStoreCharts(ctx, t, facts)
	if err != nil {
		return planinput.Request{}, err
	}
	req := planinput.Request{
		Facts: facts, Bundle: about, Charts: t.charts, Registry: registry,
		SelectedStores: o.stores, Order: storeOrder(t.site), OperatorOnly: o.operatorOnly,
		ImageOnly: o.imageOnly, Installed: installed, Options: o.choices, Stores: map[string]planinput.Values{},
	}
	switch {
	case o.reuseMissing:
		req.Missing = planinput.MissingReuse
	case o.dropMissing:
		req.Missing = planinput.MissingDrop
	}
	if o.licenseFile != "" {
		b, err := o.readFile(o.licenseFile)
		if err != nil {
			return req, fmt.Errorf("reading license: %w", err)
		}
		o.redactor().AddValue(string(b))
		if len(bytes.TrimSpace(b)) == 0 {
			return req, withHint(fmt.Errorf("reading license %q: it is empty", o.licenseFile),
				"use the license file as downloaded from SUBNET; only one flag can read standard input")
		}
		req.License = b
	}
	if err := o.checkKnownStores(facts); err != nil {
		return req, err
	}
	return req, o.readValues(&req, t.site)
}

// installedStoreCharts are the charts of the stores that get another image alone, out of
// their releases' records; the executor finds them among the target's.
func (o *targetOptions) installedStoreCharts(ctx context.Context, t *target, f *plan.Facts) (map[string]*chart.Chart, error) {
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
			t.charts = append(t.charts, planinput.BundleChart{Chart: record.Chart})
		}
	}
	return found, nil
}
