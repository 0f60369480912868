package workflow

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
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// TargetOptions select what is upgraded to what: the bundle, the site, the
// registry, the values, and which parts. plan, upgrade and preflight share
// them, so that what was checked is what is done.
type TargetOptions struct {
	*term.Program
	Kube option.Kube
	option.Registry
	option.Mirror
	Site option.Site

	BundleFile     string
	operatorValues []string
	storeValues    []string
	sets           option.Sets
	licenseFile    string
	Stores         []string
	OperatorOnly   bool
	ImageOnly      string
	ReuseMissing   bool
	dropMissing    bool
	Choices        plan.Options
	// doubted are the ConfigMaps of journals that were warned of.
	doubted map[string]bool
	// Explain finds values without effect, for read-only verbs.
	Explain bool
}

// NewTargetOptions sets the defaults of the flags.
func NewTargetOptions(p *term.Program, kube option.Kube) TargetOptions {
	return TargetOptions{Program: p, Kube: kube, Choices: plan.Options{Push: "auto"}}
}

// AddFlags registers every choice of an upgrade.
func (o *TargetOptions) AddFlags(fs *pflag.FlagSet) {
	o.Registry.AddFlags(fs)
	o.Mirror.AddFlags(fs)
	o.AddSourceFlags(fs)
	o.addValuesFlags(fs)
	fs.StringArrayVar(&o.Stores, "object-store", nil, "upgrade only this store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.OperatorOnly, "operator-only", false, "do not change object store releases")
	fs.BoolVar(&o.Choices.StoresOnly, "stores-only", false, "upgrade object stores only; with -n in one namespace only, without cluster-wide permissions")
	fs.StringVar(&o.Choices.OperatorVersion, "operator-version", "", "operator chart version, with --stores-only and without access to the operator's namespace")
	fs.StringVar(&o.ImageOnly, "image-only", "", "change only the object stores' image to this tag; --bundle is optional")
	fs.BoolVar(&o.Choices.PinStoreImages, "pin-store-images", false, "pin the object stores' current images in the operator's values, so that its upgrade restarts no store")
	fs.BoolVar(&o.Choices.RecreateBindings, "recreate-bindings", false, "delete and recreate bindings whose role changes instead of using an intermediate version")
	fs.StringVar(&o.Choices.Push, "push", o.Choices.Push, "push missing images: auto or never")
	fs.BoolVar(&o.Choices.AllowDowngrade, "allow-downgrade", false, "allow charts older than the installed ones")
	o.AddAcceptFlags(fs)
}

// AddSourceFlags registers where site and bundle are read from.
func (o *TargetOptions) AddSourceFlags(fs *pflag.FlagSet) {
	o.Site.AddFlags(fs, "site", "site file; flags take precedence")
	fs.StringVar(&o.BundleFile, "bundle", "", "bundle: a file or its parts, a directory of archives, or oci://HOST/PATH:TAG")
}

// addValuesFlags registers what changes the values of the releases.
func (o *TargetOptions) addValuesFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.operatorValues, "operator-values", nil, "values file of the operator's release (can be repeated; default: the release's own values)")
	fs.StringArrayVar(&o.storeValues, "store-values", nil, "values file of a store, as NAMESPACE/NAME=FILE (can be repeated; default: the release's own values)")
	o.sets.AddFlags(fs, "operator:KEY=VALUE or NAMESPACE/NAME:KEY=VALUE")
	fs.StringVar(&o.licenseFile, "license-file", "", "file with the license, or - for standard input")
	fs.BoolVar(&o.ReuseMissing, "reuse-missing", false, "keep release settings that are missing in the values files")
	fs.BoolVar(&o.dropMissing, "drop-missing", false, "drop release settings that are missing in the values files")
}

// AddAcceptFlags are the risks that a plan in either direction asks about.
func (o *TargetOptions) AddAcceptFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.Choices.AcceptRestart, "accept-restart", nil, "accept the restart of an object store that the plan does not upgrade, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.Choices.AcceptDowntime, "accept-downtime", nil, "accept that all pods of an object store restart at the same time, as NAMESPACE/NAME (can be repeated)")
	fs.StringArrayVar(&o.Choices.AcceptCredentials, "accept-credentials-change", nil, "accept that the root login, keys or certificates of a store change, as NAMESPACE/NAME (can be repeated)")
	o.AddObservedFlags(fs)
}

// AddObservedFlags registers what is accepted in the cluster as it is, which
// reading it needs in every verb.
func (o *TargetOptions) AddObservedFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.Choices.AcceptVolumes, "accept-volume-change", nil, "accept that a volume claim was replaced, or deleted for good, since it was recorded, as NAMESPACE/CLAIM (can be repeated)")
	fs.StringArrayVar(&o.Choices.LiteralValues, "literal-value", nil, LiteralUsage("operator:SETTING or NAMESPACE/NAME:SETTING"))
}

// Target is everything that was found out before anything is done.
type Target struct {
	Cluster *cluster.Client
	Bundle  bundle.Reader
	charts  []planinput.BundleChart
	Site    *plan.Site
	Inputs  plan.Inputs
	Plan    *plan.Plan
}

// Close releases the bundle.
func (t *Target) Close() {
	if t.Bundle != nil {
		t.Bundle.Close()
	}
}

// LoadTarget reads cluster and bundle and makes the plan. It changes nothing.
func (o *TargetOptions) LoadTarget(ctx context.Context) (*Target, error) {
	if o.BundleFile == "" && o.ImageOnly != "" {
		o.Choices.Push = "never"
	} else if o.BundleFile == "" {
		return nil, term.WithHint(fmt.Errorf("--bundle is required"), "create one with: helm aistor bundle create FILE")
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	t := &Target{}
	var err error
	if t.Site, err = o.Site.ReadSite(o.Program); err != nil {
		return nil, err
	}
	if o.BundleFile != "" {
		if t.Bundle, err = OpenBundle(ctx, o.BundleFile, o.NewClientFactory(o.Program)); err != nil {
			return nil, err
		}
	}
	if err = o.gatherInputs(ctx, t); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func (o *TargetOptions) validate() error {
	if o.Choices.Push != "auto" && o.Choices.Push != "never" {
		return fmt.Errorf("reading --push %q: expected auto or never", o.Choices.Push)
	}
	if o.ReuseMissing && o.dropMissing {
		return fmt.Errorf("--reuse-missing and --drop-missing are mutually exclusive")
	}
	if o.OperatorOnly && len(o.Stores) > 0 {
		return fmt.Errorf("--operator-only and --object-store are mutually exclusive")
	}
	if o.Choices.StoresOnly && (o.OperatorOnly || o.Choices.PinStoreImages || o.Choices.RecreateBindings || o.licenseFile != "" || len(o.operatorValues) > 0) {
		return fmt.Errorf("--stores-only cannot be combined with --operator-only or flags that change the operator")
	}
	if o.Choices.OperatorVersion != "" && !o.Choices.StoresOnly {
		return fmt.Errorf("--operator-version requires --stores-only")
	}
	if _, err := o.sets.SplitByRelease(); err != nil {
		return err
	}
	if err := o.ValidateAccepted(); err != nil {
		return err
	}
	if o.ImageOnly == "" {
		return nil
	}
	if o.OperatorOnly || o.Choices.PinStoreImages {
		return fmt.Errorf("--image-only cannot be combined with --operator-only or --pin-store-images")
	}
	// The operator reads the release out of the tag.
	if _, err := aistor.ParseServerVersion(o.ImageOnly); err != nil || !strings.HasPrefix(o.ImageOnly, "RELEASE.") {
		return fmt.Errorf("reading --image-only %q: expected a tag such as RELEASE.2026-06-06T02-44-06Z", o.ImageOnly)
	}
	return nil
}

// ValidateAccepted refuses what names no volume claim, and settings that do not
// say which release they belong to.
func (o *TargetOptions) ValidateAccepted() error {
	for _, key := range o.Choices.AcceptVolumes {
		if !option.ReleaseKey.MatchString(key) || !strings.Contains(key, "/") {
			return term.WithHint(fmt.Errorf("reading --accept-volume-change %q: expected NAMESPACE/CLAIM", key), "kubectl get persistentvolumeclaims -A")
		}
	}
	for _, l := range o.Choices.LiteralValues {
		if key, setting, ok := strings.Cut(l, ":"); !ok || !option.ReleaseKey.MatchString(key) || setting == "" {
			return fmt.Errorf("reading --literal-value %q: expected operator:SETTING or NAMESPACE/NAME:SETTING", l)
		}
	}
	return nil
}

func (o *TargetOptions) gatherInputs(ctx context.Context, t *Target) error {
	var err error
	if t.Bundle != nil {
		if t.charts, err = BundleCharts(t.Bundle); err != nil {
			return err
		}
	}
	registry, err := o.DiscoverCluster(ctx, t)
	if err != nil {
		return err
	}
	req, err := o.buildInputsRequest(ctx, t, t.Inputs.Facts, registry)
	if err != nil {
		return err
	}
	if t.Inputs, err = planinput.Gather(req); err != nil {
		return err
	}
	o.Redactor().AddValue(t.Inputs.SecretValues()...)
	if o.Explain {
		if err := o.findIneffective(ctx, t); err != nil {
			return err
		}
	}
	if err := t.Cluster.AddStoreSecrets(ctx, t.Inputs.Facts, t.Inputs.CredentialSecrets()); err != nil {
		return err
	}
	t.Plan, err = plan.Build(t.Inputs)
	return err
}

// DiscoverCluster connects to the cluster, collects facts, and finds the registry.
func (o *TargetOptions) DiscoverCluster(ctx context.Context, t *Target) (registry plan.SiteRegistry, err error) {
	if t.Cluster, err = cluster.New(o.Kube.ConfigFlags, cluster.WithRedactor(o.Redactor())); err != nil {
		return registry, err
	}
	facts, err := o.CollectFacts(ctx, t)
	if err != nil {
		return registry, err
	}
	if registry, err = option.RegistryOf(o.Mirror, t.Site, facts); err != nil {
		return registry, err
	}
	// The registry decides which pull secrets matter, and it is often read
	// from the cluster, so that additional pull secrets are read only now.
	t.Inputs.Facts = facts
	return registry, t.Cluster.AddSecrets(ctx, facts, wantedSecrets(facts, registry))
}

// CollectFacts reads the cluster within the scope that the flags select.
func (o *TargetOptions) CollectFacts(ctx context.Context, t *Target) (*plan.Facts, error) {
	return t.Cluster.Facts(ctx, o.clusterScope(t))
}

func (o *TargetOptions) clusterScope(t *Target) cluster.Scope {
	s := cluster.Scope{OperatorNamespace: o.Kube.ExplicitNamespace(), Events: true}
	if o.Choices.StoresOnly && s.OperatorNamespace != "" {
		s.SingleNamespace = s.OperatorNamespace
		return s
	}
	if s.OperatorNamespace == "" && t.Site != nil {
		s.OperatorNamespace = t.Site.Operator.Namespace
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

func (o *TargetOptions) buildInputsRequest(ctx context.Context, t *Target, facts *plan.Facts, registry plan.SiteRegistry) (planinput.Request, error) {
	var about plan.Bundle
	if t.Bundle != nil {
		t.Bundle = withMirror(t.Bundle, registry)
		var err error
		if about, err = planBundle(ctx, o.BundleFile, t.Bundle); err != nil {
			return planinput.Request{}, err
		}
	}
	installed, err := o.installedStoreCharts(ctx, t, facts)
	if err != nil {
		return planinput.Request{}, err
	}
	req := planinput.Request{
		Facts: facts, Bundle: about, Charts: t.charts, Registry: registry,
		SelectedStores: o.Stores, Order: storeOrder(t.Site), OperatorOnly: o.OperatorOnly,
		ImageOnly: o.ImageOnly, Installed: installed, Options: o.Choices, Stores: map[string]planinput.Values{},
	}
	switch {
	case o.ReuseMissing:
		req.Missing = planinput.MissingReuse
	case o.dropMissing:
		req.Missing = planinput.MissingDrop
	}
	if o.licenseFile != "" {
		b, err := o.ReadFile(o.licenseFile)
		if err != nil {
			return req, fmt.Errorf("reading license: %w", err)
		}
		o.Redactor().AddValue(string(b))
		if len(bytes.TrimSpace(b)) == 0 {
			return req, term.WithHint(fmt.Errorf("reading license %q: it is empty", o.licenseFile),
				"use the license file as downloaded from SUBNET; only one flag can read standard input")
		}
		req.License = b
	}
	if err := o.checkKnownStores(facts); err != nil {
		return req, err
	}
	return req, o.readValues(&req, t.Site)
}

// installedStoreCharts are the charts of the stores that get another image alone, out of
// their releases' records; the executor finds them among the target's.
func (o *TargetOptions) installedStoreCharts(ctx context.Context, t *Target, f *plan.Facts) (map[string]*chart.Chart, error) {
	if o.ImageOnly == "" {
		return nil, nil
	}
	client := chart.NewClient(o.Kube, nil)
	found := map[string]*chart.Chart{}
	for _, s := range f.Stores {
		if s.Release == "" || len(o.Stores) > 0 && !slices.Contains(o.Stores, s.Key()) {
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
