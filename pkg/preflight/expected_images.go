package preflight

import (
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// expectedImages says which image each container should run. Sources are taken in
// this order: what the user expects, the plan, the inputs, the object's own
// fields and what its release rendered.
type expectedImages struct {
	// requested are the user's, by container or image name.
	requested map[string]string
	// operator are the images of the operator's release, by image name: its
	// own, and the defaults for stores.
	operator map[string]images.Ref
	// stores overrule the defaults, by namespace/name of the store.
	stores map[string]map[string]images.Ref
	// planned is what the plan says of a reference, also what it must resolve to.
	planned map[images.Ref]plan.PlannedImage
	parse   func(string) (images.Ref, error)
}

func collectExpectedImages(s *Subject) expectedImages {
	e := expectedImages{requested: s.ExpectedImages, operator: map[string]images.Ref{},
		stores: map[string]map[string]images.Ref{}, planned: map[images.Ref]plan.PlannedImage{}, parse: newRefParser()}
	if op := s.Facts.Operator; op != nil {
		e.addOperator(images.ParseObjects(op.Manifest))
	}
	for _, st := range s.Facts.Stores {
		for _, img := range st.Images {
			e.addStore(st.Key(), img.Ref)
		}
		if !st.Image.IsZero() {
			e.addStore(st.Key(), st.Image)
		}
	}
	e.addInputs(s)
	e.addPlan(s)
	return e
}

func (e *expectedImages) addStore(key string, ref images.Ref) {
	if e.stores[key] == nil {
		e.stores[key] = map[string]images.Ref{}
	}
	e.stores[key][ref.Base()] = ref
}

// addOperator takes every image that the operator's objects name.
func (e *expectedImages) addOperator(objects []images.Object) {
	found, _ := images.DiscoverRendered(objects) // no pod runs what is no reference
	for _, img := range found {
		e.operator[img.Ref.Base()] = img.Ref
	}
}

func (e *expectedImages) addInputs(s *Subject) {
	if t := s.operatorTarget(); t != nil {
		e.addOperator(t.After)
	}
	for _, c := range s.orderedChanges() {
		if c.Store == "" {
			continue
		}
		for _, o := range images.FilterByKind(c.After, aistor.KindObjectStore) {
			k := plan.KeyOf(o, c.Namespace)
			found, _ := images.DiscoverRendered([]images.Object{o})
			for _, img := range found {
				e.addStore(k.Namespace+"/"+k.Name, img.Ref)
			}
		}
	}
}

// addPlan reads the plan's images by their reasons. Intermediate versions ask
// for images too, so only what the last operator chart asks for counts.
func (e *expectedImages) addPlan(s *Subject) {
	if s.Plan == nil {
		return
	}
	last := lastOperatorChart(s.Plan)
	for _, img := range s.Plan.Images {
		// Pods name what their runtime redirects by its public name.
		runs := img.Private
		if s.Plan.Registry.KeepsReferences() {
			runs = img.Source
		}
		e.planned[runs] = img
		for _, r := range img.Reasons {
			kind, rest, _ := strings.Cut(r.Object, "/")
			switch {
			case kind == aistor.KindObjectStore:
				if strings.Count(rest, "/") == 0 && len(img.Namespaces) == 1 {
					rest = img.Namespaces[0] + "/" + rest
				}
				e.addStore(rest, runs)
			case (kind == "ConfigMap" || kind == "Deployment") && (last == "" || r.Chart == last):
				e.operator[runs.Base()] = runs
			}
		}
	}
}

func lastOperatorChart(p *plan.Plan) string {
	for _, st := range slices.Backward(p.Steps) {
		if st.Action == plan.ActionOperator && st.To != nil {
			return st.To.String()
		}
	}
	return ""
}

// imageNames are the image names a container may be known by.
func (e expectedImages) imageNames(p plan.Pod, c plan.Container) []string {
	var names []string
	server := slices.ContainsFunc(p.Containers, func(c plan.Container) bool { return c.Name == aistor.ContainerMinIO })
	switch {
	case c.Name == aistor.ContainerMinIO:
		names = append(names, "minio")
	case c.Name == aistor.ContainerSidecar && server: // KES has one of its own
		names = append(names, "minio-sidecar")
	case c.Name == aistor.ContainerController:
		names = append(names, "operator")
	}
	if ref, err := e.parse(c.Image); err == nil && !slices.Contains(names, ref.Base()) {
		names = append(names, ref.Base())
	}
	return names
}

// imageFor is the image a container should run; false where nothing says so, as for
// containers of the user's own.
func (e expectedImages) imageFor(p plan.Pod, c plan.Container) (images.Ref, bool) {
	names := e.imageNames(p, c)
	for _, name := range append([]string{c.Name}, names...) {
		if want, ok := e.requested[name]; ok {
			return resolveExpected(want, c.Image), true
		}
	}
	for _, name := range names {
		if ref, ok := e.stores[p.Store][name]; ok && p.Store != "" {
			return ref, true
		}
		if ref, ok := e.operator[name]; ok {
			return ref, true
		}
	}
	return images.Ref{}, false
}

// resolveExpected reads what a user expects: a reference in full, or a tag or digest of
// whatever repository the container has now.
func resolveExpected(want, running string) images.Ref {
	if strings.Contains(want, "/") {
		if ref, err := images.ParseRef(want); err == nil {
			return ref
		}
	}
	ref, _ := images.ParseRef(running)
	ref.Tag, ref.Digest, _ = strings.Cut(want, "@")
	if strings.HasPrefix(want, "sha256:") {
		ref.Tag, ref.Digest = "", want
	}
	return ref
}
