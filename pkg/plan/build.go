package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
)

// ErrNothingToDo is returned by [Build] for inputs without a single change.
var ErrNothingToDo = errors.New("planning: no changes to the operator or an object store")

// Build decides what to do, in which order, and what forbids it. It is pure:
// equal inputs give equal plans. What cannot be done appears as a refusal in
// the plan, so that everything that is wrong is seen at once; an error means
// that the inputs make no plan at all.
func Build(in Inputs) (*Plan, error) {
	if in.Facts == nil {
		return nil, errors.New("planning: no facts about the cluster")
	}
	if len(in.Operator)+len(in.Stores)+len(in.License) == 0 {
		return nil, ErrNothingToDo
	}
	p := &Plan{
		APIVersion: APIVersion, Kind: in.planKind(),
		Cluster:  Cluster{UID: in.Facts.ClusterUID, Version: in.Facts.ServerVersion, Context: in.Facts.Context, Server: in.Facts.Server},
		Bundle:   in.Bundle,
		Registry: in.Registry,
		Options:  in.Options,
		Images:   plannedImages(in),
		Claims:   in.Facts.ClaimRecords(),
	}
	p.Steps = buildSteps(in)
	p.Refusals, p.Warnings = evaluateRules(in, p)
	return p, nil
}

// RefusalError reports whether anything forbids the plan, as one error that names
// every refusal, or nil.
func (p *Plan) RefusalError() error {
	var errs []error
	for _, r := range p.Refusals {
		err := message.Errorf("%s", r.Message)
		if r.Hint != "" {
			err = message.Errorf("%s\nhint: %s", r.Message, message.Layout(message.Block(r.Hint)))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Digest identifies the plan by what is done. Warnings, Preflight and Claims
// don't count; [Plan.DiffersFrom] compares warnings too.
func (p *Plan) Digest() string {
	silent := *p
	silent.Warnings, silent.Preflight, silent.Claims = nil, nil, nil
	return digestOf(&silent)
}

// orderedChanges is every change in the order in which it is executed.
func (in Inputs) orderedChanges() []Change {
	if in.isRollback() {
		return slices.Concat(in.Stores, in.Operator)
	}
	return slices.Concat(in.Operator, in.Stores)
}

// isRollback reports whether the changes are rollbacks.
func (in Inputs) isRollback() bool {
	back := func(c Change) bool { return c.Revision > 0 }
	return slices.ContainsFunc(in.Operator, back) || slices.ContainsFunc(in.Stores, back)
}

func (in Inputs) planKind() string {
	if in.isRollback() {
		return KindRollback
	}
	return KindPlan
}

// operatorTarget is the last operator change, which the chain leads to, or nil.
func (in Inputs) operatorTarget() *Change {
	if len(in.Operator) == 0 {
		return nil
	}
	return &in.Operator[len(in.Operator)-1]
}

// selectsStore reports whether the plan upgrades store namespace/name anyway.
func (in Inputs) selectsStore(store string) bool {
	return slices.ContainsFunc(in.Stores, func(c Change) bool { return c.StoreKey() == store })
}

// Key is namespace/release.
func (c Change) Key() string { return c.Namespace + "/" + c.Release }

// StoreKey is namespace/name of the ObjectStore, or empty for the operator.
func (c Change) StoreKey() string {
	if c.Store == "" {
		return ""
	}
	return c.Namespace + "/" + c.Store
}

// Key is namespace/name.
func (s Store) Key() string { return s.Namespace + "/" + s.Name }

// Key is namespace/name.
func (r InstalledRelease) Key() string { return r.Namespace + "/" + r.Name }

// ValuesDigest identifies values without giving them away: what
// [redact.Certain] takes out counts as present, never by its content, since a
// digest of a short password can be guessed.
func ValuesDigest(values map[string]any) string { return digestOf(redact.Certain(values)) }

// digestOf relies on encoding/json, which sorts the keys of maps.
func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// Only values that no YAML or JSON document holds, such as channels,
		// cannot be encoded.
		panic(fmt.Sprintf("plan: encoding %T: %v", v, err))
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// HasChanges reports whether carrying the plan out would change a release.
func (p *Plan) HasChanges() bool {
	for _, s := range p.Steps {
		if !s.Unchanged && s.Action.ChangesInstallation() {
			return true
		}
	}
	return false
}
