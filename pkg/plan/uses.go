package plan

import (
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
	// Running are the digests that nodes report for it, sorted.
	Running []string `json:"running,omitempty"`
	// Values are the objects that the present values render and that name it,
	// with the path, whether or not a pod runs it now.
	Values []string `json:"values,omitempty"`
	// Namespaces pull it, sorted.
	Namespaces []string `json:"namespaces,omitempty"`
}

// Uses are all images that run or that the installed values would pull: those
// of pods, of the operator's manifest, and of the object stores' own fields,
// sorted by reference. What is no reference is left to the checks.
func Uses(f *Facts) []ImageUse {
	u := uses{}
	for _, p := range f.Pods {
		u.pod(p)
	}
	if f.Operator != nil {
		var in images.DiscoverInput
		for _, o := range images.ParseObjects(f.Operator.Manifest) {
			in.Objects = append(in.Objects, images.DiscoverObject{Object: o})
		}
		// An image that nobody could pull is told by the checks.
		found, _ := images.Discover(in)
		for _, img := range found {
			u.asked(img, f.Operator.Namespace)
		}
	}
	for _, s := range f.Stores {
		for _, img := range s.Images {
			u.asked(img, s.Namespace)
		}
	}
	list := make([]ImageUse, 0, len(u))
	for _, one := range u {
		for _, words := range []*[]string{&one.Workloads, &one.Running, &one.Values, &one.Namespaces} {
			slices.Sort(*words)
		}
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b ImageUse) int { return a.Ref.Compare(b.Ref) })
	return list
}

type uses map[images.Ref]*ImageUse

func (u uses) of(r images.Ref) *ImageUse {
	if u[r] == nil {
		u[r] = &ImageUse{Ref: r}
	}
	return u[r]
}

func (u uses) pod(p Pod) {
	counted := map[images.Ref]bool{}
	for _, c := range p.Containers {
		ref, err := images.ParseRef(c.Image)
		if err != nil {
			continue
		}
		one := u.of(ref)
		if !counted[ref] {
			counted[ref] = true
			one.Pods++
		}
		add(&one.Workloads, makerOf(p))
		add(&one.Namespaces, p.Namespace)
		if i := strings.LastIndex(c.ImageID, "sha256:"); i >= 0 {
			add(&one.Running, c.ImageID[i:])
		}
	}
}

// asked notes who names an image, and the namespace that would pull it.
func (u uses) asked(img images.Image, namespace string) {
	one := u.of(img.Ref)
	for _, r := range img.Reasons {
		add(&one.Values, r.Object+r.Path)
	}
	add(&one.Namespaces, namespace)
}

// makerOf is what made a pod, as Kind/namespace/name. A Deployment makes its
// pods through a ReplicaSet that is called like it with a hash behind.
func makerOf(p Pod) string {
	kind, name, _ := strings.Cut(p.Owner, "/")
	switch i := strings.LastIndexByte(name, '-'); {
	case name == "":
		kind, name = "Pod", p.Name
	case kind == "ReplicaSet" && i > 0:
		kind, name = "Deployment", name[:i]
	}
	return kind + "/" + p.Namespace + "/" + name
}

func add(list *[]string, word string) {
	if !slices.Contains(*list, word) {
		*list = append(*list, word)
	}
}
