package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// CredentialError says that a step would change the root login, keys or
// certificates of an object store as they are now, which nobody accepted: a live
// Secret was changed after the plan was made.
type CredentialError struct{ Changes []plan.CredentialChange }

// Error has one line for each kind of credentials. It shows none of them.
func (e *CredentialError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *CredentialError) Lines() []string {
	lines := []string{"the credentials of an object store are not those that the plan was made for"}
	for _, c := range e.Changes {
		lines = append(lines, message.Line(c.String()))
	}
	return lines
}

// refuseCredentialChanges reads the Secrets again that a store's step concerns. The
// plan was refused for every change that nobody accepted: one that is found now
// is new.
func (e *Executor) refuseCredentialChanges(ctx context.Context, s plan.Step) error {
	if s.Store == "" {
		return nil
	}
	c, err := changeOf(e.inputs, s)
	if err != nil {
		return err
	}
	planned := e.inputs.Facts
	if planned == nil {
		planned = &plan.Facts{}
	}
	facts := plan.Facts{Stores: slices.Clone(planned.Stores)}
	for _, now := range e.watch.Snapshot().Stores {
		i := slices.IndexFunc(facts.Stores, func(o plan.Store) bool { return o.Key() == now.Key() })
		if i >= 0 && now.Object != nil {
			facts.Stores[i] = now
		}
	}
	in := *e.inputs
	in.Facts, in.Stores = &facts, []plan.Change{*c}
	wanted := in.CredentialSecrets()
	if len(wanted) == 0 {
		return nil
	}
	err = retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) error {
		facts.StoreSecrets, facts.Gaps = nil, nil
		return e.deps.Cluster.AddStoreSecrets(ctx, &facts, wanted)
	})
	if err != nil {
		return fmt.Errorf("reading the credentials of %s: %w", s.Store, err)
	}
	if refused := in.RefusedCredentialChanges(); len(refused) > 0 {
		return &CredentialError{refused}
	}
	return nil
}
