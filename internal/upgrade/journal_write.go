package upgrade

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// journal writes one Run. It is used by one goroutine.
type journal struct {
	client    kubernetes.Interface
	namespace string
	patience  time.Duration
	run       Run
	object    *core.ConfigMap
}

// open reads the plan's journal or begins one.
func (j *journal) open(ctx context.Context, p *plan.Plan, digest string) error {
	name := JournalName(digest)
	err := patiently(ctx, j.patience, func(ctx context.Context) (err error) {
		j.object, err = j.client.CoreV1().ConfigMaps(j.namespace).Get(ctx, name, meta.GetOptions{})
		return err
	})
	j.run = Run{APIVersion: plan.APIVersion, Kind: p.Kind, Plan: digest, Bundle: p.Bundle.Digest}
	switch {
	case apierrors.IsNotFound(err):
		j.object = nil
	case err != nil:
		return naming(err, "reading journal", name)
	default:
		if err := json.Unmarshal([]byte(j.object.Data[journalKey]), &j.run); err != nil {
			return naming(err, "reading journal", name)
		}
	}
	for _, s := range p.Steps {
		if j.step(s.ID) == nil {
			j.run.Steps = append(j.run.Steps, StepRecord{ID: s.ID, Action: s.Action, Target: s.Target, From: s.From, To: s.To, Status: StepPending})
		}
	}
	return nil
}

// step is the record of a step, or nil.
func (j *journal) step(id string) *StepRecord {
	for i := range j.run.Steps {
		if j.run.Steps[i].ID == id {
			return &j.run.Steps[i]
		}
	}
	return nil
}

// save writes the journal, whatever else happens: it ignores ctx's end, but
// not its values.
func (j *journal) save(ctx context.Context) error {
	doc, err := j.encode()
	if err != nil {
		return err
	}
	err = patiently(context.WithoutCancel(ctx), j.patience, func(ctx context.Context) error { return j.write(ctx, doc) })
	return naming(err, "writing journal", JournalName(j.run.Plan))
}

func (j *journal) write(ctx context.Context, doc string) error {
	maps := j.client.CoreV1().ConfigMaps(j.namespace)
	if j.object == nil {
		cm := &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{Name: JournalName(j.run.Plan), Namespace: j.namespace, Labels: managedLabels()},
			Data:       map[string]string{journalKey: doc},
		}
		created, err := maps.Create(ctx, cm, meta.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			if err == nil {
				j.object = created
			}
			return err
		}
		// A request that seemed to fail has created it.
		live, err := maps.Get(ctx, cm.Name, meta.GetOptions{})
		if err != nil {
			return err // and live is no object
		}
		j.object = live
	}
	j.object.Data = map[string]string{journalKey: doc}
	updated, err := maps.Update(ctx, j.object, meta.UpdateOptions{})
	if apierrors.IsConflict(err) {
		// The lease is ours, so nobody else writes here; labels may change.
		var live *core.ConfigMap
		if live, err = maps.Get(ctx, j.object.Name, meta.GetOptions{}); err == nil {
			live.Data = map[string]string{journalKey: doc}
			updated, err = maps.Update(ctx, live, meta.UpdateOptions{})
		}
	}
	if apierrors.IsNotFound(err) { // somebody has tidied up
		j.object = nil
		return j.write(ctx, doc)
	}
	if err == nil {
		j.object = updated
	}
	return err
}

// encode keeps the journal inside its limit: long messages are cut, and if
// that is not enough all go, with what only reports want.
func (j *journal) encode() (string, error) {
	if n := len(j.run.Attempts); n > attemptLimit {
		j.run.Attempts = slices.Clone(j.run.Attempts[n-attemptLimit:])
	}
	for i := range j.run.Steps {
		j.run.Steps[i].Message = cut(j.run.Steps[i].Message)
	}
	for i := range j.run.Attempts {
		j.run.Attempts[i].Message = cut(j.run.Attempts[i].Message)
	}
	doc, err := json.Marshal(j.run)
	if err == nil && len(doc) > journalLimit {
		doc, err = json.Marshal(j.run.lightened())
	}
	if err == nil && len(doc) > journalLimit {
		err = message.Errorf("writing journal %q: received: %d bytes\nexpected: at most %d", JournalName(j.run.Plan), len(doc), journalLimit)
	}
	return string(doc), err
}

// cut shortens a message to its limit, at a whole character.
func cut(s string) string {
	if len(s) <= messageLimit {
		return s
	}
	return strings.ToValidUTF8(s[:messageLimit], "") + "…"
}
