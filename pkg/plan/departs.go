package plan

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
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
	if option := p.Options.departs(before.Options); option != "" {
		return "option " + option
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

// departs names the first choice that differs, as the plan's file calls it; it
// is empty where all are the same.
func (o Options) departs(before Options) string {
	now, _ := asData(o).(map[string]any)
	then, _ := asData(before).(map[string]any)
	all := map[string]any{}
	maps.Copy(all, now)
	maps.Copy(all, then)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(now[name], then[name]) {
			return name
		}
	}
	return ""
}

// asData is v as JSON has it, so that absent and empty are the same.
func asData(v any) any {
	var out any
	if b, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}
