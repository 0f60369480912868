package plan

import (
	"encoding/json"
	"reflect"
)

// Departs says where p, a plan for the present state, parts from one that was
// written down before; it is empty where they are one and the same.
func (p *Plan) Departs(before *Plan) string {
	switch {
	case p.Digest() == before.Digest():
		return ""
	case p.Cluster.UID != before.Cluster.UID:
		return "the cluster"
	case p.Bundle.Digest != before.Bundle.Digest:
		return "the bundle"
	}
	for i, s := range p.Steps {
		if i >= len(before.Steps) || !reflect.DeepEqual(asData(before.Steps[i]), asData(s)) {
			return "step " + s.ID
		}
	}
	if len(before.Steps) > len(p.Steps) {
		return "step " + before.Steps[len(p.Steps)].ID
	}
	return "something beside its steps"
}

// asData is v as JSON has it, so that absent and empty are the same.
func asData(v any) any {
	var out any
	if b, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}
