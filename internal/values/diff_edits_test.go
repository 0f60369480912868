package values_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

func mustParse(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBetweenLeadsFromOneSetOfValuesToAnother(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		edits         []string
	}{
		"a setting":            {"a: {b: 1, c: 2}", "a: {b: 3, c: 2}", []string{"set a.b"}},
		"a new setting":        {"a: {b: 1}", "a: {b: 1, c: {d: 2}}", []string{"set a.c"}},
		"a null":               {"a: {b: 1}", "a: {b: null}", []string{"set a.b"}},
		"one that is gone":     {"a: {b: 1, c: 2}\nd: 1", "a: {b: 1}", []string{"remove d", "remove a.c"}},
		"a map without keys":   {"a: {b: 1}", "a: {}", []string{"set a"}},
		"an element":           {"l: [{x: 1, z: 1}, {x: 2}]", "l: [{x: 1, z: 1}, {x: 3}]", []string{"set l.1.x"}},
		"a longer list":        {"l: [1]", "l: [1, 2, 3]", []string{"append to l", "append to l"}},
		"twice the same":       {"l: [1]", "l: [1, 2, 2]", []string{"set l"}},
		"a shorter list":       {"l: [1, 2]", "l: [1]", []string{"set l"}},
		"a list in no list":    {"l: []", "l: [1]", []string{"set l"}},
		"a text in map's room": {"a: {b: 1}", "a: x", []string{"set a"}},
		"nothing":              {"a: {b: 1.0}", "a: {b: 1}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := mustParse(t, tc.before), mustParse(t, tc.after)
			edits := values.DiffEdits(before, after)
			var got []string
			for _, e := range edits {
				got = append(got, e.String())
			}
			if diff := cmp.Diff(tc.edits, got); diff != "" {
				t.Errorf("edits (-want +got):\n%s", diff)
			}
			out, err := values.Apply([]byte(tc.before+"\n"), edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(after, mustParse(t, string(out))); diff != "" {
				t.Errorf("applied to the file (-want +got):\n%s", diff)
			}
			merged := values.Merge(before, values.Overlay(before, after))
			if diff := cmp.Diff(after, dropNulls(merged, after)); diff != "" {
				t.Errorf("merged with what comes over it (-want +got):\n%s", diff)
			}
		})
	}
}

// dropNulls takes out the nulls that stand for what like lacks.
func dropNulls(m, like map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		want, there := like[k]
		if v == nil && !there {
			continue
		}
		sub, isMap := v.(map[string]any)
		if wantMap, ok := want.(map[string]any); isMap && ok {
			v = dropNulls(sub, wantMap)
		}
		out[k] = v
	}
	return out
}
