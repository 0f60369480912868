package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// runOptions carry a plan out, whichever way it leads.
type runOptions struct {
	targetOptions
	checks              checkOptions
	yes                 bool
	dryRun              bool
	overwrite           bool
	rollbackOnFailure   bool
	backupDir           string
	description         string
	maxHistory          int
	timeout             time.Duration
	stabilizationPeriod time.Duration
	deadline            time.Duration
	stopAfter           string
	pull                pullOptions
	reports             reportOptions
	endpoints           endpointOptions
	evidence            *evidence
	fenced              *fencedKube
}

func newRunOptions(p *Program, kube kubeOptions) runOptions {
	return runOptions{
		targetOptions: newTargetOptions(p, kube), backupDir: "aistor-upgrade-backup",
		timeout: 10 * time.Minute, maxHistory: maxHistory(p), evidence: &evidence{},
	}
}

// maxHistory is the number of revisions Helm keeps: what the user set for Helm,
// else Helm's own default.
func maxHistory(p *Program) int {
	if n, err := strconv.Atoi(p.Getenv("HELM_MAX_HISTORY")); err == nil {
		return n
	}
	return 10
}

// addFlags registers what upgrade and rollback share.
func (o *runOptions) addFlags(fs *pflag.FlagSet) {
	o.checks.addOutcomeFlags(fs)
	o.reports.addFlags(fs)
	o.endpoints.addFlags(fs)
	fs.BoolVarP(&o.yes, "yes", "y", false, "skip confirmation")
	fs.BoolVar(&o.dryRun, "dry-run", false, "plan and check only, without changes")
	fs.StringVar(&o.backupDir, "backup-dir", o.backupDir, "backup directory")
	fs.IntVar(&o.maxHistory, "history-max", o.maxHistory, "revisions that Helm keeps of each release; 0 keeps all ($HELM_MAX_HISTORY)")
	fs.DurationVar(&o.timeout, "timeout", o.timeout, "timeout without progress, per step; healing drives are waited for beyond it, up to --deadline")
	fs.DurationVar(&o.stabilizationPeriod, "stabilization-period", 0, "stabilization period: how long object stores must not change after the operator step (default 5s)")
	fs.DurationVar(&o.deadline, "deadline", 0, "start no step that is not expected to finish within this time, such as 2h (default: none)")
	fs.StringVar(&o.stopAfter, "stop-after", "", "pause after this step")
}

// runPhaseChecks runs the checks of one phase, shows what stands out, and stops the
// upgrade where one failed. Nothing was changed by then.
func (o *runOptions) runPhaseChecks(ctx context.Context, t *target, s *preflight.Subject, phase preflight.Phase) error {
	opts, err := o.checks.buildOptions(t.site)
	if err != nil {
		return err
	}
	var checks []preflight.Check
	for _, c := range preflight.PreUpgradeChecks() {
		if c.Phase == phase {
			checks = append(checks, c)
		}
	}
	report := o.kube.runChecks(ctx, checks, s, opts)
	if err := interruptionError(ctx); err != nil {
		return err
	}
	o.evidence.before = append(o.evidence.before, report)
	printFindings(o.Out, report, "plan") // what the plan says stands above
	printLine(o.Out, "preflight: %s", report.Verdict)
	if report.OK() {
		return nil
	}
	return withCode(ExitCheckFailed, withHint(errors.New("checking before the upgrade: see above"),
		"fix the findings, or accept one with --waive ID=REASON"))
}

// confirmationQuestion names what whoever agrees may not mistake: the cluster, and what
// restarts there.
func confirmationQuestion(p *plan.Plan) string {
	pods, times := map[string]int{}, map[string]int{}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			pods[r.Store] = max(pods[r.Store], r.Pods)
			times[r.Store]++
		}
	}
	total, again := 0, ""
	for store, n := range pods {
		total += n
		if times[store] > 1 {
			again = ", some more than once"
		}
	}
	restarts := "No pods of object stores restart."
	if len(pods) > 0 {
		restarts = fmt.Sprintf("It restarts %s of %s%s.", plural.Count(total, "pod"), plural.Count(len(pods), "object store"), again)
	}
	cluster := sanitizeText(cmp.Or(p.Cluster.Name(), "with UID "+p.Cluster.UID))
	return fmt.Sprintf("%s\nRun this plan on cluster %s?", restarts, cluster)
}

// askConfirmation asks a person, or wants --yes where there is none.
func (o *runOptions) askConfirmation(ctx context.Context, p *plan.Plan) error {
	if o.yes {
		return nil
	}
	if !o.isInteractive() {
		return withHint(errors.New("asking for confirmation: standard input is not a terminal"), "add --yes to skip confirmation")
	}
	fmt.Fprint(o.ErrOut, message.Sprintf("\n%s [y/N] ", message.Layout(confirmationQuestion(p))))
	answer := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(o.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(text))
	}()
	select {
	case <-ctx.Done():
		return interruptionError(ctx)
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	}
	return errors.New("nothing was changed")
}
