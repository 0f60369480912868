package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// validateOptions look after an upgrade.
type validateOptions struct {
	preflightOptions
	where     scopeOptions
	follow    followOptions
	endpoints endpointOptions
	planFile  string
	expect    []string
}

func newValidate(p *Program, kube kubeOptions) *cobra.Command {
	o := &validateOptions{preflightOptions: preflightOptions{targetOptions: newTargetOptions(p, kube), outputOptions: newViewOptions("junit")}}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check that everything runs what it should",
		Long: "Check images, roll-outs, health and releases after an upgrade. Nothing is\n" +
			"changed. What should run comes from --plan, --bundle or --expect, else from\n" +
			"the releases themselves. With --plan neither bundle nor registry is needed.",
		Example: `  kubectl aistor-upgrade validate

  # Against the plan that was carried out
  kubectl aistor-upgrade validate --plan plan.yaml

  # Against one version
  kubectl aistor-upgrade validate --expect minio=RELEASE.2026-06-06T02-44-06Z

  # One namespace, without rights in the rest of the cluster
  kubectl aistor-upgrade validate -n team-a --plan plan.yaml

  # Wait until all is well
  kubectl aistor-upgrade validate --watch --timeout 30m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	o.checks.addFlags(cmd.Flags())
	o.where.addFlags(cmd.Flags())
	o.endpoints.addFlags(cmd.Flags())
	o.follow.addFlags(cmd.Flags(), "look on until all is as it should be")
	cmd.Flags().StringVar(&o.planFile, "plan", "", "plan file that was carried out")
	cmd.Flags().StringArrayVar(&o.expect, "expect", nil, "what a container must run, as minio=TAG (can be repeated)")
	return cmd
}

func (o *validateOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.follow.validate(), o.checks.among("validate", preflight.After())); err != nil {
		return err
	}
	if o.checks.list {
		printChecks(o.Out, preflight.After())
		return nil
	}
	if err := errors.Join(o.checks.validate(), o.validateAccepted()); err != nil {
		return err
	}
	l, err := o.looker(ctx)
	if err != nil {
		return err
	}
	defer l.target.close()
	if o.follow.watch {
		return o.watch(ctx, l)
	}
	subject, err := l.look(ctx)
	if err != nil {
		return err
	}
	report := o.report(ctx, preflight.After(), subject, l.options)
	if err := interruption(ctx); err != nil {
		return err
	}
	return o.finish(subject, report)
}

// finish prints the whole report.
func (o *validateOptions) finish(s *preflight.Subject, report *preflight.Report) error {
	if err := o.printChecked(o.Out, report, func(w io.Writer) {
		printImages(w, s.Facts)
		printReport(w, report)
	}); err != nil {
		return err
	}
	return verdict(report)
}

// watch shows what changes until all is well: over the last report on a
// terminal, as lines elsewhere, and the whole report in the end.
func (o *validateOptions) watch(ctx context.Context, l *looker) error {
	var subject *preflight.Subject
	var report *preflight.Report
	s := newScreen(o.Program)
	show := o.newWatcher(s)
	err := o.follow.follow(ctx, o.Program, l.target.cluster, l.scope, func(ctx context.Context) (*plan.Facts, bool, error) {
		next, err := l.look(ctx)
		if err != nil {
			return nil, false, err
		}
		found := o.kube.check(ctx, preflight.After(), next, l.options)
		if err := ctx.Err(); err != nil {
			return nil, false, err // what a look that was cut off found is nothing
		}
		subject, report = next, found
		show(report)
		return next.Facts, verdict(report) == nil, nil
	})
	if err != nil && (report == nil || !errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	s.clear()
	if ended := o.finish(subject, report); err == nil {
		return ended
	}
	return withCode(ExitTimeout, fmt.Errorf("waiting for the installation to be as it should be: it was not within %s", o.follow.timeout))
}

// newWatcher shows one report after the other.
func (o *validateOptions) newWatcher(s *screen) func(*preflight.Report) {
	if !o.table() {
		return func(*preflight.Report) {}
	}
	said := map[string]string{}
	return func(r *preflight.Report) {
		if s.redraw {
			var b strings.Builder
			w := s.paper(&b)
			line(w, "%s  looking on; Ctrl-C ends it\n", o.Now().Format(time.TimeOnly))
			printReport(w, r)
			s.show(b.String(), true)
			return
		}
		for _, one := range r.Results {
			if text := string(one.Status) + one.Message; said[one.ID] != text {
				said[one.ID] = text
				line(o.Out, "%s %s %-5s %s", o.Now().Format(time.TimeOnly), glyphs[one.Status], one.Status,
					wrap(one.ID+": "+readable(one.Message), 63, "                 "))
			}
		}
	}
}

// looker takes one look after the other at the same thing.
type looker struct {
	*validateOptions
	target  *target
	options preflight.Options
	scope   cluster.Scope
	// base is what stays the same between two looks.
	base preflight.Subject
}

func (o *validateOptions) looker(ctx context.Context) (*looker, error) {
	l := &looker{validateOptions: o, target: &target{}, scope: o.where.scope(o.kube)}
	err := o.endpoints.resolve(o.Program, &o.registryOptions)
	if err != nil {
		return nil, err
	}
	if l.base.Expect, err = pairs("expect", o.expect); err != nil {
		return nil, err
	}
	switch {
	case o.bundleFile != "" && l.scope.Only != "":
		return nil, withHint(errors.New("reading --namespace: with --bundle the whole installation is looked at"),
			"--plan says what should run in one namespace too")
	case o.bundleFile != "":
		if l.target, err = o.load(ctx); err != nil {
			return nil, err
		}
		l.base.Inputs, l.base.Plan = &l.target.inputs, l.target.plan
	default:
		if l.target.site, err = o.site.read(o.Program); err != nil {
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
	l.options, err = o.checks.options(l.target.site)
	return l, err
}

// look is one whole look.
func (l *looker) look(ctx context.Context) (*preflight.Subject, error) {
	facts, err := l.where.facts(ctx, l.target.cluster, l.scope)
	if err != nil {
		return nil, err
	}
	if err := l.endpoints.known(facts); err != nil {
		return nil, err
	}
	s := l.base
	s.Facts, s.Now = facts, l.Now()
	s.Since, s.Recorded = l.lastUpgrade(ctx, facts)
	if l.planFile != "" { // a store that is gone for good is in no newer plan
		s.Recorded = s.Plan.Claims
	}
	s.Recorded = facts.AcceptClaims(s.Recorded, l.choices.AcceptVolumes)
	deepen(ctx, l.target.cluster, facts, s.Since, l.endpoints.at)
	if s.Plan != nil {
		s.Site = s.Plan.Registry
	} else if s.Site, err = registryOf(l.mirrorOptions, l.target.site, facts); err != nil {
		return &s, nil // nothing names a registry: the checks say so
	}
	own, err := l.client(l.Program, s.Site.MapPushHost())
	if err != nil {
		return nil, err
	}
	s.Registry = &brief{prober: newProber(l.Program, l.registryOptions, s.Site, own)}
	return &s, nil
}

// deepen asks operator and stores themselves.
func deepen(ctx context.Context, c *cluster.Client, f *plan.Facts, since time.Time, at cluster.Endpoints) {
	f.Answers = c.Answers(ctx, f, at)
	var gaps []plan.Gap
	f.LogsRead, f.LogErrors, gaps = c.OperatorLogs(ctx, f, since)
	f.Gaps = append(f.Gaps, gaps...)
}

// lastUpgrade is when the last upgrade began, or else when the operator's
// release was last changed, and the volume claims that its journal recorded. A
// journal that can't be read is a gap in f.
func (l *looker) lastUpgrade(ctx context.Context, f *plan.Facts) (began time.Time, recorded plan.ClaimRecords) {
	if f.Operator != nil {
		began = f.Operator.Updated
	}
	if home(f) == "" {
		return began, nil
	}
	confirmed, err := l.confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		f.Gaps = append(f.Gaps, plan.Gap{What: "journals in " + home(f), Cause: err.Error(), Denied: apierrors.IsForbidden(err), Optional: true})
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
			pods[c.Image][orDash(p.Store)]++
		}
	}
	if len(pods) == 0 {
		return
	}
	line(w, `%s`, "Images as kubectl get pods shows them with -o jsonpath=")
	line(w, `%s`, `  '{.items[*].spec.containers[?(@.name=="minio")].image}'`)
	for _, image := range sortedKeys(pods) {
		line(w, "  %s", printable(image))
		var of []string
		for _, store := range sortedKeys(pods[image]) {
			of = append(of, words.Count(pods[image][store], "pod")+" of "+store)
		}
		line(w, "    %s", wrap(printable(strings.Join(of, ", ")), 76, "    "))
	}
	line(w, "")
}
