package planinput

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// UnseenError says that what was looked for may be where nobody could look.
type UnseenError struct {
	// Doing is what failed: "finding the operator's release".
	Doing string
	// Gaps are the looks that failed, at least one.
	Gaps []plan.Gap
}

// unusedGaps are resources without which every release and store is found.
var unusedGaps = []string{"nodes", "mutatingwebhookconfigurations", "clusterrolebindings", "rolebindings", "services", "endpointslices",
	"poddisruptionbudgets", "serviceaccounts", "events", "persistentvolumeclaims", "persistentvolumes", "customresourcedefinitions", "namespaces"}

// Unseen says that what was looked for may be where nobody could look; nil where
// all was seen that shows releases and stores.
func Unseen(f *plan.Facts, doing string) *UnseenError {
	if gaps := f.OpenGaps(unusedGaps...); len(gaps) > 0 {
		return &UnseenError{Doing: doing, Gaps: gaps}
	}
	return nil
}

// Error names the first of what could not be read.
func (e *UnseenError) Error() string {
	more := ""
	if n := len(e.Gaps) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more errors)", n)
	}
	return message.Sprintf("%s: %s could not be read: %s", e.Doing, e.Gaps[0].Subject, e.Gaps[0].Cause) + more
}

// Hint names the right that is missing.
func (e *UnseenError) Hint() string {
	for _, g := range e.Gaps {
		if remedy := g.Remedy(); remedy != "" {
			return remedy + " shows whether you may; helm aistor plan --bundle FILE -o roles, run by an administrator, writes the roles; -n NAMESPACE looks at one namespace alone"
		}
	}
	return "check your identity with: kubectl auth whoami"
}
