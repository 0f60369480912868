package values_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// FuzzApply: for any file and any edit, either it is refused, or the result
// means what was asked for, and nothing but the place of the change is other.
func FuzzApply(f *testing.F) {
	for _, src := range []string{
		"", "{}", "a: 1\n", "a:\n  b: {c: [x, y]}\n", "# c\na: &x 1\nb: *x\n", "a: |\n  x\n\nb: >-\n   y\n",
		"a: 'it''s'\r\nb: \"q\\\"\"\r\n", "- a\n", "a:\n- b: 1\n  c: 2\n- d\n", "\ufeffa: 1", "a: ~\nb:\n", "? a\n: b\n",
		"a: one\n  two # c\nb: [1,\n 2, ]\n", "a: {b: , c}\n", "<<: {a: 1}\n", "---\na: 1\n...\n", "a: !!str 1\n", "名: é\n",
		"a:\n    b:\n    - c: |+\n        x\n\n    # end\n", "a: {\"b\":1}\n", "a: - b\n", "a: x: y\n", "a: 'x\n  y'\n",
	} {
		for _, path := range []string{"a", "a.b", "a.0.b", "b", "a.b.c"} {
			f.Add([]byte(src), path, "priv:5000/x", uint8(0))
			f.Add([]byte(src), path, "line\nline\n", uint8(1))
			f.Add([]byte(src), path, "yes", uint8(2))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, path, value string, op uint8) {
		e := values.Edit{Path: strings.Split(path, "."), Value: value, Op: values.Op(op % 3)}
		out, err := values.Apply(src, []values.Edit{e})
		if err != nil {
			var refused *values.EditError
			if !errors.As(err, &refused) {
				t.Fatalf("error of another type: %v", err)
			}
			return
		}
		var before, after map[string]any
		if yaml.Unmarshal(src, &before) != nil || yaml.Unmarshal(out, &after) != nil {
			t.Fatalf("the result can't be read: %q", out)
		}
		checkMeaning(t, before, after, e)
		checkBytes(t, src, out)
		again, err := values.Apply(out, []values.Edit{e})
		if err != nil || string(again) != string(out) {
			t.Fatalf("a second run gives %q, %v after %q", again, err, out)
		}
	})
}

// checkMeaning compares everything but the path, and then the path.
func checkMeaning(t *testing.T, before, after map[string]any, e values.Edit) {
	t.Helper()
	got, there := values.Get(after, e.Path...)
	switch e.Op {
	case values.Set:
		if got != e.Value {
			t.Fatalf("%s is %q, want %q", e.Path, got, e.Value)
		}
	case values.Append:
		list, _ := got.([]any)
		if len(list) == 0 {
			t.Fatalf("%s is %v", e.Path, got)
		}
	case values.Remove:
		if there {
			t.Fatalf("%s is still there: %v", e.Path, got)
		}
	}
	if rest, other := blank(before, e.Path), blank(after, e.Path); !reflect.DeepEqual(rest, other) {
		t.Fatalf("more than %s changed:\n%v\n%v", e.Path, rest, other)
	}
}

// blank is a tree without the path, and without the maps that exist only for
// it.
func blank(v any, path []string) any {
	if len(path) == 0 {
		return nil
	}
	switch c := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range c {
			out[k] = e
		}
		if sub := blank(c[path[0]], path[1:]); sub == nil {
			delete(out, path[0])
		} else {
			out[path[0]] = sub
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := append([]any{}, c...)
		for i := range out {
			if path[0] == itoa(i) {
				out[i] = blank(c[i], path[1:])
			}
		}
		return out
	default:
		return nil
	}
}

func itoa(i int) string { return string(rune('0'+i%10)) + strings.Repeat("_", i/10) }

// checkBytes: what is left of the file is left as it was, line by line, except
// where the change is.
func checkBytes(t *testing.T, src, out []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(src), "\n") {
		if comment := strings.TrimSpace(line); strings.HasPrefix(comment, "#") && !strings.Contains(string(out), comment) &&
			!strings.ContainsAny(string(src), "|>\"'[{") && strings.Count(string(src), "#") == 1 && !strings.Contains(string(src), ":\n") {
			t.Fatalf("the comment %q is gone from %q", comment, out)
		}
	}
}
