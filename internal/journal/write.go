package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Journal is written by one attempt. Run is what all attempts at the plan say
// together; Save writes it into the attempt's own record. It is used by one
// goroutine.
type Journal struct {
	Run

	client    kubernetes.Interface
	namespace string
	name      string
	plan      *plan.Plan
	found     []Run
	records   []record
	confirmed *Confirmed // nil before Confirm
	evidence  Evidence
	object    *core.ConfigMap // as it was written last; nil before
}

// Open reads the journals of a namespace and continues the plan's, or begins
// one. It writes nothing.
func Open(ctx context.Context, client kubernetes.Interface, namespace string, p *plan.Plan, digest string) (*Journal, error) {
	if n := len(p.Steps); n > planLimit {
		return nil, message.Errorf("recording a plan in a journal\nreceived: %d steps\nexpected: at most %d\nhint: --object-store NAMESPACE/NAME chooses stores, the others follow with the next upgrade", n, planLimit)
	}
	records, err := list(ctx, client, namespace)
	if err != nil {
		return nil, err
	}
	j := &Journal{client: client, namespace: namespace, name: recordName(digest), plan: p, records: records, found: merge(records)}
	j.Plan = digest
	j.resume(j.found)
	return j, nil
}

// Confirm leaves out of Found, and of what this run resumes, what the cluster
// does not bear out.
func (j *Journal) Confirm(ev Evidence) {
	j.evidence, j.confirmed = ev, (&Journals{j.records}).Confirm(ev)
	j.found = j.confirmed.Runs
	j.resume(merge(j.confirmed.sound))
	i := slices.IndexFunc(j.found, func(r Run) bool { return r.Plan == j.Plan })
	if i < 0 {
		j.Resumes, j.ChangedBefore, j.FirstBackup, j.Open = "", false, "", nil
		j.Claims, j.Baseline = nil, nil
		return
	}
	r := j.found[i]
	j.Resumes, j.ChangedBefore, j.FirstBackup = r.Resumes, r.ChangedBefore, r.FirstBackup
	j.Claims, j.Baseline = r.Claims, r.Baseline
	if r.Finished { // it binds nobody any more
		j.Claims, j.Baseline = nil, nil
	}
}

// resume continues the plan's run among those that were found, or begins one.
func (j *Journal) resume(found []Run) {
	digest := j.Plan
	j.Run = Run{Plan: digest}
	if i := slices.IndexFunc(found, func(r Run) bool { return r.Plan == digest }); i >= 0 {
		j.Run = found[i]
		j.Steps = slices.Clone(j.Steps)
	}
	j.APIVersion, j.Kind, j.Bundle, j.ResumedBy = plan.APIVersion, j.plan.Kind, j.plan.Bundle.Digest, ""
	for _, s := range j.plan.Steps {
		if j.Step(s.ID) == nil {
			j.Steps = append(j.Steps, StepRecord{ID: s.ID, Action: s.Action, Target: s.Target, From: s.From, To: s.To, Status: StepPending})
		}
	}
}

// recordName is a name that no other attempt has.
func recordName(digest string) string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return "aistor-upgrade-" + Short(digest) + "-" + hex.EncodeToString(b)
}

// Found are all runs that Open found, the newest first; after Confirm those that
// the cluster bears out.
func (j *Journal) Found() []Run { return j.found }

// Name is the ConfigMap with this attempt's record.
func (j *Journal) Name() string { return j.name }

// Begin adds an attempt; Save writes it.
func (j *Journal) Begin(a Attempt) {
	for _, r := range j.records {
		a.Number = max(a.Number, r.newest().Number)
	}
	a.Number = min(a.Number+1, revisionLimit)
	j.Attempts = append(slices.Clip(j.Attempts), a)
}

// Current is the attempt that was begun.
func (j *Journal) Current() *Attempt {
	if len(j.Attempts) == 0 {
		return nil
	}
	return &j.Attempts[len(j.Attempts)-1]
}

// Save writes the attempt's record, and nothing else. A record that somebody
// else has changed meanwhile is an error and stays as it is; one that was
// deleted is written again. Save can be repeated.
func (j *Journal) Save(ctx context.Context) error {
	doc, err := j.encode()
	if err == nil {
		err = j.write(ctx, doc)
	}
	if err != nil {
		return fmt.Errorf("writing journal %q: %w", j.namespace+"/"+j.name, err)
	}
	return nil
}

func (j *Journal) write(ctx context.Context, doc string) error {
	maps := j.client.CoreV1().ConfigMaps(j.namespace)
	if j.object == nil {
		cm := &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{Name: j.name, Namespace: j.namespace, Labels: labels()},
			Data:       map[string]string{key: doc},
		}
		created, err := maps.Create(ctx, cm, meta.CreateOptions{})
		if err == nil {
			j.object = created
		}
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		return j.reread(ctx, doc, doc) // a request that seemed to fail has created it
	}
	next := j.object.DeepCopy()
	next.Data = map[string]string{key: doc}
	updated, err := maps.Update(ctx, next, meta.UpdateOptions{})
	switch {
	case err == nil:
		j.object = updated
	case apierrors.IsNotFound(err): // somebody has tidied up
		j.object = nil
		return j.write(ctx, doc)
	case apierrors.IsConflict(err):
		return j.reread(ctx, j.object.Data[key], doc)
	}
	return err
}

// reread looks why a record cannot be written. Where its text is still the one
// this attempt wrote last, or the one that it was about to write, only labels
// were changed, or an answer was lost: it is written once more.
func (j *Journal) reread(ctx context.Context, last, next string) error {
	maps := j.client.CoreV1().ConfigMaps(j.namespace)
	live, err := maps.Get(ctx, j.name, meta.GetOptions{})
	if err != nil {
		return err
	}
	if text := live.Data[key]; text != last && text != next {
		return errors.New("it was changed by another client and is not overwritten")
	}
	live.Data = map[string]string{key: next}
	updated, err := maps.Update(ctx, live, meta.UpdateOptions{})
	if err == nil {
		j.object = updated
	}
	return err
}

// encode is the text of the attempt's record, inside its limit: long messages
// are cut, and if that is not enough all go, with what only reports want. Of
// thousands of steps those that are over are kept without what nobody compares.
func (j *Journal) encode() (string, error) {
	own := j.Run
	own.Attempts = slices.Clone(own.Attempts[max(0, len(own.Attempts)-1):])
	for i := range own.Attempts {
		own.Attempts[i].Message = Cut(own.Attempts[i].Message)
	}
	own.Steps = slices.Clone(own.Steps)
	for i := range own.Steps {
		own.Steps[i].Message = Cut(own.Steps[i].Message)
	}
	if err := own.check(); err != nil {
		return "", fmt.Errorf("it would be unreadable: %w", err)
	}
	doc, err := json.Marshal(own)
	if err == nil && len(doc) > fullLimit {
		doc, err = json.Marshal(own.lightened())
	}
	if err == nil && len(doc) > sizeLimit {
		doc, err = json.Marshal(own.barest())
	}
	if err == nil && len(doc) > sizeLimit {
		err = message.Errorf("received: %d bytes\nexpected: at most %d", len(doc), sizeLimit)
	}
	return string(doc), err
}
