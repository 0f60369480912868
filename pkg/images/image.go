package images

// Kind says why an image is on a list.
type Kind string

// The kinds of reasons, from the strongest to the weakest.
const (
	// KindDefault is pulled by the installation as its values are.
	KindDefault Kind = "default"
	// KindOptional is pulled only where a feature is switched on.
	KindOptional Kind = "optional"
	// KindHook is pulled by a Helm hook.
	KindHook Kind = "hook"
	// KindTest is pulled by "helm test".
	KindTest Kind = "test"
	// KindUser was named by the user: an override, a live object's own field,
	// or --image.
	KindUser Kind = "user"
	// KindPossible merely looks like a reference; it is listed, not included.
	KindPossible Kind = "possible"
)

// IsRequired reports whether an installation pulls what is requested so with its
// values as they are, as opposed to a feature that is switched off or a test.
func (k Kind) IsRequired() bool { return k != KindOptional && k != KindPossible && k != KindTest }

// Reason is one place that references an image.
type Reason struct {
	Kind Kind `json:"kind"`
	// Chart is name-version of the chart, empty for a live object.
	Chart string `json:"chart,omitempty"`
	// Object is Kind/namespace/name or Kind/name.
	Object string `json:"object,omitempty"`
	// Path leads to the string inside the object, in kubectl's own form
	// (".data.minio → .image" where it crosses into nested YAML).
	Path string `json:"path,omitempty"`
}

// Image is one reference with everything that asks for it.
type Image struct {
	Ref     Ref      `json:"ref"`
	Reasons []Reason `json:"reasons,omitempty"`
}
