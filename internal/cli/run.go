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
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// runOptions carry a plan out, whichever way it leads.
type runOptions struct {
	targetOptions
	checks            checkOptions
	yes               bool
	dryRun            bool
	overwrite         bool
	rollbackOnFailure bool
	backupDir         string
	description       string
	maxHistory        int
	timeout           time.Duration
	settle            time.Duration
	deadline          time.Duration
	stopAfter         string
	pull              pullOptions
	reports           reportOptions
	endpoints         endpointOptions
	seen              *evidence
	fenced            *fencedKube
}

func newRunOptions(p *Program, kube kubeOptions) runOptions {
	return runOptions{
		targetOptions: newTargetOptions(p, kube), backupDir: "aistor-upgrade-backup",
		timeout: 10 * time.Minute, maxHistory: maxHistory(p), seen: &evidence{},
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
	o.checks.addJudgeFlags(fs)
	o.reports.addFlags(fs)
	o.endpoints.addFlags(fs)
	fs.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&o.dryRun, "dry-run", false, "plan and check only; nothing is pushed or changed")
	fs.StringVar(&o.backupDir, "backup-dir", o.backupDir, "folder for backups")
	fs.IntVar(&o.maxHistory, "history-max", o.maxHistory, "revisions that Helm keeps of each release; 0 keeps all ($HELM_MAX_HISTORY)")
	fs.DurationVar(&o.timeout, "timeout", o.timeout, "how long a step may stand still; drives that heal are waited for beyond it, up to --deadline")
	fs.DurationVar(&o.settle, "settle", 0, "how long stores must stay quiet after the operator's step (default 5s)")
	fs.DurationVar(&o.deadline, "deadline", 0, "start no step that would not end within this time, such as 2h (default: none)")
	fs.StringVar(&o.stopAfter, "stop-after", "", "park after this step of the plan")
}

// check runs the checks of one phase, shows what stands out, and stops the
// upgrade where one failed. Nothing was changed by then.
func (o *runOptions) check(ctx context.Context, t *target, s *preflight.Subject, phase preflight.Phase) error {
	opts, err := o.checks.options(t.site)
	if err != nil {
		return err
	}
	var checks []preflight.Check
	for _, c := range preflight.Before() {
		if c.Phase == phase {
			checks = append(checks, c)
		}
	}
	report := o.kube.check(ctx, checks, s, opts)
	if err := interruption(ctx); err != nil {
		return err
	}
	o.seen.before = append(o.seen.before, report)
	printFindings(o.Out, report, "plan") // what the plan says stands above
	line(o.Out, "preflight: %s", report.Verdict)
	if report.OK() {
		return nil
	}
	return withCode(ExitCheckFailed, withHint(errors.New("checking before the upgrade: see above"),
		"mend what is named, or accept a finding with --waive ID=REASON"))
}

// question names what whoever agrees may not mistake: the cluster, and what
// restarts there.
func question(p *plan.Plan) string {
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
		restarts = fmt.Sprintf("It restarts %s of %s%s.", words.Count(total, "pod"), words.Count(len(pods), "object store"), again)
	}
	cluster := printable(cmp.Or(p.Cluster.Name(), "with UID "+p.Cluster.UID))
	return fmt.Sprintf("%s\nCarry this plan out on cluster %s?", restarts, cluster)
}

// confirm asks a person, or wants --yes where there is none.
func (o *runOptions) confirm(ctx context.Context, p *plan.Plan) error {
	if o.yes {
		return nil
	}
	if !o.interactive() {
		return withHint(errors.New("asking for confirmation: standard input is no terminal"), "--yes goes on without asking")
	}
	fmt.Fprint(o.ErrOut, message.Sprintf("\n%s [y/N] ", message.Layout(question(p))))
	answer := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(o.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(text))
	}()
	select {
	case <-ctx.Done():
		return interruption(ctx)
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	}
	return errors.New("nothing was changed")
}
