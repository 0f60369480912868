package upgrade

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// claimLimit is how many volume claims a journal records one by one; of more it
// keeps one digest for each store.
const claimLimit = 1000

// DeletionError says that something of the installation is being deleted, or
// that volumes of an object store were: no pod may restart then, for a claim
// that is marked for deletion goes with its pod.
type DeletionError struct {
	Deletions []plan.Deletion
	// Now is when they were seen.
	Now time.Time
}

// Error has one line for each object.
func (e *DeletionError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *DeletionError) Lines() []string {
	const most = 8
	lines := []string{"no pod is restarted while objects of the installation are being deleted"}
	for i, d := range e.Deletions {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more", len(e.Deletions)-most))
		}
		lines = append(lines, message.Line(d.Text(e.Now)))
	}
	return lines
}

// hint is the command that shows what is being deleted and what helps.
func (e *DeletionError) hint() string {
	return "kubectl aistor-upgrade preflight --only nothing-deleting,volumes-kept,volumes-bound"
}

// recordClaims keeps the volume claims of each store as they were before the
// first attempt that changed anything: what was replaced before that was not
// replaced by an upgrade.
func (e *Executor) recordClaims() {
	r := &e.journal.Run
	recorded := e.facts.AcceptClaims(r.Claims, e.plan.Options.AcceptVolumes)
	if recorded == nil || !r.Changed() {
		recorded = plan.ClaimRecords{}
	}
	for _, seen := range []plan.ClaimRecords{e.plan.Claims, e.facts.ClaimRecords()} {
		for store, claims := range seen {
			if _, known := recorded[store]; !known {
				recorded[store] = maps.Clone(claims)
			}
		}
	}
	r.Claims = recorded.Summary(claimLimit)
}

// deletionsFresh is how old an answer may be when a release is changed.
const deletionsFresh = 5 * time.Second

// refuseDeletions looks again at what a step is about, and refuses it where
// something is being deleted or a volume claim is not the recorded one. Nothing
// that was accepted before counts here.
func (e *Executor) refuseDeletions(ctx context.Context, s plan.Step) error {
	namespaces, objects := e.affected(s)
	asked := e.opts.Now()
	var f *plan.Facts
	err := retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		f, err = e.deps.Cluster.Deletions(ctx, Scope{Namespaces: namespaces}, objects)
		return err
	})
	if err != nil {
		return fmt.Errorf("checking for objects being deleted: %w", err)
	}
	recorded := maps.Clone(e.journal.Run.Claims)
	maps.DeleteFunc(recorded, func(store string, _ map[string]plan.ClaimID) bool {
		namespace, _, _ := strings.Cut(store, "/")
		return !slices.Contains(namespaces, namespace)
	})
	if found := slices.DeleteFunc(f.DeletionsSince(recorded), e.removedByUs); len(found) > 0 {
		return &DeletionError{Deletions: found, Now: e.opts.Now()}
	}
	for _, g := range f.Gaps {
		if !g.Optional || !g.Denied {
			return fmt.Errorf("looking for objects that are being deleted: %s: %s", g.Subject, g.Cause)
		}
	}
	e.deletionsRead = asked
	return nil
}

// lookAnew refuses a step by what the cluster is like right before it changes
// anything.
func (e *Executor) lookAnew(ctx context.Context, s plan.Step) error {
	if err := e.refuseDeletions(ctx, s); err != nil {
		return err
	}
	return e.refuseCredentialChanges(ctx, s)
}

// lookAnewLater is lookAnew where the last answer is not of just now: the API
// server may have been away in between.
func (e *Executor) lookAnewLater(ctx context.Context, s plan.Step) error {
	if e.opts.Now().Sub(e.deletionsRead) <= deletionsFresh {
		return nil
	}
	return e.lookAnew(ctx, s)
}

// affected are the namespaces and the installed objects that a step is about:
// one store's, or those of the whole installation, because the operator may
// restart every store.
func (e *Executor) affected(s plan.Step) (namespaces []string, objects []plan.ObjectKey) {
	objects = []plan.ObjectKey{{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: aistor.CRDObjectStores}}
	namespaces = e.watchScope().Namespaces
	if s.Store != "" {
		namespace, _, _ := strings.Cut(s.Store, "/")
		namespaces = []string{namespace}
	}
	for _, c := range slices.Concat(e.inputs.Operator, e.inputs.Stores) {
		if s.Store != "" && c.Key() != s.Target {
			continue
		}
		for _, o := range c.Before {
			if k := plan.KeyOf(o, c.Namespace); k.Kind != "" && !slices.Contains(objects, k) {
				objects = append(objects, k)
			}
		}
	}
	return namespaces, objects
}

// claimsInDanger are the deletions that a watch shows while pods restart: claims
// of a step's stores that are marked, gone or replaced, and stores that are
// marked.
func (e *Executor) claimsInDanger(s plan.Step, f *plan.Facts) error {
	found := f.ReplacedClaims(e.journal.Run.Claims)
	if marksData(f) {
		found = append(found, slices.DeleteFunc(f.Deletions(), func(d plan.Deletion) bool {
			return d.State != plan.DeletionMarked || d.Object.Kind != "PersistentVolumeClaim" && d.Object.Kind != "ObjectStore"
		})...)
	}
	found = slices.DeleteFunc(found, func(d plan.Deletion) bool { return s.Store != "" && !slices.Contains(d.Stores, s.Store) })
	if len(found) == 0 {
		return nil
	}
	err := &DeletionError{Deletions: found, Now: e.opts.Now()}
	e.alarm = "volume claims are being deleted"
	text := found[0].Text(err.Now)
	if more := len(found) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	e.emitMessage(s.ID, EventAlarm, text+"; the operator may still restart pods, and no further step begins")
	return err
}

// marksData reports whether a claim or an object store is marked for deletion.
func marksData(f *plan.Facts) bool {
	return slices.ContainsFunc(f.Claims, func(c plan.Claim) bool { return !c.Terminating.IsZero() }) ||
		slices.ContainsFunc(f.Stores, func(s plan.Store) bool { return !s.Terminating.IsZero() })
}
