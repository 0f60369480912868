package images

import (
	"fmt"
	"slices"
	"strings"
)

// DiscoverInput is the input of [Discover].
type DiscoverInput struct {
	Objects []DiscoverObject
	// Sentinel is the registry host that stood in every repository's place
	// in the objects' sentinel renders; see [DiscoverObject.SentinelRender].
	Sentinel string
	// User are references named by the user, as with --image.
	User []Ref
	// Exclude are references to exclude, as with --not-image.
	Exclude []Ref
	// Possible includes strings that merely look like a reference. They
	// come with [KindPossible] and are not to be carried. The default is to
	// leave them out.
	Possible bool
}

// DiscoverObject is one object to search, with its metadata.
type DiscoverObject struct {
	Object Object
	// SentinelRender is the same object rendered with [DiscoverInput.Sentinel] as the
	// registry. Whatever string has the sentinel there is a reference here.
	SentinelRender Object
	// Chart is name-version, empty for a live object.
	Chart string
	// Hook and Test tell objects that Helm runs, Optional those that are
	// rendered only with a feature switched on.
	Hook, Test, Optional bool
	// Live says that the object was read from a cluster: its status and its
	// bookkeeping are left out.
	Live bool
}

// InvalidImageError is an image field whose value no runtime would accept. A
// list without it would be incomplete, so that discovery fails.
type InvalidImageError struct {
	Object, Path, Value string
	Err                 error
}

// Error names the object, the field and the value.
func (e *InvalidImageError) Error() string {
	return fmt.Sprintf("reading image %q at %s of %s: %v", withoutLogin(e.Value), e.Path, e.Object, e.Err)
}

// Hint names what makes such a reference.
func (*InvalidImageError) Hint() string {
	return "fix the reference: images, hostname (host[:port] only) and pathPrefix under repositories, or the object's field"
}

// Unwrap gives the parser's error.
func (e *InvalidImageError) Unwrap() error { return e.Err }

// Discover finds every image that the objects name: each "image" field at any
// depth, also inside YAML or JSON in strings; each string that followed the
// sentinel registry; and the user's own. The schemas in
// CustomResourceDefinitions are left out, for they name nothing.
//
// The result is sorted by reference, and each image's reasons by kind, chart,
// object and path, whatever the order of the input. An image field that cannot
// be read is an [*InvalidImageError]; what was found beside it is returned too.
func Discover(in DiscoverInput) ([]Image, error) {
	f := &finder{found: map[Ref][]Reason{}, seen: map[sighting]bool{}, exclude: map[Ref]bool{}, sentinel: in.Sentinel, possible: in.Possible}
	for _, r := range in.Exclude {
		f.exclude[r] = true
	}
	for _, o := range in.Objects {
		f.addObject(o)
	}
	for _, r := range in.User {
		f.addReason(r, Reason{Kind: KindUser})
	}
	return f.sortedImages(), f.invalid
}

// DiscoverRendered is [Discover] for rendered objects without anything beside them.
func DiscoverRendered(objects []Object) ([]Image, error) {
	var in DiscoverInput
	for _, o := range objects {
		in.Objects = append(in.Objects, DiscoverObject{Object: o})
	}
	return Discover(in)
}

// ObjectID names an object as reasons do: Kind/namespace/name, or Kind/name
// where it has no namespace.
func ObjectID(o Object) string {
	meta, _ := o["metadata"].(map[string]any)
	parts := []string{}
	for _, v := range []any{o["kind"], meta["namespace"], meta["name"]} {
		if s, ok := v.(string); ok && s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "/")
}

// sighting is a reference with one reason for it.
type sighting struct {
	ref Ref
	why Reason
}

type finder struct {
	found    map[Ref][]Reason
	seen     map[sighting]bool
	exclude  map[Ref]bool
	sentinel string
	possible bool
	// invalid is the first image field that cannot be read.
	invalid error
}

func (f *finder) addObject(o DiscoverObject) {
	if o.Object["kind"] == "CustomResourceDefinition" {
		return
	}
	w := &objectWalker{finder: f, reason: Reason{Kind: kindOf(o), Chart: o.Chart, Object: ObjectID(o.Object)}, live: o.Live}
	var twin any
	if o.SentinelRender != nil {
		twin = map[string]any(o.SentinelRender)
	}
	w.walkValue(map[string]any(o.Object), twin, fieldPath{})
}

func kindOf(o DiscoverObject) Kind {
	switch {
	case o.Live:
		return KindUser
	case o.Test:
		return KindTest
	case o.Hook:
		return KindHook
	case o.Optional:
		return KindOptional
	default:
		return KindDefault
	}
}

func (f *finder) addReason(r Ref, why Reason) {
	if f.exclude[r] || f.seen[sighting{r, why}] {
		return
	}
	f.seen[sighting{r, why}] = true
	f.found[r] = append(f.found[r], why)
}

func (f *finder) sortedImages() []Image {
	out := make([]Image, 0, len(f.found))
	for r, why := range f.found {
		slices.SortFunc(why, compareReasons)
		out = append(out, Image{Ref: r, Reasons: why})
	}
	slices.SortFunc(out, func(a, b Image) int { return a.Ref.Compare(b.Ref) })
	return out
}

func compareReasons(a, b Reason) int {
	for _, c := range []int{
		kindRank(a.Kind) - kindRank(b.Kind), strings.Compare(a.Chart, b.Chart),
		strings.Compare(a.Object, b.Object), strings.Compare(a.Path, b.Path),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

func kindRank(k Kind) int {
	return slices.Index([]Kind{KindDefault, KindOptional, KindHook, KindTest, KindUser, KindPossible}, k)
}
