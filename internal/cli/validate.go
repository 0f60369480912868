package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// validateOptions check after an upgrade.
type validateOptions struct {
	preflightOptions
	scopeFlags scopeOptions
	follow     followOptions
	endpoints  endpointOptions
	planFile   string
	expect     []string
}

func newValidate(p *Program, kube kubeOptions) *cobra.Command {
	o := &validateOptions{preflightOptions: preflightOptions{targetOptions: newTargetOptions(p, kube), outputOptions: newViewOptions("junit")}}
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
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	o.checks.addFlags(cmd.Flags())
	o.scopeFlags.addFlags(cmd.Flags())
	o.endpoints.addFlags(cmd.Flags())
	o.follow.addFlags(cmd.Flags(), "watch until all checks pass")
	cmd.Flags().StringVar(&o.planFile, "plan", "", "plan file of the upgrade")
	cmd.Flags().StringArrayVar(&o.expect, "expect", nil, "expected image tag of a container, as minio=TAG (can be repeated)")
	return cmd
}

func (o *validateOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.follow.validate(), o.checks.checkApplicableIDs("validate", preflight.PostUpgradeChecks())); err != nil {
		return err
	}
	if o.checks.list {
		printChecks(o.Out, preflight.PostUpgradeChecks())
		return nil
	}
	if err := errors.Join(o.checks.validate(), o.validateAccepted()); err != nil {
		return err
	}
	l, err := o.newSnapshotter(ctx)
	if err != nil {
		return err
	}
	defer l.target.close()
	if o.follow.watch {
		return o.watchChecks(ctx, l)
	}
	subject, err := l.takeSnapshot(ctx)
	if err != nil {
		return err
	}
	report := o.runChecks(ctx, preflight.PostUpgradeChecks(), subject, l.options)
	if err := interruptionError(ctx); err != nil {
		return err
	}
	return o.printFinalReport(subject, report)
}

// printFinalReport prints the entire report.
func (o *validateOptions) printFinalReport(s *preflight.Subject, report *preflight.Report) error {
	if err := printReportDocument(&o.outputOptions, o.Out, report, func(w io.Writer) {
		printImages(w, s.Facts)
		printReport(w, report)
	}); err != nil {
		return err
	}
	return reportExitError(report)
}

// watchChecks shows what changes until all is well: over the last report on a
// terminal, as lines elsewhere, and the entire report in the end.
func (o *validateOptions) watchChecks(ctx context.Context, l *snapshotter) error {
	var subject *preflight.Subject
	var report *preflight.Report
	s := newScreen(o.Program)
	show := o.newReportPrinter(s)
	err := o.follow.followChanges(ctx, o.Program, l.target.cluster, l.scope, func(ctx context.Context) (*plan.Facts, bool, error) {
		next, err := l.takeSnapshot(ctx)
		if err != nil {
			return nil, false, err
		}
		found := o.kube.runChecks(ctx, preflight.PostUpgradeChecks(), next, l.options)
		if err := ctx.Err(); err != nil {
			return nil, false, err // a canceled snapshot is incomplete
		}
		subject, report = next, found
		show(report)
		return next.Facts, reportExitError(report) == nil, nil
	})
	if err != nil && (report == nil || !errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	s.clearScreen()
	if ended := o.printFinalReport(subject, report); err == nil {
		return ended
	}
	return withCode(ExitTimeout, fmt.Errorf("waiting for all checks to pass: timed out after %s", o.follow.timeout))
}

// newReportPrinter shows one report after the other.
func (o *validateOptions) newReportPrinter(s *screen) func(*preflight.Report) {
	if !o.isTable() {
		return func(*preflight.Report) {}
	}
	said := map[string]string{}
	return func(r *preflight.Report) {
		if s.redraw {
			var b strings.Builder
			w := s.withColor(&b)
			printLine(w, "%s  watching; press Ctrl-C to stop\n", o.Now().Format(time.TimeOnly))
			printReport(w, r)
			s.showText(b.String(), true)
			return
		}
		for _, one := range r.Results {
			if text := string(one.Status) + one.Message; said[one.ID] != text {
				said[one.ID] = text
				printLine(o.Out, "%s %s %-5s %s", o.Now().Format(time.TimeOnly), glyphs[one.Status], one.Status,
					wrapText(one.ID+": "+readableText(one.Message), 63, "                 "))
			}
		}
	}
}

// snapshotter takes successive snapshots of the same target.
type snapshotter struct {
	*validateOptions
	target  *target
	options preflight.Options
	scope   cluster.Scope
	// base is what stays the same between two snapshots.
	base preflight.Subject
}

func (o *validateOptions) newSnapshotter(ctx context.Context) (*snapshotter, error) {
	l := &snapshotter{validateOptions: o, target: &target{}, scope: o.scopeFlags.clusterScope(o.kube)}
	err := o.endpoints.resolveEndpoints(o.Program, &o.registryOptions)
	if err != nil {
		return nil, err
	}
	if l.base.ExpectedImages, err = parsePairs("expect", o.expect); err != nil {
		return nil, err
	}
	switch {
	case o.bundleFile != "" && l.scope.SingleNamespace != "":
		return nil, withHint(errors.New("--namespace cannot be combined with --bundle"),
			"use --plan to validate one namespace")
	case o.bundleFile != "":
		if l.target, err = o.loadTarget(ctx); err != nil {
			return nil, err
		}
		l.base.Inputs, l.base.Plan = &l.target.inputs, l.target.plan
	default:
		if l.target.site, err = o.site.readSite(o.Program); err != nil {
			return nil, err
		}
		if l.target.cluster, err = cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor())); err != nil {
			return nil, err
		}
	}
	if o.planFile != "" {
		if l.base.Plan, err = readPlanFile(o.planFile); err != nil {
			return nil, err
		}
	}
	l.scope.Events = true
	l.options, err = o.checks.buildOptions(l.target.site)
	return l, err
}

// takeSnapshot takes one snapshot.
func (l *snapshotter) takeSnapshot(ctx context.Context) (*preflight.Subject, error) {
	facts, err := l.scopeFlags.collectFacts(ctx, l.target.cluster, l.scope)
	if err != nil {
		return nil, err
	}
	if err := l.endpoints.checkKnownStores(facts); err != nil {
		return nil, err
	}
	s := l.base
	s.Facts, s.Now = facts, l.Now()
	s.Since, s.Recorded = l.lastUpgrade(ctx, facts)
	if l.planFile != "" { // a store that is gone for good is in no newer plan
		s.Recorded = s.Plan.Claims
	}
	s.Recorded = facts.AcceptClaims(s.Recorded, l.choices.AcceptVolumes)
	collectHealth(ctx, l.target.cluster, facts, s.Since, l.endpoints.endpoints)
	if s.Plan != nil {
		s.Site = s.Plan.Registry
	} else if s.Site, err = registryOf(l.mirrorOptions, l.target.site, facts); err != nil {
		return &s, nil // nothing names a registry: the checks say so
	}
	own, err := l.newRegistryClient(l.Program, s.Site.PushHost())
	if err != nil {
		return nil, err
	}
	s.Registry = &failFastProber{prober: newRegistryProber(l.Program, l.registryOptions, s.Site, own)}
	return &s, nil
}

// collectHealth queries operator logs and store health endpoints.
func collectHealth(ctx context.Context, c *cluster.Client, f *plan.Facts, since time.Time, at cluster.Endpoints) {
	f.HealthAnswers = c.QueryStoreHealth(ctx, f, at)
	var gaps []plan.Gap
	f.LogsRead, f.LogErrors, gaps = c.OperatorLogs(ctx, f, since)
	f.Gaps = append(f.Gaps, gaps...)
}

// lastUpgrade is when the last upgrade began, or else when the operator's
// release was last changed, and the volume claims that its journal recorded. A
// journal that cannot be read is a gap in f.
func (l *snapshotter) lastUpgrade(ctx context.Context, f *plan.Facts) (began time.Time, recorded plan.ClaimRecords) {
	if f.Operator != nil {
		began = f.Operator.Updated
	}
	if journalNamespace(f) == "" {
		return began, nil
	}
	confirmed, err := l.confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		f.Gaps = append(f.Gaps, plan.Gap{Subject: "journals in " + journalNamespace(f), Cause: err.Error(), Denied: apierrors.IsForbidden(err), Optional: true})
		return began, nil
	}
	if len(confirmed.Runs) == 0 || len(confirmed.Runs[0].Attempts) == 0 {
		return began, nil
	}
	last := confirmed.Runs[0]
	return last.Attempts[0].Started, last.Claims
}

// printImages shows the image of every minio container, the way the documented
// check does:
//
//	kubectl get pods -o jsonpath='{.items[*].spec.containers[?(@.name=="minio")].image}'
func printImages(w io.Writer, f *plan.Facts) {
	pods := map[string]map[string]int{} // by image and store
	for _, p := range f.Pods {
		for _, c := range p.Containers {
			if c.Name != aistor.ContainerMinIO || c.Init {
				continue
			}
			if pods[c.Image] == nil {
				pods[c.Image] = map[string]int{}
			}
			pods[c.Image][cmp.Or(p.Store, "-")]++
		}
	}
	if len(pods) == 0 {
		return
	}
	printLine(w, `%s`, "Images as kubectl get pods shows them with -o jsonpath=")
	printLine(w, `%s`, `  '{.items[*].spec.containers[?(@.name=="minio")].image}'`)
	for _, image := range slices.Sorted(maps.Keys(pods)) {
		printLine(w, "  %s", sanitizeText(image))
		var of []string
		for _, store := range slices.Sorted(maps.Keys(pods[image])) {
			of = append(of, plural.Count(pods[image][store], "pod")+" of "+store)
		}
		printLine(w, "    %s", wrapText(sanitizeText(strings.Join(of, ", ")), 76, "    "))
	}
	printLine(w, "")
}
