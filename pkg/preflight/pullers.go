package preflight

import (
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// puller is a set of pods of one namespace that pull with the same secrets.
type puller struct {
	namespace string
	// secrets in the order in which kubelet takes them; empty means that the
	// pods name none.
	secrets []string
	// by is who names them, for people.
	by     string
	images []plan.PlannedImage
}

// wantedImages is what will be pulled: the plan's images, and without a plan
// what the pods pull now from the private registry.
func wantedImages(s *Subject) []plan.PlannedImage {
	if s.Plan != nil {
		return s.Plan.Images
	}
	mirror := s.registry().Mirror
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

// pullers are everyone who will pull, sorted by namespace, each set of secrets
// once.
func pullers(s *Subject) []puller {
	byNamespace := map[string][]plan.PlannedImage{}
	for _, img := range wantedImages(s) {
		if !img.Needed() {
			continue
		}
		for _, ns := range img.Namespaces {
			byNamespace[ns] = append(byNamespace[ns], img)
		}
	}
	asked := askedSecrets(s)
	var list []puller
	for _, ns := range sortedKeys(byNamespace) {
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
			list = append(list, puller{namespace: ns, secrets: accountSecrets(s.Facts, ns), by: "its service accounts", images: byNamespace[ns]})
		}
	}
	return list
}

// askedSecrets are all sets of pull secrets that anything names: the registry's
// own in every namespace that pulls, what the target renders, the live object
// stores it leaves alone, and without a plan the pods.
func askedSecrets(s *Subject) []puller {
	var list []puller
	if name := s.registry().PullSecret; name != "" && name != plan.PullSecretNone {
		seen := map[string]bool{}
		for _, img := range wantedImages(s) {
			for _, ns := range img.Namespaces {
				if !seen[ns] {
					seen[ns] = true
					list = append(list, puller{namespace: ns, secrets: []string{name}, by: "the values"})
				}
			}
		}
	}
	list = append(list, renderedSecrets(s)...)
	for _, st := range s.Facts.Stores {
		if st.Secret != "" && (s.Inputs == nil || finalStore(s, st) == nil) {
			list = append(list, puller{namespace: st.Namespace, secrets: []string{st.Secret}, by: "object store " + st.Key()})
		}
	}
	if s.Plan == nil && s.Inputs == nil {
		for _, p := range s.Facts.Pods {
			if len(p.PullSecrets) > 0 {
				list = append(list, puller{namespace: p.Namespace, secrets: p.PullSecrets, by: label(podKey(p))})
			}
		}
	}
	return list
}

// renderedSecrets are the pull secrets in the pod templates and object stores
// of each release's last change.
func renderedSecrets(s *Subject) []puller {
	var list []puller
	for _, c := range s.changes() {
		if c.Stone {
			continue
		}
		for _, o := range c.After {
			k := plan.KeyOf(o, c.Namespace)
			var names []string
			if k.Kind == aistor.KindObjectStore {
				names = []string{images.Text(o, "spec", "imagePullSecret", "name")}
			} else {
				names = templateSecrets(o)
			}
			names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
			if len(names) > 0 {
				list = append(list, puller{namespace: k.Namespace, secrets: names, by: label(k)})
			}
		}
	}
	return list
}

// templateSecrets are the pull secrets of a workload's pod template.
func templateSecrets(o images.Object) []string {
	refs, _ := images.At(o, "spec", "template", "spec", "imagePullSecrets").([]any)
	var names []string
	for _, r := range refs {
		names = append(names, images.Text(r, "name"))
	}
	return names
}

// accountSecrets are the pull secrets of a namespace's service accounts, which
// the API server gives to pods that name none themselves.
func accountSecrets(f *plan.Facts, namespace string) []string {
	var names []string
	for _, a := range f.Accounts {
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
