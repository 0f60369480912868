package plan

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// APIVersion is the version of every document this product writes.
const APIVersion = "upgrade.aistor.dev/v1alpha1"

// KindSite is the kind of a [Site] document.
const KindSite = "Site"

// PullSecretNone says that the nodes pull with credentials of their own, so
// that no pull secret is written into values or looked for.
const PullSecretNone = "none"

// How a private registry is reached: through references rewritten in the
// values, or through the container runtime, which redirects public ones.
const (
	ReferencesRewrite = "rewrite"
	ReferencesKeep    = "keep"
)

// Validate reports what cannot be used.
func (r SiteRegistry) Validate() error {
	switch r.References {
	case "", ReferencesRewrite, ReferencesKeep:
		return r.Mirror.Validate()
	}
	return fmt.Errorf("reading registry: references is %q, expected %s or %s", r.References, ReferencesRewrite, ReferencesKeep)
}

// Site describes one installation, without secrets: it is written on the
// airgapped side, reviewed, and executed to whoever makes the bundle.
type Site struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Registry is where the nodes pull from.
	Registry SiteRegistry `json:"registry"`
	// Platforms of the nodes, such as linux/amd64, sorted.
	Platforms []string `json:"platforms,omitempty"`
	// Kubernetes is the API server's version, for rendering.
	Kubernetes string `json:"kubernetes,omitempty"`
	// Operator is the operator chart's release.
	Operator SiteRelease `json:"operator"`
	// ObjectStores in the order in which they are upgraded.
	ObjectStores []SiteRelease `json:"objectStores,omitempty"`
	// Images are in use, so the private registry has them.
	Images []images.Ref `json:"images,omitempty"`
	// ConfiguredImages are images that the present values ask for but no pod runs now: of
	// features that are on. The registry may lack them.
	ConfiguredImages []images.Ref `json:"configuredImages,omitempty"`
	// Acknowledged names what only a person can do and did, such as
	// bucket-export: see the check manual-backups.
	Acknowledged []string `json:"acknowledged,omitempty"`
	// Waivers accept a failing check, each with its reason.
	Waivers []Waiver `json:"waivers,omitempty"`
}

// SiteRegistry is the private registry with the secret that opens it.
type SiteRegistry struct {
	images.Mirror `json:",inline"`
	// PullSecret is the Secret's name in every namespace that pulls, or
	// [PullSecretNone].
	PullSecret string `json:"pullSecret,omitempty"`
	// References is [ReferencesRewrite] or [ReferencesKeep]. The default is to
	// rewrite.
	References string `json:"references,omitempty"`
}

// KeepsReferences reports whether references stay public, because the nodes' runtime
// redirects them.
func (r SiteRegistry) KeepsReferences() bool { return r.References == ReferencesKeep }

// SiteRelease is one Helm release of the installation.
type SiteRelease struct {
	Namespace string `json:"namespace"`
	// Release is Helm's name for it.
	Release string `json:"release"`
	// Store is the ObjectStore's name; empty for the operator.
	Store string `json:"store,omitempty"`
	// Chart and Version are what is installed.
	Chart   string `json:"chart"`
	Version string `json:"version"`
	// ValuesFile is the user's own file; without it the release's values are
	// taken.
	ValuesFile string `json:"valuesFile,omitempty"`
}

// Waiver accepts one failing check.
type Waiver struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// ParseSite reads a Site document strictly: unknown fields and other kinds are
// errors, since a misspelt key would silently change what is upgraded.
func ParseSite(doc []byte) (*Site, error) {
	var s Site
	if err := UnmarshalDocument(doc, &s); err != nil {
		return nil, fmt.Errorf("reading site: %w", err)
	}
	if s.APIVersion != APIVersion || s.Kind != KindSite {
		return nil, fmt.Errorf("reading site: received %s %s, expected %s %s",
			s.APIVersion, s.Kind, APIVersion, KindSite)
	}
	return &s, nil
}
