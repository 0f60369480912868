package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// ManagedBy is the value of app.kubernetes.io/managed-by on the lease and
	// on every journal.
	ManagedBy = "aistor-upgrade"
	// journalKey is the key of a journal's ConfigMap.
	journalKey = "run.json"
	// journalLimit keeps a journal far below what etcd takes (1 MiB).
	journalLimit = 200_000
	// messageLimit is the length of one message in a journal.
	messageLimit = 1_000
	// attemptLimit is the number of attempts a journal remembers.
	attemptLimit = 20
)

// Run is one journal: everything that was done for one plan, over all
// attempts. It holds no secrets.
type Run struct {
	APIVersion string `json:"apiVersion"`
	// Kind is the plan's; empty in journals of older versions, which only
	// upgraded.
	Kind     string    `json:"kind,omitempty"`
	Plan     string    `json:"plan"`
	Bundle   string    `json:"bundle,omitempty"`
	Attempts []Attempt `json:"attempts"`
	// Baseline is the health each store had before the first attempt.
	Baseline map[string]string `json:"baseline,omitempty"`
	// Claims are the volume claims of each store before the first attempt.
	Claims plan.ClaimRecords `json:"claims,omitempty"`
	Steps  []StepRecord      `json:"steps"`
	// Availability is what was seen of the stores in all attempts.
	Availability []Availability `json:"availability,omitempty"`
	// Pods are what was seen of single pods in all attempts.
	Pods []PodTimeline `json:"pods,omitempty"`
	// Orphans are bindings that a killed run of another plan left deleted.
	Orphans []images.Object `json:"orphans,omitempty"`
	// Backup is the folder of this plan's backup.
	Backup string `json:"backup,omitempty"`
	// Resumes is the plan of the unfinished run that this one goes on from. It
	// had changed the cluster, as ChangedBefore says, and FirstBackup is from
	// before that. ResumedBy is the plan that went on from this one.
	Resumes       string `json:"resumes,omitempty"`
	ResumedBy     string `json:"resumedBy,omitempty"`
	ChangedBefore bool   `json:"changedBefore,omitempty"`
	FirstBackup   string `json:"firstBackup,omitempty"`
	// Open are releases that the resumed run changed without seeing how that
	// ended: what looks ready there may not have reacted yet.
	Open []string `json:"open,omitempty"`
}

// Attempt is one start of the executor.
type Attempt struct {
	Identity string    `json:"identity,omitempty"`
	Holder   string    `json:"holder,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
	// Result is done, parked, stopped or interrupted; empty means that the
	// attempt is under way or was killed.
	Result  string `json:"result,omitempty"`
	Message string `json:"message,omitempty"`
	// Findings are the checks that did not pass, in the order of the checks.
	Findings []Finding `json:"findings,omitempty"`
}

// StepRecord is what a journal knows of one step.
type StepRecord struct {
	ID      string      `json:"id"`
	Action  plan.Action `json:"action"`
	Target  string      `json:"target,omitempty"`
	From    *plan.Chart `json:"from,omitempty"`
	To      *plan.Chart `json:"to,omitempty"`
	Status  StepStatus  `json:"status"`
	Attempt int         `json:"attempt,omitempty"`
	Started time.Time   `json:"started,omitzero"`
	Ended   time.Time   `json:"ended,omitzero"`
	Message string      `json:"message,omitempty"`
	// Changed says a request that changes the cluster was sent.
	Changed bool `json:"changed,omitempty"`
	// Before is the release's revision before the newest Helm operation, and
	// Calling says that its end was not seen. Called is when it began.
	Before  int       `json:"before,omitempty"`
	Calling bool      `json:"calling,omitempty"`
	Called  time.Time `json:"called,omitzero"`
	// Own are the revisions that this step made.
	Own []int `json:"own,omitempty"`
	// Saved are the bindings a mend step deleted.
	Saved []images.Object `json:"saved,omitempty"`
}

// JournalName is the ConfigMap of the journal for a plan's digest.
func JournalName(planDigest string) string { return "aistor-upgrade-" + short(planDigest) }

// short is the beginning of a digest, long enough for names.
func short(digest string) string {
	d := digest[strings.LastIndexByte(digest, ':')+1:]
	return d[:min(12, len(d))]
}

func managedLabels() map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": ManagedBy}
}

// ReadJournals reads all journals of a namespace, the one started last first.
// ConfigMaps that carry the label but no readable journal are left out.
func ReadJournals(ctx context.Context, client kubernetes.Interface, namespace string) ([]Run, error) {
	maps, err := client.CoreV1().ConfigMaps(namespace).List(ctx, meta.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=" + ManagedBy})
	if err != nil {
		return nil, fmt.Errorf("reading journals in %q: %w", namespace, err)
	}
	var runs []Run
	for _, cm := range maps.Items {
		var r Run
		if json.Unmarshal([]byte(cm.Data[journalKey]), &r) == nil && r.Plan != "" {
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(b.started(), a.started()) })
	return runs, nil
}

func (r Run) started() int64 {
	if len(r.Attempts) == 0 {
		return 0
	}
	return r.Attempts[len(r.Attempts)-1].Started.UnixNano()
}

// Changed reports whether any attempt, or the run this one goes on from,
// changed the cluster.
func (r Run) Changed() bool {
	return r.ChangedBefore || slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.Changed })
}

// owns reports whether this run made a revision of a release. An operation
// whose end nobody saw made the revision that follows the one before it.
func (r Run) owns(target string, revision int) bool {
	return slices.ContainsFunc(r.Steps, func(s StepRecord) bool {
		return s.Target == target && s.made(revision)
	})
}

// made reports whether a revision is one of the step's.
func (s StepRecord) made(revision int) bool {
	return slices.Contains(s.Own, revision) || s.Calling && revision == s.Before+1
}
