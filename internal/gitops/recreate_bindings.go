package gitops

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// encodeBindings are those a step deletes, as the release before it has them: what
// brings them back if the next step fails.
func (r Request) encodeBindings(s plan.Step) []byte {
	out := []byte("# Restore these bindings if the next step fails:\n" +
		"#   kubectl create -f bindings.yaml\n")
	for _, key := range s.Objects {
		o := r.installedObject(s, key)
		doc, err := message.YAML(o)
		if o == nil || err != nil {
			out = append(out, fmt.Sprintf("# %s: save it before you delete it:\n#   kubectl get %s %s -o yaml\n", key, key.Kind, key.Name)...)
			continue
		}
		out = append(append(out, "---\n"...), doc...)
	}
	return out
}

// installedObject is an object out of the manifest that the release has at that step.
func (r Request) installedObject(s plan.Step, key plan.ObjectKey) images.Object {
	for _, c := range r.Inputs.Operator {
		if c.Key() != s.Target || "recreate-bindings-"+c.To.Version != s.ID {
			continue
		}
		for _, o := range c.Before {
			if k := plan.KeyOf(o, c.Namespace); k.Kind == key.Kind && k.Name == key.Name && k.Namespace == key.Namespace {
				return o
			}
		}
	}
	return nil
}
