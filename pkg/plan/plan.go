package plan

import (
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// The kinds of a [Plan] document.
const (
	// KindPlan leads to newer charts.
	KindPlan = "UpgradePlan"
	// KindRollback leads back to revisions that Helm still keeps.
	KindRollback = "RollbackPlan"
)

// Plan is an ordered, reviewable upgrade. It holds no secrets and no clock:
// the same [Inputs] give the same bytes.
type Plan struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Cluster    Cluster      `json:"cluster"`
	Bundle     Bundle       `json:"bundle"`
	Registry   SiteRegistry `json:"registry"`
	Options    Options      `json:"options,omitzero"`
	// Images is everything that has to be in the private registry before the
	// first step that changes the cluster.
	Images []PlannedImage `json:"images"`
	Steps  []Step         `json:"steps"`
	// Claims are the stores' volume claims when the plan was made, so that a
	// volume that is replaced before or during the upgrade is noticed. They are
	// no part of the digest: what is done does not depend on them.
	Claims ClaimRecords `json:"claims,omitempty"`
	// Refusals forbid the plan; Warnings only accompany it.
	Refusals []Notice `json:"refusals,omitempty"`
	Warnings []Notice `json:"warnings,omitempty"`
	// Preflight is what the checks said when the plan was written down; nil
	// where none were made. Like Warnings it is no part of the digest.
	Preflight *PreflightSummary `json:"preflight,omitempty"`
}

// Cluster pins a plan to the cluster it was made for.
type Cluster struct {
	UID     string `json:"uid"`
	Version string `json:"version"`
	// Context and Server say how it was reached, for people. Another client
	// reaches the same cluster by other names, so that they are no part of the
	// plan.
	Context string `json:"-"`
	Server  string `json:"-"`
}

// Name is what people call the cluster: the context in use with the API
// server's address, or the one of them that is known.
func (c Cluster) Name() string {
	if c.Context == "" || c.Server == "" {
		return c.Context + c.Server
	}
	return c.Context + " (" + c.Server + ")"
}

// PlannedImage is one image on its way.
type PlannedImage struct {
	// Source is the public name under which the bundle carries it.
	Source images.Ref `json:"source"`
	// Private is the name under which the nodes will pull it.
	Private images.Ref `json:"private"`
	// Digest is what the private name must resolve to; empty where the
	// bundle does not carry the image.
	Digest string `json:"digest,omitempty"`
	// Manifests are the digests of the platforms' own manifests, by platform:
	// an index that holds them serves as well as Digest itself.
	Manifests map[string]string `json:"manifests,omitempty"`
	Size      int64             `json:"size,omitempty"`
	Reasons   []images.Reason   `json:"reasons,omitempty"`
	// Namespaces whose pods pull it, sorted.
	Namespaces []string `json:"namespaces,omitempty"`
}

// Notice is one thing the reader must know, with what to do about it.
type Notice struct {
	// ID is kebab-case and stable.
	ID      string `json:"id"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Step is one thing that is done, or was done already.
type Step struct {
	// ID is stable across plans for the same work: "operator-5.10.0".
	ID     string `json:"id"`
	Action Action `json:"action"`
	Title  string `json:"title"`
	// Target is namespace/release, or empty.
	Target string `json:"target,omitempty"`
	// Store is namespace/name of the ObjectStore an ActionStore is about.
	Store string `json:"store,omitempty"`
	Why   string `json:"why,omitempty"`
	Risk  string `json:"risk,omitempty"`
	// Reversible says the step can be undone; the opposite is "forward only
	// from here".
	Reversible bool      `json:"reversible"`
	From       *ChartRef `json:"from,omitempty"`
	To         *ChartRef `json:"to,omitempty"`
	// Revision is the one that `helm rollback` makes again; 0 is an upgrade.
	Revision int `json:"revision,omitempty"`
	// Unchanged says chart and values are in place already: the step only
	// waits until what they ask for is ready.
	Unchanged bool `json:"unchanged,omitempty"`
	// Values is the digest of the values that will be applied.
	Values      string      `json:"values,omitempty"`
	ValuesFiles []string    `json:"valuesFiles,omitempty"`
	Edits       []ValueEdit `json:"edits,omitempty"`
	// Objects are those an ActionRecreateBindings deletes.
	Objects []ObjectKey `json:"objects,omitempty"`
	// Restarts are the pods this step may restart.
	Restarts []Restart `json:"restarts,omitempty"`
	// Estimate is the longest this step is expected to take.
	Estimate Duration `json:"estimate,omitempty"`
	// Before and After are the facts the step relies on and leaves.
	Before []Fact `json:"before,omitempty"`
	After  []Fact `json:"after,omitempty"`
}

// RestartStrategy is how the pods of a store restart.
type RestartStrategy string

// The ways in which pods restart.
const (
	OneByOne  RestartStrategy = "one by one"
	AllAtOnce RestartStrategy = "all at once"
)

// Restart is a set of pods that a step may restart.
type Restart struct {
	// Store is namespace/name.
	Store    string          `json:"store"`
	Pods     int             `json:"pods"`
	Strategy RestartStrategy `json:"strategy"`
	// Why names the cause, and whether it was ever observed.
	Why string `json:"why"`
	// Selected says the store is upgraded by this plan anyway.
	Selected bool `json:"selected"`
}

// Fact is one thing that is true on the cluster before or after a step.
type Fact struct {
	// Object and Field name what is compared, Value is its value.
	Object ObjectKey `json:"object"`
	Field  string    `json:"field"`
	Value  string    `json:"value"`
}

// Duration is a time span that is written as Go writes it ("10m0s").
type Duration time.Duration

// MarshalText writes the span as text.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
