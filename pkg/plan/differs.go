package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// DiffersFrom says where p, a plan for the present state, parts from one that was
// written down before, as the file has it; it is empty where they are one and
// the same. Warnings count: who reviewed the file without one has not seen it.
func (p *Plan) DiffersFrom(before *Plan) string {
	switch {
	case p.Cluster.UID != before.Cluster.UID:
		return "the cluster differs"
	case p.Bundle.Digest != before.Bundle.Digest:
		return "the bundle differs"
	}
	if option := firstDifference(p.Options, before.Options); option != "" {
		return "option " + option + " differs"
	}
	for _, part := range []string{
		differentSteps(p.Steps, before.Steps),
		differentNotices("refusal", p.Refusals, before.Refusals),
		differentNotices("warning", p.Warnings, before.Warnings),
	} {
		if part != "" {
			return part
		}
	}
	if p.Digest() == before.Digest() {
		return ""
	}
	now, then := *p, *before
	now.Warnings, now.Preflight, now.Claims = nil, nil, nil
	then.Warnings, then.Preflight, then.Claims = nil, nil, nil
	return "the file's field " + firstDifference(now, then) + " differs"
}

// differentSteps names the first step that the two don't share.
func differentSteps(now, then []Step) string {
	with := func(steps []Step, id string) bool {
		return slices.ContainsFunc(steps, func(s Step) bool { return s.ID == id })
	}
	for _, s := range now {
		if !with(then, s.ID) {
			return "step " + s.ID + " is missing in the file"
		}
	}
	for _, s := range then {
		if !with(now, s.ID) {
			return "step " + s.ID + " of the file is not in the current plan"
		}
	}
	for i, s := range now {
		switch {
		case len(then) != len(now):
			return "the file has a step twice"
		case s.ID != then[i].ID:
			return "step " + s.ID + " is in another place in the file"
		}
		if fields := differences(s, then[i]); len(fields) > 0 {
			return "step " + s.ID + " differs in " + strings.Join(fields, ", ")
		}
	}
	return ""
}

// differentNotices names the first notice that the two don't share.
func differentNotices(kind string, now, then []Notice) string {
	for _, n := range now {
		if !slices.Contains(then, n) {
			return fmt.Sprintf("%s %s is missing in the file or differs: %s", kind, n.ID, n.Message)
		}
	}
	for _, n := range then {
		if !slices.Contains(now, n) && !isAdvice(n) {
			return fmt.Sprintf("%s %s of the file no longer applies: %s", kind, n.ID, n.Message)
		}
	}
	return ""
}

// isAdvice reports whether a notice is about a setting without effect. Finding
// these out has a time limit: the file may know of more.
func isAdvice(n Notice) bool { return n.ID == "value-ineffective" || n.ID == "value-lost" }

// firstDifference is the first field, by name, in which two values differ, as
// the plan's file calls it; it is empty where they are the same.
func firstDifference(a, b any) string {
	if names := differences(a, b); len(names) > 0 {
		return names[0]
	}
	return ""
}

// differences are the fields in which two values differ, sorted.
func differences(a, b any) []string {
	now, _ := asData(a).(map[string]any)
	then, _ := asData(b).(map[string]any)
	all := map[string]any{}
	maps.Copy(all, now)
	maps.Copy(all, then)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool {
		return reflect.DeepEqual(now[name], then[name])
	})
}

// asData is v as JSON has it, so that absent and empty are the same.
func asData(v any) any {
	var out any
	if b, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}
