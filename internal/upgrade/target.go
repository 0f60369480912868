package upgrade

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// operatorTarget is what an operator release must have become. It is read from
// the rendered objects, so that nothing about a chart version is assumed.
type operatorTarget struct {
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

// newOperatorTarget reads what rendered objects ask for.
func newOperatorTarget(namespace string, objects []images.Object) operatorTarget {
	t := operatorTarget{namespace: namespace}
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

// storeTarget is what an object store must have become.
type storeTarget struct {
	// key is namespace/name.
	key string
	// spec is the image the rendered ObjectStore names, and fallback what the
	// operator runs where the live object names none. Both may be empty.
	spec, fallback string
	// baseline is the health the store had before the run, which is all that is
	// asked of it where it is not upgraded itself.
	baseline string
	// upgraded says that the store itself is upgraded: its image counts, and it
	// has to be green.
	upgraded bool
	// waitForHealing says that the step restarts the store, so that its drives' healing is
	// waited for apart from the rest.
	waitForHealing bool
	// minGenerations is the generation that each workload had after the change.
	minGenerations map[plan.ObjectKey]int64
}

// acceptsUnready reports whether the store was not well before the run and is not
// upgraded itself: that some of its pods are not ready is then no news.
func (t storeTarget) acceptsUnready() bool { return !t.upgraded && t.baseline != "green" }

// expectedImage is what the store's pods must run, or empty where nobody knows.
func (t storeTarget) expectedImage(s plan.Store) string {
	switch {
	case !t.upgraded:
		return ""
	case t.spec != "":
		return t.spec
	case !s.Image.IsZero():
		return s.Image.String()
	}
	return t.fallback
}

// storeTargetFor is the target of a store step.
func storeTargetFor(s plan.Step, c *plan.Change, in *plan.Inputs) storeTarget {
	t := storeTarget{key: s.Store, upgraded: true, waitForHealing: true}
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

// defaultImage is the minio image that the operator runs for stores without
// one of their own, once its part of the plan is done.
func defaultImage(in *plan.Inputs) string {
	var objects []images.Object
	switch {
	case len(in.Operator) > 0:
		objects = in.Operator[len(in.Operator)-1].After
	case in.Facts != nil && in.Facts.Operator != nil:
		objects, _ = parseManifest(in.Facts.Operator.Manifest)
	}
	for _, o := range objects {
		if key := plan.KeyOf(o, ""); key.Kind != "ConfigMap" || key.Name != "object-store-operator" {
			continue
		}
		var entry struct {
			Image string `json:"image"`
		}
		if text, ok := images.NestedValue(o, "data", "minio").(string); ok && yaml.Unmarshal([]byte(text), &entry) == nil {
			return entry.Image
		}
	}
	return ""
}

// parseManifest splits a release's manifest. Documents that are no objects are
// counted.
func parseManifest(manifest string) (objects []images.Object, unreadable int) {
	for doc := range strings.SplitSeq("\n"+manifest, "\n---") {
		o, err := images.ParseObject([]byte(doc))
		switch {
		case err != nil:
			unreadable++
		case len(o) > 0:
			objects = append(objects, o)
		}
	}
	return objects, unreadable
}

// sameImage compares references by what they mean.
func sameImage(a, b string) bool {
	x, errX := images.ParseRef(a)
	y, errY := images.ParseRef(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x == y
}

// changeOf finds the change that a step executes.
func changeOf(in *plan.Inputs, s plan.Step) (*plan.Change, error) {
	all := in.Operator
	if s.Action == plan.ActionStore {
		all = in.Stores
	}
	i := slices.IndexFunc(all, func(c plan.Change) bool {
		return c.Key() == s.Target && s.To != nil && c.To == *s.To && (s.Store == "" || c.StoreKey() == s.Store)
	})
	if i < 0 {
		return nil, fmt.Errorf("finding the chart and values of step %q: the plan was made from other inputs", s.ID)
	}
	return &all[i], nil
}

// equalData compares plain data by what it encodes to, since the same number
// may have two types.
func equalData(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func nameOf(m map[string]any) string {
	s, _ := m["name"].(string)
	return s
}
