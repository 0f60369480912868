package plan

import (
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// plannedImages lists every image that any change of the plan pulls, with the
// place it comes from and the namespaces that pull it, sorted by private name.
func plannedImages(in Inputs) []PlannedImage {
	carried := map[images.Ref]BundleImage{}
	for _, b := range in.Bundle.Images {
		carried[in.Registry.Map(b.Ref)] = b
	}
	planned := map[images.Ref]*PlannedImage{}
	for _, c := range in.orderedChanges() {
		for _, img := range c.Images {
			private := in.pullReference(img.Ref)
			p := planned[private]
			if p == nil {
				p = &PlannedImage{Source: img.Ref, Private: private}
				if b, ok := carried[private]; ok {
					p.Source, p.Digest, p.Size, p.Manifests = b.Ref, b.Digest, b.Size, b.Manifests
				}
				planned[private] = p
			}
			for _, r := range img.Reasons {
				p.addReason(r, namespacesFor(in, c, r))
			}
		}
	}
	list := make([]PlannedImage, 0, len(planned))
	for _, p := range planned {
		slices.Sort(p.Namespaces)
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b PlannedImage) int { return a.Private.Compare(b.Private) })
	return list
}

// pullReference is the name under which a change's image is pulled. What an older
// revision names stays as it is.
func (in Inputs) pullReference(ref images.Ref) images.Ref {
	if in.isRollback() && !in.Registry.KeepsReferences() {
		return ref
	}
	return in.Registry.Map(ref)
}

// IsRequired reports whether the installation pulls the image with its values as
// they are, as opposed to a feature that is switched off.
func (p PlannedImage) IsRequired() bool {
	return slices.ContainsFunc(p.Reasons, func(r images.Reason) bool { return r.Kind.IsRequired() })
}

func (p *PlannedImage) addReason(r images.Reason, namespaces []string) {
	if !slices.Contains(p.Reasons, r) {
		p.Reasons = append(p.Reasons, r)
	}
	for _, ns := range namespaces {
		if !slices.Contains(p.Namespaces, ns) {
			p.Namespaces = append(p.Namespaces, ns)
		}
	}
}

// namespacesFor says whose pods pull an image: a workload's own namespace, and
// for the operator's ConfigMaps the namespaces of the stores, since the
// operator writes these images into their pods.
func namespacesFor(in Inputs, c Change, r images.Reason) []string {
	if c.Store != "" || !strings.HasPrefix(r.Object, "ConfigMap/") {
		return []string{c.Namespace}
	}
	var list []string
	for _, s := range in.Facts.Stores {
		if !slices.Contains(list, s.Namespace) {
			list = append(list, s.Namespace)
		}
	}
	if len(list) == 0 {
		return []string{c.Namespace}
	}
	return list
}
