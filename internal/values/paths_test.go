package values_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

type m = map[string]any

func TestMissingListsWhatTheReleaseHasAndTheFilesLack(t *testing.T) {
	t.Parallel()
	release := m{"license": "x", "a": m{"b": 1, "c": m{"d": 1, "e": 2}}, "l": []any{1}, "empty": m{}, "gone": 1, "map": m{"x": 1}}
	given := m{"a": m{"b": 9, "c": m{"e": 3}}, "gone": nil, "map": "a string", "new": true}
	var got []string
	for _, p := range values.MissingPaths(release, given) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff([]string{"a.c.d", "empty", "l", "license"}, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if rest := values.MissingPaths(release, values.Merge(release, given)); len(rest) > 0 {
		t.Errorf("after reusing them %v are missing", rest)
	}
}

func TestMergeIsHelmsAndLeavesItsInputsAlone(t *testing.T) {
	t.Parallel()
	base, over := m{"a": m{"b": 1, "l": []any{1}}}, m{"a": m{"c": m{"d": 2}, "l": []any{2}, "n": nil}}
	got := values.Merge(base, over)
	if diff := cmp.Diff(m{"a": m{"b": 1, "c": m{"d": 2}, "l": []any{2}, "n": nil}}, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	got["a"].(m)["c"].(m)["d"] = 3
	if diff := cmp.Diff(m{"a": m{"c": m{"d": 2}, "l": []any{2}, "n": nil}}, over); diff != "" {
		t.Errorf("the input changed:\n%s", diff)
	}
	if diff := cmp.Diff(m{"a": m{"b": 1, "l": []any{1}}}, base); diff != "" {
		t.Errorf("the input changed:\n%s", diff)
	}
}

func TestPathsAreWrittenSoThatTheyCanBeRead(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]values.Path{
		"a.b": {"a", "b"}, `a."node.kubernetes.io/x".0`: {"a", "node.kubernetes.io/x", "0"}, `a.""`: {"a", ""},
	} {
		if got := p.String(); got != want {
			t.Errorf("%#v is %s, want %s", p, got, want)
		}
	}
}

func TestAssignEditsTheLastFileThatSetsThePath(t *testing.T) {
	t.Parallel()
	files := []map[string]any{
		{"a": m{"b": 1}, "c": m{"d": m{"e": 1}}, "only": 1},
		{"a": m{"b": 2}, "c": m{"x": 1}},
		{"z": 1},
	}
	got := values.AssignEdits([]values.Edit{setEdit("a.b", 3), setEdit("c.d.f", 1), setEdit("only", 2), setEdit("new.key", 1), setEdit("a.n", 1)}, files)
	var where []string
	for i, edits := range got {
		for _, e := range edits {
			where = append(where, strings.Repeat(">", i)+e.Path.String())
		}
	}
	if diff := cmp.Diff([]string{"c.d.f", "only", ">a.b", ">a.n", ">>new.key"}, where); diff != "" {
		t.Errorf("edits by file (-want +got):\n%s", diff)
	}
}
