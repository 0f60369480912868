package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ImageUse is one image reference with everybody who asks for it.
type ImageUse struct {
	Ref images.Ref `json:"ref"`
	// Pods is how many pods run it, Workloads what made them, as
	// kind/namespace/name, sorted.
	Pods      int      `json:"pods"`
	Workloads []string `json:"workloads,omitempty"`
	// RunningDigests are the digests that nodes report for it, sorted.
	RunningDigests []string `json:"running,omitempty"`
	// Values are the objects that the present values render and that name it,
	// with the path, whether or not a pod runs it now.
	Values []string `json:"values,omitempty"`
	// Namespaces pull it, sorted.
	Namespaces []string `json:"namespaces,omitempty"`
}

// CollectImageUses are all images that run or that the installed values would pull: those
// of pods, of the operator's manifest, and of the object stores' own fields,
// sorted by reference. What is not a reference is left to the checks.
func CollectImageUses(f *Facts) []ImageUse {
	u := imageUses{}
	for _, p := range f.Pods {
		u.addPod(p)
	}
	if f.Operator != nil {
		// An image that nobody could pull is told by the checks.
		found, _ := images.DiscoverRendered(images.ParseObjects(f.Operator.Manifest))
		for _, img := range found {
			u.addReference(img, f.Operator.Namespace)
		}
	}
	for _, s := range f.Stores {
		for _, img := range s.Images {
			u.addReference(img, s.Namespace)
		}
	}
	list := make([]ImageUse, 0, len(u))
	for _, one := range u {
		for _, words := range []*[]string{&one.Workloads, &one.RunningDigests, &one.Values, &one.Namespaces} {
			slices.Sort(*words)
		}
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b ImageUse) int { return a.Ref.Compare(b.Ref) })
	return list
}

type imageUses map[images.Ref]*ImageUse

func (u imageUses) ensureUse(r images.Ref) *ImageUse {
	if u[r] == nil {
		u[r] = &ImageUse{Ref: r}
	}
	return u[r]
}

func (u imageUses) addPod(p Pod) {
	counted := map[images.Ref]bool{}
	for _, c := range p.Containers {
		ref, err := images.ParseRef(c.Image)
		if err != nil {
			continue
		}
		one := u.ensureUse(ref)
		if !counted[ref] {
			counted[ref] = true
			one.Pods++
		}
		kind, name, _ := strings.Cut(cmp.Or(p.Controller(), "Pod/"+p.Name), "/")
		appendUnique(&one.Workloads, kind+"/"+p.Namespace+"/"+name)
		appendUnique(&one.Namespaces, p.Namespace)
		if i := strings.LastIndex(c.ImageID, "sha256:"); i >= 0 {
			appendUnique(&one.RunningDigests, c.ImageID[i:])
		}
	}
}

// addReference notes who names an image, and the namespace that would pull it.
func (u imageUses) addReference(img images.Image, namespace string) {
	one := u.ensureUse(img.Ref)
	for _, r := range img.Reasons {
		appendUnique(&one.Values, r.Object+r.Path)
	}
	appendUnique(&one.Namespaces, namespace)
}

func appendUnique(list *[]string, word string) {
	if !slices.Contains(*list, word) {
		*list = append(*list, word)
	}
}
