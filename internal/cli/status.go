package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// statusOptions show one screen.
type statusOptions struct {
	*Program
	kube kubeOptions
	outputOptions
	scopeOptions
	followOptions
	registryOptions
	bundle string
}

func newStatus(p *Program, kube kubeOptions) *cobra.Command {
	o := &statusOptions{Program: p, kube: kube, outputOptions: newViewOptions()}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show operator, object stores and the last upgrade",
		Long: "Show installed versions, health and the last upgrade, and with --bundle\n" +
			"the versions that it would install.",
		Example: `  kubectl aistor-upgrade status

  # One namespace, without cluster-wide permissions
  kubectl aistor-upgrade status -n team-a

  # Compare with a bundle
  kubectl aistor-upgrade status --bundle aistor.bundle

  # Watch for changes
  kubectl aistor-upgrade status -w

  # For scripts
  kubectl aistor-upgrade status -o jsonpath='{.objectStores[*].health}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	o.outputOptions.addFlags(fs)
	o.scopeOptions.addFlags(fs)
	o.followOptions.addFlags(fs, "watch until interrupted")
	fs.StringVar(&o.bundle, "bundle", "", "show the versions in this bundle")
	o.registryOptions.addFlags(fs)
	return cmd
}

func (o *statusOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.followOptions.validate()); err != nil {
		return err
	}
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor()))
	if err != nil {
		return err
	}
	brings, err := o.readBundleVersions(ctx)
	if err != nil {
		return err
	}
	scope := o.clusterScope(o.kube)
	look := func(ctx context.Context) (*plan.Facts, *statusDocument, error) {
		facts, err := o.collectFacts(ctx, client, scope)
		if err != nil {
			return nil, nil, err
		}
		return facts, o.buildDocument(ctx, facts, brings), nil
	}
	if !o.watch {
		facts, doc, err := look(ctx)
		if err != nil {
			return err
		}
		if err := o.printDocument(o.Out, doc, func(w io.Writer) { printStatus(w, doc, o.isWide()) }); err != nil {
			return err
		}
		facts.Gaps = doc.Gaps // with those of the last upgrade
		return unseen(facts, notInStatus...)
	}
	return o.followStatus(ctx, look, client, scope)
}

// followStatus shows the status again whenever something changed: over the last one
// on a terminal, after it elsewhere.
func (o *statusOptions) followStatus(ctx context.Context, look func(context.Context) (*plan.Facts, *statusDocument, error), client *cluster.Client, scope cluster.Scope) error {
	s := newScreen(o.Program)
	last := ""
	err := o.followOptions.followChanges(ctx, o.Program, client, scope, func(ctx context.Context) (*plan.Facts, bool, error) {
		facts, doc, err := look(ctx)
		if err != nil {
			return nil, false, err
		}
		var b strings.Builder
		if err := o.printDocument(s.withColor(&b), doc, func(w io.Writer) { printStatus(w, doc, o.isWide()) }); err != nil {
			return nil, false, err
		}
		if text := b.String(); text != last {
			last = text
			s.showText(text, o.isTable())
		}
		return facts, false, nil
	})
	if o.timeout > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil // it was to end then
	}
	return err
}

func (o *statusOptions) buildDocument(ctx context.Context, f *plan.Facts, brings *bundleVersions) *statusDocument {
	doc := &statusDocument{
		APIVersion: plan.APIVersion, Kind: KindStatus, Context: f.Context, Server: f.Server, Cluster: f.ServerVersion,
		Namespace: f.Namespace, License: licenseStatusOf(f, o.Now()), Gaps: f.Gaps, Bundle: brings.compareInstalled(f), Stores: []storeStatus{},
	}
	doc.Operator, doc.OperatorReady, doc.OperatorPods = f.Operator, 0, 0
	for _, w := range f.Workloads {
		if w.Store == "" {
			doc.OperatorReady += w.Ready
			doc.OperatorPods += w.Replicas
		}
	}
	for _, s := range f.Stores {
		doc.Stores = append(doc.Stores, storeStatusOf(f, s))
	}
	doc.showDeletions(f.Deletions(), o.Now())
	if journalNamespace(f) == "" {
		return doc
	}
	var err error
	doc.Upgrade, err = o.lastRun(ctx, f)
	if denied := apierrors.IsForbidden(err); err != nil && !(denied && f.Operator == nil) {
		doc.Gaps = append(slices.Clip(doc.Gaps), plan.Gap{Subject: "the last upgrade in " + journalNamespace(f), Cause: err.Error(), Denied: denied})
	}
	return doc
}

func (o *statusOptions) lastRun(ctx context.Context, f *plan.Facts) (*runStatus, error) {
	client, err := o.kube.newClientset()
	if err != nil {
		return nil, err
	}
	return lastRun(ctx, client, f, o.Now())
}

// healthDeleting is the health of a store of which something is marked for
// deletion, whatever its operator says.
const healthDeleting = "deleting"

// showDeletions keeps a store that is being deleted from looking healthy.
func (d *statusDocument) showDeletions(deletions []plan.Deletion, now time.Time) {
	d.Deletions, d.now = deletions, now
	for i := range d.Stores {
		s := &d.Stores[i]
		for _, one := range deletions {
			switch {
			case !slices.Contains(one.Stores, s.Namespace+"/"+s.Name):
			case one.State == plan.DeletionMarked:
				s.Health = healthDeleting
			case s.Health != healthDeleting:
				s.Health = "red"
			}
		}
	}
}

func storeStatusOf(f *plan.Facts, s plan.Store) storeStatus {
	st := storeStatus{
		Namespace: s.Namespace, Name: s.Name, Release: s.Release, Servers: s.ServerCount(), Images: []string{},
		Online: s.DrivesOnline, Offline: s.DrivesOffline, Healing: s.DrivesHealing, Health: s.Health, State: s.State, License: s.LicenseExpires,
	}
	for _, r := range f.Releases {
		if r.Namespace == s.Namespace && r.Name == s.Release {
			st.Chart, st.ReleaseStatus = r.Chart+"-"+r.Version, r.Status
		}
	}
	for _, p := range f.Pods {
		if p.Store != s.Key() {
			continue
		}
		if p.Ready && p.Terminating.IsZero() && !p.IsKES() {
			st.Ready++
		}
		for _, c := range p.Containers {
			if c.Name == aistor.ContainerMinIO && !c.Init && !slices.Contains(st.Images, c.Image) {
				st.Images = append(st.Images, c.Image)
			}
		}
	}
	return st
}

// licenseStatusOf reads the license's own claims, which nobody verified, or else
// the earliest day that the operator reports for a store.
func licenseStatusOf(f *plan.Facts, now time.Time) *licenseStatus {
	if f.License != nil && f.License.Present {
		l, err := aistor.ParseLicense(f.License.Token)
		if err != nil {
			return &licenseStatus{Text: "cannot be read", Tier: "unreadable"}
		}
		out := &licenseStatus{Plan: l.Plan, Expires: l.ExpiresAt, Tier: string(l.Tier(now)), Text: "plan " + cmp.Or(l.Plan, "-") + ", no expiry"}
		if !l.ExpiresAt.IsZero() {
			out.Text = "plan " + cmp.Or(l.Plan, "-") + ", " + expiryText(l.ExpiresAt, now)
		}
		return out
	}
	var first time.Time
	for _, s := range f.Stores {
		if t, err := time.Parse(time.RFC3339, s.LicenseExpires); err == nil && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return nil
	}
	return &licenseStatus{Expires: first, Tier: string(aistor.TierAt(first, now)), Text: expiryText(first, now)}
}

func expiryText(t, now time.Time) string {
	days := int(t.Sub(now) / (24 * time.Hour))
	if t.After(now) {
		return fmt.Sprintf("expires %s, in %s", t.UTC().Format(time.DateOnly), plural.Count(days, "day"))
	}
	return fmt.Sprintf("expired %s, %s ago", t.UTC().Format(time.DateOnly), plural.Count(-days, "day"))
}
