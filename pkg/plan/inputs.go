package plan

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Inputs are everything [Build] decides from.
type Inputs struct {
	Facts  *Facts
	Bundle Bundle
	// Registry is where images will be pulled from, with its secret.
	Registry SiteRegistry
	// Operator are the operator release's changes in order: one, or one per
	// intermediate version and the target last. Empty means no change.
	Operator []Change
	// Stores are the object store releases' changes in the order in which
	// they are executed.
	Stores  []Change
	Options Options
	// License replaces the one in a Secret that no release owns. A release's
	// own license is among the values of its change instead.
	License Sensitive
}

// Options are the user's choices.
type Options struct {
	// RecreateBindings deletes bindings whose role changes instead of using an
	// intermediate version.
	RecreateBindings bool `json:"recreateBindings,omitempty"`
	// Push is "auto", "never" or "always". The default is auto.
	Push string `json:"push,omitempty"`
	// AllowDowngrade accepts a target older than what is installed.
	AllowDowngrade bool `json:"allowDowngrade,omitempty"`
	// AcceptRestart and AcceptDowntime name stores as namespace/name.
	AcceptRestart  []string `json:"acceptRestart,omitempty"`
	AcceptDowntime []string `json:"acceptDowntime,omitempty"`
	// AcceptCredentials names stores, as namespace/name, whose root login, KES
	// configuration, encryption keys or certificates may change.
	AcceptCredentials []string `json:"acceptCredentialsChange,omitempty"`
	// AcceptVolumes names volume claims, as namespace/name, whose volume may be
	// another one than was recorded.
	AcceptVolumes []string `json:"acceptVolumeChange,omitempty"`
	// LiteralValues are settings whose text is the value itself although it
	// looks as if something had to replace it: "operator:" or
	// "namespace/name:" before the setting's path.
	LiteralValues []string `json:"literalValues,omitempty"`
	// PinStoreImages keeps the images that the operator gives to stores as they
	// are, in the operator's values.
	PinStoreImages bool `json:"pinStoreImages,omitempty"`
	// AcceptRisk names stores, as namespace/name, that may go back to an older
	// release although the vendor does not promise that this works.
	AcceptRisk []string `json:"acceptRisk,omitempty"`
	// StoresOnly leaves the operator as it is. It may be that nothing of it
	// can be seen: OperatorVersion is then its chart's version, as the user
	// knows it.
	StoresOnly      bool   `json:"storesOnly,omitempty"`
	OperatorVersion string `json:"operatorVersion,omitempty"`
	// GitOps says that the plan is written down as commits, which Flux or Argo
	// CD executes: what they manage and what no file has is then no reason
	// to refuse it. Nothing here carries such a plan out.
	GitOps bool `json:"gitOps,omitempty"`
}

// Bundle is what a plan needs to know of a bundle.
type Bundle struct {
	// Name is the file's or reference's name as the user gave it.
	Name string `json:"name"`
	// Digest of the bundle's index; it pins every byte of the bundle.
	Digest string     `json:"digest"`
	Charts []ChartRef `json:"charts"`
	// Images by their public references.
	Images []BundleImage `json:"images"`
}

// BundleImage is one image a bundle carries.
type BundleImage struct {
	Ref    images.Ref `json:"ref"`
	Digest string     `json:"digest"`
	// Size is the entire image's, in bytes.
	Size      int64    `json:"size"`
	Platforms []string `json:"platforms,omitempty"`
	// Manifests are the digests of the platforms' own manifests, by platform.
	Manifests map[string]string `json:"manifests,omitempty"`
}

// ChartRef names one chart by its content: the same version was published with
// different bytes more than once, so the digest is what counts.
type ChartRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Digest is "sha256:…" of the .tgz; empty for what is installed, since
	// Helm does not keep it, and "record:…" where that very chart is applied
	// again.
	Digest string `json:"digest,omitempty"`
}

// IsInstalled reports whether this is the very chart that the release has, taken
// out of its record.
func (c ChartRef) IsInstalled() bool { return strings.HasPrefix(c.Digest, "record:") }

// String is name-version, as Helm writes it.
func (c ChartRef) String() string { return c.Name + "-" + c.Version }

// Change is one `helm upgrade` to be: what is there, what is wanted, and what
// both render to.
type Change struct {
	Namespace string
	Release   string
	// Store is the ObjectStore's name; empty for the operator.
	Store string
	From  ChartRef
	To    ChartRef
	// Revision is the one this goes back to, as `helm rollback` does; 0 is an
	// upgrade. One plan has either upgrades or rollbacks.
	Revision int
	// Intermediate says this is an intermediate version, not the target.
	Intermediate bool
	// Unchanged says the release is deployed with this chart version and these
	// values already.
	Unchanged bool
	// ValuesFiles are the files the values come from; empty means the
	// release's own.
	ValuesFiles []string
	// ValuesFlags are the flags that gave further settings, as a shell takes
	// them; empty where there were none.
	ValuesFlags string
	// Values are complete user values after rewriting. They may hold secrets.
	Values map[string]any
	// Added are the settings of Values that neither the files nor, without
	// files, the release have: merged onto those they give Values. They may
	// hold secrets.
	Added map[string]any
	// Edits say what rewriting and settings on the command line changed.
	Edits []ValueEdit
	// Before and After are the rendered objects of the installed release and
	// of the target.
	Before, After []images.Object
	// RecordSize is the size of Helm's record of the release; zero where
	// nothing is written.
	RecordSize RecordSize
	// Images is what After pulls, as private references.
	Images []images.Image
	// Warnings are what rewriting the values had to say of them.
	Warnings []Notice
	// Ineffective names settings that do nothing in the target's chart. It is
	// filled only for read-only verbs.
	Ineffective []Notice
}

// RecordSize is the size of a release's record, which Helm keeps in one Secret.
type RecordSize struct {
	// Bytes is the size of the Secret's data, of which the API server takes at
	// most 1 MiB.
	Bytes int
	// LargestParts names its largest parts with their sizes, largest first; empty
	// where the record is small.
	LargestParts []string
}

// ValueEdit is one value that was changed, shown to people.
type ValueEdit struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new"`
	Why  string `json:"why"`
	// Requested says that the user asked for this very edit, so that no file need
	// have it.
	Requested bool `json:"requested,omitempty"`
}
