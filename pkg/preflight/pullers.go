package preflight

import (
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// imagePuller is a set of pods of one namespace that pull with the same secrets.
type imagePuller struct {
	namespace string
	// secrets in the order in which kubelet takes them; empty means that the
	// pods name none.
	secrets []string
	// requestedBy is who names them, for people.
	requestedBy string
	images      []plan.PlannedImage
}

// wantedImages is what will be pulled: the plan's images, and without a plan
// what the pods pull now from the private registry.
func wantedImages(s *Subject) []plan.PlannedImage {
	if s.Plan != nil {
		return s.Plan.Images
	}
	mirror := s.registrySettings().Mirror
	found := map[images.Ref]*plan.PlannedImage{}
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			ref, err := images.ParseRef(c.Image)
			if err != nil || (mirror.Registry != "" && !mirror.Owns(ref)) {
				continue
			}
			img := found[ref]
			if img == nil {
				img = &plan.PlannedImage{Source: ref, Private: ref,
					Reasons: []images.Reason{{Kind: images.KindDefault, Object: podKey(p).String()}}}
				found[ref] = img
			}
			if !slices.Contains(img.Namespaces, p.Namespace) {
				img.Namespaces = append(img.Namespaces, p.Namespace)
			}
		}
	}
	list := make([]plan.PlannedImage, 0, len(found))
	for _, img := range found {
		slices.Sort(img.Namespaces)
		list = append(list, *img)
	}
	slices.SortFunc(list, func(a, b plan.PlannedImage) int { return a.Private.Compare(b.Private) })
	return list
}

// collectPullers are everyone who will pull, sorted by namespace, each set of secrets
// once.
func collectPullers(s *Subject) []imagePuller {
	byNamespace := map[string][]plan.PlannedImage{}
	for _, img := range wantedImages(s) {
		if !img.IsRequired() {
			continue
		}
		for _, ns := range img.Namespaces {
			byNamespace[ns] = append(byNamespace[ns], img)
		}
	}
	asked := referencedSecrets(s)
	var list []imagePuller
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		seen := map[string]bool{}
		for _, p := range asked {
			key := strings.Join(p.secrets, "\x00")
			if p.namespace != ns || seen[key] {
				continue
			}
			seen[key] = true
			p.images = byNamespace[ns]
			list = append(list, p)
		}
		if len(seen) == 0 {
			list = append(list, imagePuller{namespace: ns, secrets: accountSecrets(s.Facts, ns), requestedBy: "its service accounts", images: byNamespace[ns]})
		}
	}
	return list
}

// referencedSecrets are all sets of pull secrets that anything names: the registry's
// own in every namespace that pulls, what the target renders, the live object
// stores it leaves alone, and without a plan the pods.
func referencedSecrets(s *Subject) []imagePuller {
	var list []imagePuller
	if name := s.registrySettings().PullSecret; name != "" && name != plan.PullSecretNone {
		seen := map[string]bool{}
		for _, img := range wantedImages(s) {
			for _, ns := range img.Namespaces {
				if !seen[ns] {
					seen[ns] = true
					list = append(list, imagePuller{namespace: ns, secrets: []string{name}, requestedBy: "the values"})
				}
			}
		}
	}
	list = append(list, renderedSecrets(s)...)
	for _, st := range s.Facts.Stores {
		if st.ImagePullSecret != "" && (s.Inputs == nil || s.Inputs.RenderedStore(st) == nil) {
			list = append(list, imagePuller{namespace: st.Namespace, secrets: []string{st.ImagePullSecret}, requestedBy: "object store " + st.Key()})
		}
	}
	if s.Plan == nil && s.Inputs == nil {
		for _, p := range s.Facts.Pods {
			if len(p.PullSecrets) > 0 {
				list = append(list, imagePuller{namespace: p.Namespace, secrets: p.PullSecrets, requestedBy: podKey(p).Label()})
			}
		}
	}
	return list
}

// renderedSecrets are the pull secrets in the pod templates and object stores
// of each release's last change.
func renderedSecrets(s *Subject) []imagePuller {
	var list []imagePuller
	for _, c := range s.orderedChanges() {
		if c.Intermediate {
			continue
		}
		for _, o := range c.After {
			k := plan.KeyOf(o, c.Namespace)
			var names []string
			if k.Kind == aistor.KindObjectStore {
				names = []string{images.NestedString(o, "spec", "imagePullSecret", "name")}
			} else {
				names = templateSecrets(o)
			}
			names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
			if len(names) > 0 {
				list = append(list, imagePuller{namespace: k.Namespace, secrets: names, requestedBy: k.Label()})
			}
		}
	}
	return list
}

// templateSecrets are the pull secrets of a workload's pod template.
func templateSecrets(o images.Object) []string {
	refs, _ := images.NestedValue(o, "spec", "template", "spec", "imagePullSecrets").([]any)
	var names []string
	for _, r := range refs {
		names = append(names, images.NestedString(r, "name"))
	}
	return names
}

// accountSecrets are the pull secrets of a namespace's service accounts, which
// the API server gives to pods that name none themselves.
func accountSecrets(f *plan.Facts, namespace string) []string {
	var names []string
	for _, a := range f.ServiceAccounts {
		if a.Namespace != namespace {
			continue
		}
		for _, n := range a.PullSecrets {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}
