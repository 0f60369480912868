package workflow

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

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// RunOptions carry a plan out, whichever way it leads.
type RunOptions struct {
	TargetOptions
	Checks              option.Checks
	yes                 bool
	DryRun              bool
	Overwrite           bool
	RollbackOnFailure   bool
	backupDir           string
	Description         string
	maxHistory          int
	timeout             time.Duration
	stabilizationPeriod time.Duration
	deadline            time.Duration
	stopAfter           string
	Pull                option.Pull
	Reports             option.Report
	Endpoints           option.Endpoints
	Evidence            *evidence
	fenced              *fencedKube
}

// NewRunOptions sets the defaults of the flags.
func NewRunOptions(p *term.Program, kube option.Kube) RunOptions {
	return RunOptions{
		TargetOptions: NewTargetOptions(p, kube), backupDir: "aistor-upgrade-backup",
		timeout: 10 * time.Minute, maxHistory: maxHistory(p), Evidence: &evidence{},
	}
}

// maxHistory is the number of revisions Helm keeps: what the user set for Helm,
// else Helm's own default.
func maxHistory(p *term.Program) int {
	if n, err := strconv.Atoi(p.Getenv("HELM_MAX_HISTORY")); err == nil {
		return n
	}
	return 10
}

// AddFlags registers what upgrade and rollback share.
func (o *RunOptions) AddFlags(fs *pflag.FlagSet) {
	o.Checks.AddOutcomeFlags(fs)
	o.Checks.AddAcknowledgeFlag(fs)
	o.Reports.AddFlags(fs)
	o.Endpoints.AddFlags(fs)
	fs.BoolVarP(&o.yes, "yes", "y", false, "skip confirmation")
	fs.BoolVar(&o.DryRun, "dry-run", false, "plan and check only, without changes")
	fs.StringVar(&o.backupDir, "backup-dir", o.backupDir, "backup directory")
	fs.IntVar(&o.maxHistory, "history-max", o.maxHistory, "revisions that Helm keeps of each release; 0 keeps all ($HELM_MAX_HISTORY)")
	fs.DurationVar(&o.timeout, "timeout", o.timeout, "timeout without progress, per step; healing drives are waited for beyond it, up to --deadline")
	fs.DurationVar(&o.stabilizationPeriod, "stabilization-period", 0, "stabilization period: how long object stores must not change after the operator step (default 5s)")
	fs.DurationVar(&o.deadline, "deadline", 0, "start no step that is not expected to finish within this time, such as 2h (default: none)")
	fs.StringVar(&o.stopAfter, "stop-after", "", "pause after this step")
}

// RunPhaseChecks runs the checks of one phase, shows what stands out, and stops the
// upgrade where one failed. Nothing was changed by then.
func (o *RunOptions) RunPhaseChecks(ctx context.Context, t *Target, s *preflight.Subject, phase preflight.Phase) error {
	opts, err := o.Checks.BuildOptions(t.Site)
	if err != nil {
		return err
	}
	s.Acknowledged = o.Checks.AcknowledgedFor(t.Site)
	report := o.Kube.RunChecks(ctx, preflight.FilterByPhase(preflight.PreUpgradeChecks(), phase), s, opts)
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	o.Evidence.Before = append(o.Evidence.Before, report)
	display.PrintFindings(o.Out, report, "plan") // what the plan says stands above
	term.PrintLine(o.Out, "preflight: %s", report.Verdict)
	if report.OK() {
		return nil
	}
	return term.WithCode(term.ExitCheckFailed, term.WithHint(errors.New("checking before the upgrade: see above"),
		"fix the findings, or accept one with --waive ID=REASON"))
}

// ConfirmationQuestion names what whoever agrees may not mistake: the cluster, and what
// restarts there.
func ConfirmationQuestion(p *plan.Plan) string {
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
	cluster := term.SanitizeText(cmp.Or(p.Cluster.Name(), "with UID "+p.Cluster.UID))
	return fmt.Sprintf("%s\nRun this plan on cluster %s?", restarts, cluster)
}

// AskConfirmation asks a person, or wants --yes where there is none.
func (o *RunOptions) AskConfirmation(ctx context.Context, p *plan.Plan) error {
	if o.yes {
		return nil
	}
	if !o.IsInteractive() {
		return term.WithHint(errors.New("asking for confirmation: standard input is not a terminal"), "add --yes to skip confirmation")
	}
	fmt.Fprint(o.ErrOut, message.Sprintf("\n%s [y/N] ", message.Layout(ConfirmationQuestion(p))))
	answer := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(o.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(text))
	}()
	select {
	case <-ctx.Done():
		return term.InterruptionError(ctx)
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	}
	return errors.New("nothing was changed")
}
