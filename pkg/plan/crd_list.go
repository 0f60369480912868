package plan

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// CRDList are CustomResourceDefinitions, each with where it comes from.
type CRDList []CRDSource

// CRDSource is one CustomResourceDefinition.
type CRDSource struct {
	CRD images.Object
	// From names the chart, or says that the CRD is the installed one.
	From string
}

// CRDs are those that a change renders.
func (c Change) CRDs() CRDList {
	var list CRDList
	for _, o := range images.FilterByKind(c.After, "CustomResourceDefinition") {
		list = append(list, CRDSource{o, "chart " + c.To.String()})
	}
	return list
}

// InstalledCRDs are those of the cluster.
func (f *Facts) InstalledCRDs() CRDList {
	var list CRDList
	for _, c := range f.CRDs {
		if len(c.Object) > 0 {
			list = append(list, CRDSource{c.Object, "the installed CRD"})
		}
	}
	return list
}

// TargetCRDs are those of the operator's target, and what the cluster has beside
// them.
func (in Inputs) TargetCRDs() CRDList {
	var list CRDList
	if t := in.operatorTarget(); t != nil {
		list = t.CRDs()
	}
	return append(list, in.Facts.InstalledCRDs()...)
}

// FindFor is the definition of a custom resource's kind, the first there is; its
// CRD is nil where there is none.
func (l CRDList) FindFor(o images.Object) CRDSource {
	group, _, grouped := strings.Cut(images.NestedString(o, "apiVersion"), "/")
	if !grouped {
		return CRDSource{}
	}
	return l.FindKind(group, images.NestedString(o, "kind"))
}

// FindKind is the definition of a kind, like [CRDList.FindFor].
func (l CRDList) FindKind(group, kind string) CRDSource {
	for _, one := range l {
		if images.NestedString(one.CRD, "spec", "group") == group && images.NestedString(one.CRD, "spec", "names", "kind") == kind {
			return one
		}
	}
	return CRDSource{}
}
