package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// validateOptions check after an upgrade.
type validateOptions struct {
	workflow.TargetOptions
	option.Output
	checks     option.Checks
	scopeFlags option.Scope
	follow     followOptions
	endpoints  option.Endpoints
	planFile   string
	expect     []string
}

// NewValidate is the command validate, which checks after an upgrade.
func NewValidate(p *term.Program, kube option.Kube) *cobra.Command {
	o := &validateOptions{TargetOptions: workflow.NewTargetOptions(p, kube), Output: option.NewViewOutput("junit")}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the result of an upgrade",
		Long: "Check images, rollouts, health and releases after an upgrade. Read-only.\n" +
			"Expected images come from --plan, --bundle or --expect, else from\n" +
			"the releases. --plan requires neither bundle nor registry.",
		Example: `  kubectl aistor-upgrade validate

  # Compare with the plan
  kubectl aistor-upgrade validate --plan plan.yaml

  # Compare with one version
  kubectl aistor-upgrade validate --expect minio=RELEASE.2026-06-06T02-44-06Z

  # One namespace, without cluster-wide permissions
  kubectl aistor-upgrade validate -n team-a --plan plan.yaml

  # Wait until all checks pass
  kubectl aistor-upgrade validate --watch --timeout 30m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// addFlags registers what selects the expected state; what an upgrade would
// change has no meaning here.
func (o *validateOptions) addFlags(fs *pflag.FlagSet) {
	o.ReuseMissing = true // settings that the site's values files lack are not judged
	o.Registry.AddFlags(fs)
	o.Mirror.AddAddressFlags(fs)
	o.Mirror.AddReferencesFlag(fs)
	o.AddSourceFlags(fs)
	o.AddObservedFlags(fs)
	o.Output.AddFlags(fs)
	o.checks.AddFlags(fs)
	o.scopeFlags.AddFlags(fs)
	o.endpoints.AddFlags(fs)
	o.follow.addFlags(fs, "watch until all checks pass")
	fs.StringVar(&o.planFile, "plan", "", "plan file of the upgrade")
	fs.StringArrayVar(&o.expect, "expect", nil, "expected image tag of a container, as minio=TAG (can be repeated)")
	fs.StringArrayVar(&o.Stores, "object-store", nil, "with --bundle, only this store was upgraded, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.OperatorOnly, "operator-only", false, "with --bundle, only the operator was upgraded")
	fs.BoolVar(&o.Choices.StoresOnly, "stores-only", false, "with --bundle, only object stores were upgraded")
	fs.BoolVar(&o.Choices.PinStoreImages, "pin-store-images", false, "with --bundle, the object stores' images were pinned")
}

func (o *validateOptions) run(ctx context.Context) error {
	if err := errors.Join(o.Output.Validate(), o.follow.validate(), o.checks.CheckApplicableIDs("validate", preflight.PostUpgradeChecks())); err != nil {
		return err
	}
	if o.checks.List {
		display.PrintChecks(o.Out, preflight.PostUpgradeChecks())
		return nil
	}
	if err := errors.Join(o.checks.Validate(), o.ValidateAccepted()); err != nil {
		return err
	}
	l, err := o.newSnapshotter(ctx)
	if err != nil {
		return err
	}
	defer l.target.Close()
	if o.follow.Watch {
		return o.watchChecks(ctx, l)
	}
	subject, err := l.takeSnapshot(ctx)
	if err != nil {
		return err
	}
	report := runChecks(ctx, &o.TargetOptions, preflight.PostUpgradeChecks(), subject, l.options)
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	return o.printFinalReport(subject, report)
}

// printFinalReport prints the entire report.
func (o *validateOptions) printFinalReport(s *preflight.Subject, report *preflight.Report) error {
	if err := display.PrintReportDocument(&o.Output, o.Out, report, func(w io.Writer) {
		display.PrintImages(w, s.Facts)
		display.PrintReport(w, report)
	}); err != nil {
		return err
	}
	return display.ReportExitError(report)
}

// watchChecks shows what changes until all is well: over the last report on a
// terminal, as lines elsewhere, and the entire report in the end.
func (o *validateOptions) watchChecks(ctx context.Context, l *snapshotter) error {
	var subject *preflight.Subject
	var report *preflight.Report
	s := newScreen(o.Program)
	show := o.newReportPrinter(s)
	err := o.follow.followChanges(ctx, o.Program, l.target.Cluster, l.scope, func(ctx context.Context) (*plan.Facts, bool, error) {
		next, err := l.takeSnapshot(ctx)
		if err != nil {
			return nil, false, err
		}
		found := o.Kube.RunChecks(ctx, preflight.PostUpgradeChecks(), next, l.options)
		if err := ctx.Err(); err != nil {
			return nil, false, err // a canceled snapshot is incomplete
		}
		subject, report = next, found
		show(report)
		return next.Facts, display.ReportExitError(report) == nil, nil
	})
	if err != nil && (report == nil || !errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	s.clearScreen()
	if ended := o.printFinalReport(subject, report); err == nil {
		return ended
	}
	return term.WithCode(term.ExitTimeout, fmt.Errorf("waiting for all checks to pass: timed out after %s", o.follow.Timeout))
}

// newReportPrinter shows one report after the other.
func (o *validateOptions) newReportPrinter(s *screen) func(*preflight.Report) {
	if !o.IsTable() {
		return func(*preflight.Report) {}
	}
	said := map[string]string{}
	return func(r *preflight.Report) {
		if s.redraw {
			var b strings.Builder
			w := s.withColor(&b)
			term.PrintLine(w, "%s  watching; press Ctrl-C to stop\n", o.Now().Format(time.TimeOnly))
			display.PrintReport(w, r)
			s.showText(b.String(), true)
			return
		}
		for _, one := range r.Results {
			if text := string(one.Status) + one.Message; said[one.ID] != text {
				said[one.ID] = text
				term.PrintLine(o.Out, "%s %s %-5s %s", o.Now().Format(time.TimeOnly), display.Glyphs[one.Status], one.Status,
					option.WrapText(one.ID+": "+display.ReadableText(one.Message), 63, "                 "))
			}
		}
	}
}

// snapshotter takes successive snapshots of the same target.
type snapshotter struct {
	*validateOptions
	target  *workflow.Target
	options preflight.Options
	scope   cluster.Scope
	// base is what stays the same between two snapshots.
	base preflight.Subject
}

func (o *validateOptions) newSnapshotter(ctx context.Context) (*snapshotter, error) {
	l := &snapshotter{validateOptions: o, target: &workflow.Target{}, scope: o.scopeFlags.ClusterScope(o.Kube)}
	err := o.endpoints.ResolveEndpoints(o.Program, &o.Registry)
	if err != nil {
		return nil, err
	}
	if l.base.ExpectedImages, err = option.ParsePairs("expect", o.expect); err != nil {
		return nil, err
	}
	switch {
	case o.BundleFile != "" && l.scope.SingleNamespace != "":
		return nil, term.WithHint(errors.New("--namespace cannot be combined with --bundle"),
			"use --plan to validate one namespace")
	case o.BundleFile != "":
		if l.target, err = o.LoadTarget(ctx); err != nil {
			return nil, err
		}
		l.base.Inputs, l.base.Plan = &l.target.Inputs, l.target.Plan
	default:
		if l.target.Site, err = o.Site.ReadSite(o.Program); err != nil {
			return nil, err
		}
		if l.target.Cluster, err = cluster.New(o.Kube.ConfigFlags, cluster.WithRedactor(o.Redactor())); err != nil {
			return nil, err
		}
	}
	if o.planFile != "" {
		if l.base.Plan, err = workflow.ReadPlanFile(o.planFile); err != nil {
			return nil, err
		}
	}
	l.scope.Events = true
	l.options, err = o.checks.BuildOptions(l.target.Site)
	return l, err
}

// takeSnapshot takes one snapshot.
func (l *snapshotter) takeSnapshot(ctx context.Context) (*preflight.Subject, error) {
	facts, err := l.scopeFlags.CollectFacts(ctx, l.target.Cluster, l.scope)
	if err != nil {
		return nil, err
	}
	if err := l.endpoints.CheckKnownStores(facts); err != nil {
		return nil, err
	}
	s := l.base
	s.Facts, s.Now = facts, l.Now()
	s.Since, s.Recorded = l.lastUpgrade(ctx, facts)
	if l.planFile != "" { // a store that is gone for good is in no newer plan
		s.Recorded = s.Plan.Claims
	}
	s.Recorded = facts.AcceptClaims(s.Recorded, l.Choices.AcceptVolumes)
	workflow.CollectHealth(ctx, l.target.Cluster, facts, s.Since, l.endpoints.Endpoints)
	if s.Plan != nil {
		s.Site = s.Plan.Registry
	} else if s.Site, err = option.RegistryOf(l.Mirror, l.target.Site, facts); err != nil {
		return &s, nil // nothing names a registry: the checks say so
	}
	own, err := l.NewRegistryClient(l.Program, s.Site.PushHost())
	if err != nil {
		return nil, err
	}
	s.Registry = &workflow.FailFastProber{Prober: workflow.NewRegistryProber(l.Program, l.Registry, s.Site, own)}
	return &s, nil
}

// lastUpgrade is when the last upgrade began, or else when the operator's
// release was last changed, and the volume claims that its journal recorded. A
// journal that cannot be read is a gap in f.
func (l *snapshotter) lastUpgrade(ctx context.Context, f *plan.Facts) (began time.Time, recorded plan.ClaimRecords) {
	if f.Operator != nil {
		began = f.Operator.Updated
	}
	if workflow.JournalNamespace(f) == "" {
		return began, nil
	}
	confirmed, err := l.Confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		f.Gaps = append(f.Gaps, plan.Gap{Subject: "journals in " + workflow.JournalNamespace(f), Cause: err.Error(), Denied: apierrors.IsForbidden(err), Optional: true})
		return began, nil
	}
	if len(confirmed.Runs) == 0 || len(confirmed.Runs[0].Attempts) == 0 {
		return began, nil
	}
	last := confirmed.Runs[0]
	return last.Attempts[0].Started, last.Claims
}
