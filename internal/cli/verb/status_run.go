package verb

import (
	"context"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// lastRun is the newest run with whether somebody carries it out now; nil where
// there was no upgrade yet.
func lastRun(ctx context.Context, client kubernetes.Interface, f *plan.Facts, now time.Time) (*display.RunStatus, error) {
	all, err := journal.Read(ctx, client, workflow.JournalNamespace(f))
	if err != nil {
		return nil, err
	}
	run := newestRun(all.Confirm(journal.EvidenceOf(f)))
	if run == nil {
		return nil, nil
	}
	holder := ""
	if run.Result() == "" { // only then the lease tells running from killed
		if holder, err = lease.CurrentHolder(ctx, client, workflow.JournalNamespace(f), now); err != nil {
			return nil, err
		}
	}
	return display.RunStatusOf(*run, holder), nil
}

// newestRun is the newest of runs that the cluster does not contradict. One that
// changed nothing does not hide an unfinished one, unless it resumed that.
func newestRun(c *journal.Confirmed) *journal.Run {
	runs := c.Possible()
	if len(runs) == 0 {
		return nil
	}
	newest := &runs[0]
	if i := slices.IndexFunc(c.Runs, func(r journal.Run) bool { return r.Plan == newest.Plan }); i >= 0 {
		newest = &c.Runs[i]
	}
	if last := journal.Unfinished(c.Runs); last != nil && newest.Resumes != last.Plan {
		return last
	}
	return newest
}
