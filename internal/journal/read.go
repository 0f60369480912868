package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// ManagedBy is the value of app.kubernetes.io/managed-by on every journal.
	ManagedBy = "aistor-upgrade"
	// key is the key of a record in its ConfigMap.
	key = "run.json"
	// attemptLimit is the number of attempts that a run remembers.
	attemptLimit = 20
)

func labels() map[string]string { return map[string]string{"app.kubernetes.io/managed-by": ManagedBy} }

// List reads all journals of a namespace and merges the records of all attempts
// at one plan. The run started last comes first. ConfigMaps that carry the label
// but no record that this program can have written are left out.
func List(ctx context.Context, client kubernetes.Interface, namespace string) ([]Run, error) {
	j, err := Read(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	return j.Runs(), nil
}

// Journals are the records of all attempts in a namespace, as they stand there.
type Journals struct{ records []record }

// Read reads all journals of a namespace, as [List] does.
func Read(ctx context.Context, client kubernetes.Interface, namespace string) (*Journals, error) {
	records, err := list(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	return &Journals{records}, nil
}

// Runs are what the records say, whether that is true or not; the run started
// last comes first.
func (j *Journals) Runs() []Run { return merge(j.records) }

// record is what one attempt wrote.
type record struct {
	name, namespace, uid, version string

	created time.Time // by the API server's clock
	run     Run
}

func list(ctx context.Context, client kubernetes.Interface, namespace string) ([]record, error) {
	all, err := client.CoreV1().ConfigMaps(namespace).List(ctx, meta.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=" + ManagedBy})
	if err != nil {
		return nil, fmt.Errorf("reading journals in %q: %w", namespace, err)
	}
	var out []record
	for i := range all.Items {
		if r, err := decode(&all.Items[i]); err == nil {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, record.compare)
	return out, nil
}

func decode(cm *core.ConfigMap) (record, error) {
	r := record{name: cm.Name, namespace: cm.Namespace, uid: string(cm.UID), version: cm.ResourceVersion, created: cm.CreationTimestamp.Time}
	doc := cm.Data[key]
	if len(doc) > sizeLimit {
		return r, errors.New("it is too large")
	}
	if err := json.Unmarshal([]byte(doc), &r.run); err != nil {
		return r, err
	}
	return r, r.run.check()
}

// compare sorts the oldest first. The API server's clock is one for all, that
// of attempts is each machine's own.
func (r record) compare(o record) int {
	a, b := r.newest(), o.newest()
	return cmp.Or(r.created.Compare(o.created), cmp.Compare(a.Number, b.Number), a.Started.Compare(b.Started), cmp.Compare(r.name, o.name))
}

// newest is the record's newest attempt.
func (r record) newest() Attempt { return r.run.Attempts[len(r.run.Attempts)-1] }

// merge makes runs, the newest first, of records, the oldest first.
func merge(records []record) []Run {
	var runs []Run // the oldest first
	for _, r := range records {
		run := r.run
		if i := slices.IndexFunc(runs, func(o Run) bool { return o.Plan == run.Plan }); i >= 0 {
			run = runs[i].followedBy(run)
			runs = slices.Delete(runs, i, i+1)
		}
		run.ResumedBy = ""
		if i := slices.IndexFunc(runs, func(o Run) bool { return o.Plan == run.Resumes }); i >= 0 && runs[i].ResumedBy == "" {
			runs[i].ResumedBy = run.Plan
		}
		runs = append(runs, run)
	}
	slices.Reverse(runs)
	return runs
}

// followedBy is what a run and a later attempt at the same plan say together:
// the later one carries over what it found, and whatever either did was done.
func (r Run) followedBy(next Run) Run {
	out := next
	out.Attempts = slices.Concat(r.Attempts, next.Attempts)
	out.Attempts = out.Attempts[max(0, len(out.Attempts)-attemptLimit):]
	out.ChangedBefore = r.ChangedBefore || next.ChangedBefore
	out.Kind, out.Bundle = cmp.Or(next.Kind, r.Kind), cmp.Or(next.Bundle, r.Bundle)
	out.Resumes = cmp.Or(next.Resumes, r.Resumes)
	out.Backup, out.FirstBackup = cmp.Or(next.Backup, r.Backup), cmp.Or(next.FirstBackup, r.FirstBackup)
	out.Baseline = maps.Clone(next.Baseline)
	if out.Baseline == nil && len(r.Baseline) > 0 {
		out.Baseline = map[string]string{}
	}
	maps.Copy(out.Baseline, r.Baseline) // from before the first attempt
	if len(r.Claims) > 0 && r.Changed() {
		out.Claims = r.Claims // from before the first attempt that changed anything
	}
	if next.Availability == nil {
		out.Availability = r.Availability
	}
	if next.Pods == nil {
		out.Pods = r.Pods
	}
	out.Steps = slices.Clone(r.Steps)
	for _, s := range next.Steps {
		if was := out.Step(s.ID); was != nil {
			*was = was.followedBy(s)
		} else {
			out.Steps = append(out.Steps, s)
		}
	}
	return out
}

func (s StepRecord) followedBy(next StepRecord) StepRecord {
	out := next
	out.Attempt = max(s.Attempt, next.Attempt)
	out.Changed = s.Changed || next.Changed
	out.Own = slices.Concat(s.Own, next.Own)
	slices.Sort(out.Own)
	out.Own = slices.Compact(out.Own)
	out.Begun = maps.Clone(s.Begun)
	if out.Begun == nil {
		out.Begun = next.Begun
	}
	maps.Copy(out.Begun, next.Begun)
	out.Saved = slices.Clone(next.Saved)
	for _, o := range s.Saved {
		name := plan.KeyOf(o, "")
		if !slices.ContainsFunc(out.Saved, func(n images.Object) bool { return plan.KeyOf(n, "") == name }) {
			out.Saved = append(out.Saved, o)
		}
	}
	return out
}
