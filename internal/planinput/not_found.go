package planinput

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// NoOperatorError says that no release of the operator chart was found. Owner is
// who applies the operator's objects without one, as Argo CD does; nil where
// they do not show it.
type NoOperatorError struct {
	Owner *plan.GitOpsOwner
	// Unseen says that it may be there all the same; nil where everything that
	// would show it was checked.
	Unseen *UnseenError
}

const findingOperator = "finding the operator's release"

// NewNoOperatorError tells from facts that hold no release of the operator who applies
// it in its place.
func NewNoOperatorError(f *plan.Facts) *NoOperatorError {
	var taken []string // what else a manager may be about
	for _, r := range f.Releases {
		taken = append(taken, r.Key())
	}
	taken = append(taken, StoreKeys(f)...)
	i := slices.IndexFunc(f.GitOpsOwners, func(m plan.GitOpsOwner) bool { return !slices.Contains(taken, m.Release) })
	if i < 0 {
		return &NoOperatorError{Unseen: Unseen(f, findingOperator)}
	}
	return &NoOperatorError{Owner: &f.GitOpsOwners[i]}
}

// Error says what was looked for, or who is there in its place.
func (e *NoOperatorError) Error() string {
	if e.Owner != nil {
		return findingOperator + ": " + noReleaseText(*e.Owner, "the operator's objects")
	}
	if e.Unseen != nil {
		return e.Unseen.Error()
	}
	return findingOperator + ": no Helm release of chart " + aistor.OperatorChart + " or " + aistor.OperatorChartOld
}

// Hint names the commands that show what there is, or lead on.
func (e *NoOperatorError) Hint() string {
	if e.Owner != nil {
		return noReleaseHint("--operator")
	}
	if e.Unseen != nil {
		return e.Unseen.Hint()
	}
	return "helm list -A shows the releases; name the operator's namespace with -n, or upgrade your own stores with --stores-only -n NAMESPACE"
}

// NoReleaseError says that a store was asked for that no Helm release owns.
// Owner is as in [NoOperatorError].
type NoReleaseError struct {
	Key   string
	Owner *plan.GitOpsOwner
}

// Error names the store.
func (e *NoReleaseError) Error() string {
	text := "not owned by a Helm release"
	if e.Owner != nil {
		text = noReleaseText(*e.Owner, "it")
	}
	return fmt.Sprintf("finding the release of object store %q: %s", e.Key, text)
}

// Hint names the command that shows what there is, or leads on.
func (e *NoReleaseError) Hint() string {
	if e.Owner != nil {
		return noReleaseHint("--object-store " + e.Key)
	}
	return "helm list -A shows the releases; one that Helm keeps in ConfigMaps (HELM_DRIVER) is not read"
}

// gitOpsOwnerOf is who applies a store that no release owns, nil where that is not
// known.
func gitOpsOwnerOf(f *plan.Facts, key string) *plan.GitOpsOwner {
	i := slices.IndexFunc(f.GitOpsOwners, func(m plan.GitOpsOwner) bool { return m.Release == key })
	if i < 0 {
		return nil
	}
	return &f.GitOpsOwners[i]
}

func noReleaseText(m plan.GitOpsOwner, what string) string {
	return fmt.Sprintf("%s (%s) applies %s without a Helm release and would revert an upgrade made here", m.Tool, m.Reconciler, what)
}

// noReleaseHint leads on where there is nothing that a plan, also one for
// commits, could start from: the installed chart, its values and its manifest
// are read from a release.
func noReleaseHint(which string) string {
	return "helm aistor values " + which + " -f VALUES --bundle BUNDLE --write rewrites the values that it reads; a plan, also with --gitops, needs the chart, values and manifest that a release records"
}
