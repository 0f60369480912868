package values

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// addPodSecrets sees to it that the operators' own pods have the pull secret:
// versions up to 5.0.2 give them none from the repositories, and a list of the
// user's own takes its place in all.
func (r *rewriter) addPodSecrets() error {
	if r.PullSecret == "" {
		return nil
	}
	order, lacking, err := r.lackSecret(r.values)
	if err != nil {
		return err
	}
	trials := map[string]map[string]bool{} // who still lacks it, by the list that has it
	for _, id := range order {
		if !lacking[id] {
			continue
		}
		changed, err := r.addPodSecret(id, trials)
		if err != nil {
			return err
		}
		if changed {
			clear(trials)
			if _, lacking, err = r.lackSecret(r.values); err != nil {
				return err
			}
		}
	}
	return nil
}

// addPodSecret tries the lists that may decide one workload's pull secrets, and
// keeps the first that does. Each is rendered once for all workloads.
func (r *rewriter) addPodSecret(id string, trials map[string]map[string]bool) (changed bool, err error) {
	for _, at := range append(r.podSecretPaths()[1:], Path{"global", "operator", "imagePullSecrets"}) {
		if list, _ := Get(r.values, at...); at[0] == "operators" && len(secretList(list)) == 0 {
			continue
		}
		still, tried := trials[at.String()]
		if !tried {
			trial := &rewriter{Input: r.Input, values: r.values, renderCache: r.renderCache}
			if err := trial.addSecret(at, ""); err != nil {
				return false, err
			}
			// A nil map says that it does not render.
			if _, still, err = r.lackSecret(trial.values); err != nil {
				still = nil
			}
			trials[at.String()] = still
		}
		if still == nil || still[id] {
			continue
		}
		return true, r.addSecret(at, "the pods of "+id+" have no pull secret without it")
	}
	r.addWarning("the pods of %s have no pull secret, and no setting was found that gives them one", id)
	return false, nil
}

// lackSecret are the workloads whose pods go without the pull secret, by their
// IDs and in their order.
func (r *rewriter) lackSecret(values map[string]any) (order []string, lacking map[string]bool, err error) {
	objects, _, err := r.discoverImages(values)
	if err != nil {
		return nil, nil, err
	}
	seen, lacking := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		spec := GetMap(o, "spec", "template", "spec")
		id := images.ObjectID(o)
		if seen[id] { // the first of several counts
			continue
		}
		seen[id] = true
		if spec != nil && !hasSecret(spec["imagePullSecrets"], r.PullSecret) {
			order = append(order, id)
			lacking[id] = true
		}
	}
	return order, lacking, nil
}

// findPins compares the tags with those of the chart's own images.
func (r *rewriter) findPins() error {
	_, list, err := r.discoverImages(r.values)
	if err != nil {
		return err
	}
	now := referencesByPosition(list)
	own := map[fieldPosition]images.Ref{}
	plain := withoutPath(r.values, Path{"images"})
	for name := range GetMap(r.values, "operators") {
		removePath(plain, Path{"operators", name, "image"})
	}
	if _, list, err = r.discoverImages(plain); err == nil {
		own = referencesByPosition(list)
	}
	seen := map[string]bool{}
	for at, ref := range now {
		def, ok := own[at]
		name := def.Base()
		if !ok || seen[name] || (def.Tag == ref.Tag && def.Digest == ref.Digest) {
			continue
		}
		seen[name] = true
		p := Path{"images", name}
		if _, set := Get(r.values, p...); !set {
			p = Path{"operators", "object-store", "image"}
		}
		r.pins = append(r.pins, Pin{Path: p, Pinned: ref, Default: def})
	}
	slices.SortFunc(r.pins, func(a, b Pin) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return nil
}

func hasSecret(v any, name string) bool {
	list, _ := v.([]any)
	return slices.ContainsFunc(list, func(e any) bool {
		m, ok := e.(map[string]any)
		return ok && m["name"] == name
	})
}

// secretList is a list of pull secrets, also where it is JSON in a string.
func secretList(v any) []any {
	if s, ok := v.(string); ok {
		var list []any
		if json.Unmarshal([]byte(s), &list) == nil {
			return list
		}
	}
	list, _ := v.([]any)
	return list
}

// addSecret appends the pull secret to the list at path.
func (r *rewriter) addSecret(path Path, why string) error {
	old, _ := Get(r.values, path...)
	list := secretList(old)
	if r.PullSecret == "" || hasSecret(list, r.PullSecret) {
		return nil
	}
	entry := map[string]any{"name": r.PullSecret}
	if r.secretsAsText() && path[0] != "repositories" {
		return r.applyEdit(Edit{Path: path, Value: jsonText(append(list, entry))}, r.secretsAsTextWhy())
	}
	return r.applyEdit(Edit{Path: path, Value: entry, Op: Append}, why)
}
