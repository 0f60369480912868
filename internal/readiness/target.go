package readiness

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Operator is what an operator release must have become. It is read from
// the rendered objects, so that nothing about a chart version is assumed.
type Operator struct {
	namespace   string
	deployments []deploymentTarget
	webhooks    []string
	services    []plan.ObjectKey
	crds        []string
}

// deploymentTarget is one rendered Deployment.
type deploymentTarget struct {
	key plan.ObjectKey
	// images by container name.
	images map[string]string
}

// NewOperator reads what rendered objects ask for.
func NewOperator(namespace string, objects []images.Object) Operator {
	t := Operator{namespace: namespace}
	for _, o := range objects {
		key := plan.KeyOf(o, namespace)
		switch key.Kind {
		case "Deployment":
			t.deployments = append(t.deployments, newDeploymentTarget(key, o))
		case "MutatingWebhookConfiguration":
			t.webhooks = append(t.webhooks, key.Name)
		case "Service":
			if selector, _ := images.NestedValue(o, "spec", "selector").(map[string]any); len(selector) > 0 {
				t.services = append(t.services, key)
			}
		case "CustomResourceDefinition":
			t.crds = append(t.crds, key.Name)
		}
	}
	return t
}

func newDeploymentTarget(key plan.ObjectKey, o images.Object) deploymentTarget {
	d := deploymentTarget{key: key, images: map[string]string{}}
	containers, _ := images.NestedValue(o, "spec", "template", "spec", "containers").([]any)
	for _, c := range containers {
		if m, ok := c.(map[string]any); ok {
			d.images[nameOf(m)], _ = m["image"].(string)
		}
	}
	return d
}

// Store is what an object store must have become.
type Store struct {
	// Key is namespace/name.
	Key string
	// spec is the image the rendered ObjectStore names, and fallback what the
	// operator runs where the live object names none. Both may be empty.
	spec, fallback string
	// Baseline is the health the store had before the run, which is all that is
	// asked of it where it is not upgraded itself.
	Baseline string
	// Upgraded says that the store itself is upgraded: its image counts, and it
	// has to be green.
	Upgraded bool
	// WaitForHealing says that the step restarts the store, so that its drives' healing is
	// waited for apart from the rest.
	WaitForHealing bool
	// MinGenerations is the generation that each workload had after the change.
	MinGenerations map[plan.ObjectKey]int64
}

// AcceptsUnready reports whether the store was not well before the run and is not
// upgraded itself: that some of its pods are not ready is then no news.
func (t Store) AcceptsUnready() bool { return !t.Upgraded && t.Baseline != "green" }

// expectedImage is what the store's pods must run, or empty where nobody knows.
func (t Store) expectedImage(s plan.Store) string {
	switch {
	case !t.Upgraded:
		return ""
	case t.spec != "":
		return t.spec
	case !s.Image.IsZero():
		return s.Image.String()
	}
	return t.fallback
}

// NewStore is the target of a store step.
func NewStore(s plan.Step, c *plan.Change, in *plan.Inputs) Store {
	t := Store{Key: s.Store, Upgraded: true, WaitForHealing: true}
	if s.Revision == 0 {
		// On the rollback the operator's turn comes later, and a rollback that
		// was cut off may have taken its defaults back already: what a store
		// without an image of its own runs meanwhile is not this step's matter.
		t.fallback = defaultImage(in)
	}
	for _, o := range c.After {
		if plan.KeyOf(o, c.Namespace).Kind == "ObjectStore" {
			t.spec, _ = images.NestedValue(o, "spec", "image").(string)
		}
	}
	return t
}

// SameImage compares references by what they mean.
func SameImage(a, b string) bool {
	x, errX := images.ParseRef(a)
	y, errY := images.ParseRef(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x == y
}

func nameOf(m map[string]any) string {
	s, _ := m["name"].(string)
	return s
}

// defaultImage is the minio image that the operator runs for stores without
// one of their own, once its part of the plan is done.
func defaultImage(in *plan.Inputs) string {
	switch {
	case len(in.Operator) > 0:
		return plan.DefaultImages(in.Operator[len(in.Operator)-1].After)["minio"]
	case in.Facts != nil && in.Facts.Operator != nil:
		return plan.DefaultImages(images.ParseObjects(in.Facts.Operator.Manifest))["minio"]
	}
	return ""
}

// RunsOn reports whether a pod runs an image of the operator's Deployments.
func (t Operator) RunsOn(p plan.Pod) bool {
	if p.Namespace != t.namespace {
		return false
	}
	for _, d := range t.deployments {
		for _, image := range d.images {
			if slices.ContainsFunc(p.Containers, func(c plan.Container) bool { return SameImage(c.Image, image) }) {
				return true
			}
		}
	}
	return false
}
