package preflight

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// RegistryStatus is what the private registry said of one image.
type RegistryStatus struct {
	// Present is yes, no or unknown; Cause says why it is not known.
	Present string `json:"present"`
	Cause   string `json:"cause,omitempty"`
	// Hint is what would let the registry be asked, if anything is known to.
	Hint string `json:"hint,omitempty"`
	// Digest is what the reference resolves to.
	Digest    string   `json:"digest,omitempty"`
	Platforms []string `json:"platforms,omitempty"`
}

// The words of [Holding.Present].
const (
	PresentYes     = "yes"
	PresentNo      = "no"
	PresentUnknown = "unknown"
)

// QueryRegistry asks the registry of s for the private reference of every image, in
// their order: with the user's own credentials, and where these are refused
// with the pull secrets of the namespaces that pull it. A registry that cannot
// be asked answers unknown.
func QueryRegistry(ctx context.Context, s *Subject, list []plan.PlannedImage) []RegistryStatus {
	out := make([]RegistryStatus, len(list))
	if s.Registry == nil {
		for i := range out {
			out[i] = RegistryStatus{Present: PresentUnknown, Cause: "private registry unknown; set --registry or --site"}
		}
		return out
	}
	questions := make([]registryQuery, len(list))
	for i, img := range list {
		questions[i] = registryQuery{img.Private, append([][]byte{nil}, secretsFor(s, img)...)}
	}
	answers := queryAll(ctx, s.Registry, questions)
	for i, q := range questions {
		a := answers[q.cacheKey()]
		switch kind := kindOfError(a.err); {
		case a.err == nil:
			out[i] = RegistryStatus{Present: PresentYes, Digest: a.found.Digest, Platforms: a.found.Platforms}
		case kind == KindNotFound || kind == KindNameUnknown:
			out[i] = RegistryStatus{Present: PresentNo}
		default:
			_, line, _ := describeRefusal(a.err, q.ref)
			out[i] = RegistryStatus{Present: PresentUnknown, Cause: line, Hint: hintOf(a.err)}
		}
	}
	return out
}
