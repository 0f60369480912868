package cluster

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// assignReleases gives each object the release whose record contains it in its
// manifest.
//
// The annotations that Helm leaves on an object are no proof: anybody can edit or
// remove them, and a copy of an object has them too. They decide between two
// releases that both contain an object. An object store that no record contains
// belongs to no release, unless a record could not be read (complete is false).
func (s *snapshot) assignReleases(complete bool) {
	owners := releasesByObject(s.releases)
	assign := func(m *ownership, kind, namespace, n string) bool {
		list := owners[plan.ObjectKey{Kind: kind, Namespace: namespace, Name: n}]
		if len(list) == 0 {
			return false
		}
		if !slices.Contains(list, m.release) {
			m.release = list[0]
		}
		return true
	}
	for i := range s.stores {
		st := &s.stores[i]
		if !assign(&st.ownership, aistor.KindObjectStore, st.Namespace, st.Name) && complete {
			st.AnnotatedRelease, st.release = st.release.name, namespacedName{}
		}
		st.Release = st.release.name
	}
	for i := range s.workloads {
		w := &s.workloads[i]
		assign(&w.ownership, w.Kind, w.Namespace, w.Name)
	}
	for i := range s.services {
		sv := &s.services[i]
		assign(&sv.ownership, "Service", sv.Namespace, sv.Name)
	}
	for i := range s.webhooks {
		w := &s.webhooks[i]
		assign(&w.ownership, "MutatingWebhookConfiguration", "", w.hooks[0].Configuration)
	}
	for i := range s.crds {
		c := &s.crds[i]
		assign(&c.ownership, "CustomResourceDefinition", "", c.CRD.Name)
		c.CRD.Release = c.release.String()
	}
	s.assignBindings(owners)
}

// assignBindings is assignReleases for bindings, which know their release by its
// text.
func (s *snapshot) assignBindings(owners map[plan.ObjectKey][]namespacedName) {
	for i := range s.bindings {
		b := &s.bindings[i]
		list := owners[withoutVersion(b.ObjectKey)]
		if len(list) > 0 && !slices.ContainsFunc(list, func(n namespacedName) bool { return n.String() == b.Release }) {
			b.Release = list[0].String()
		}
	}
}

// releasesByObject are the releases whose newest or last deployed manifest contains
// an object, by the object without its version.
func releasesByObject(releases []plan.InstalledRelease) map[plan.ObjectKey][]namespacedName {
	out := map[plan.ObjectKey][]namespacedName{}
	for _, r := range releases {
		name := namespacedName{r.Namespace, r.Name}
		for _, manifest := range []string{r.Manifest, r.DeployedManifest} {
			for _, o := range images.ParseObjects(manifest) {
				k := withoutVersion(plan.KeyOf(o, r.Namespace))
				if !slices.Contains(out[k], name) {
					out[k] = append(out[k], name)
				}
			}
		}
	}
	return out
}

// storesWithoutRecord are the namespaces of the object stores that no manifest of the
// releases read so far contains.
func (s *snapshot) storesWithoutRecord() map[string]bool {
	owners := releasesByObject(s.releases)
	out := map[string]bool{}
	for _, st := range s.stores {
		if len(owners[plan.ObjectKey{Kind: aistor.KindObjectStore, Namespace: st.Namespace, Name: st.Name}]) == 0 {
			out[st.Namespace] = true
		}
	}
	return out
}
