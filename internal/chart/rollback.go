package chart

import (
	"context"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RollbackOptions say to which revision a release goes back.
type RollbackOptions struct {
	Namespace, Name string
	// Revision is the one to go back to; it must be in the history still.
	Revision int
	// MaxHistory is the number of revisions to keep; 0 keeps all.
	MaxHistory int
	// Timeout is for each of Helm's own requests and hooks; the default is 5
	// minutes. Nothing waits for pods here.
	Timeout time.Duration
}

// Rollback makes a new revision that is like an older one. Like an upgrade it
// is never cut short, and waits for nothing.
func (c *Client) Rollback(ctx context.Context, o RollbackOptions) error {
	id := o.Namespace + "/" + o.Name
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rolling back release %q: %w", id, context.Cause(ctx))
	}
	if o.Revision < 1 { // Helm takes 0 for "the one before"
		return fmt.Errorf("rolling back release %q: received revision %d", id, o.Revision)
	}
	cfg, err := c.actionConfig(o.Namespace)
	if err != nil {
		return fmt.Errorf("rolling back release %q: %w", id, err)
	}
	back := action.NewRollback(cfg)
	back.Version = o.Revision
	back.MaxHistory = o.MaxHistory
	back.Timeout = timeoutOrDefault(o.Timeout)
	if err := back.Run(o.Name); err != nil {
		return fmt.Errorf("rolling back release %q to revision %d: %w", id, o.Revision, err)
	}
	return nil
}

// DeleteRollbackRecord removes the record of the newest revision, which must be a
// rollback that was cut off or failed; nothing else is ever removed. Helm
// compares the target of the next rollback with the newest record, whatever
// its status: with this one it would compare the older manifest with itself,
// and leave behind what only the newer chart had brought.
func (c *Client) DeleteRollbackRecord(ctx context.Context, namespace, name string, revision int) error {
	id := namespace + "/" + name
	names, err := c.listRevisions(ctx, namespace, name)
	if err != nil {
		return err
	}
	newest := names[len(names)-1]
	if newest.revision != revision || len(names) == 1 {
		return fmt.Errorf("deleting an unfinished rollback of release %q: its newest revision is %d, not %d", id, newest.revision, revision)
	}
	client, err := c.newClientset()
	if err != nil {
		return fmt.Errorf("deleting an unfinished rollback of release %q: %w", id, err)
	}
	secrets := client.CoreV1().Secrets(namespace)
	secret, err := secrets.Get(ctx, newest.secret, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("deleting an unfinished rollback of release %q: %w", id, err)
	}
	r, err := DecodeRelease(secret.Data["release"])
	if err != nil {
		return fmt.Errorf("deleting an unfinished rollback of release %q: %w", id, err)
	}
	if !r.UnfinishedRollback() {
		return fmt.Errorf("deleting an unfinished rollback of release %q: revision %d is %s, %q", id, revision, r.Status, r.Description)
	}
	pre := &metav1.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion}
	if err := secrets.Delete(ctx, secret.Name, metav1.DeleteOptions{Preconditions: pre}); err != nil {
		return fmt.Errorf("deleting an unfinished rollback of release %q: %w", id, err)
	}
	return nil
}

// UnfinishedRollback reports whether the revision is a rollback that was cut off
// or failed.
func (r *Release) UnfinishedRollback() bool {
	return r.Status == StatusPendingRollback || r.Status == StatusFailed &&
		(strings.HasPrefix(r.Description, "Rollback ") || r.Description == interruptedWhile+StatusPendingRollback)
}
