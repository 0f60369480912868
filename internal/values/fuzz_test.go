package values_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// FuzzApply: for any file and any edit, either it is refused, or the result
// means what was asked for, and nothing but the place of the change is other.
func FuzzApply(f *testing.F) {
	for _, src := range []string{
		"", "{}", "a: 1\n", "a:\n  b: {c: [x, y]}\n", "# c\na: &x 1\nb: *x\n", "a: |\n  x\n\nb: >-\n   y\n",
		"a: 'it''s'\r\nb: \"q\\\"\"\r\n", "- a\n", "a:\n- b: 1\n  c: 2\n- d\n", "\ufeffa: 1", "a: ~\nb:\n", "? a\n: b\n",
		"a: one\n  two # c\nb: [1,\n 2, ]\n", "a: {b: , c}\n", "a: {c: 1, b: 2}\n", "a: {c: 1, # c\n b: 2 }\n", "<<: {a: 1}\n", "---\na: 1\n...\n", "a: !!str 1\n", "名: é\n",
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
		checkBytes(t, src, out, e)
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
	if rest, other := withoutEmpty(before, e.Path), withoutEmpty(after, e.Path); !reflect.DeepEqual(rest, other) {
		t.Fatalf("more than %s changed:\n%v\n%v", e.Path, rest, other)
	}
}

// withoutEmpty is a tree without the path, and without the maps that exist only for
// it.
func withoutEmpty(v any, path []string) any {
	if len(path) == 0 {
		return nil
	}
	switch c := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range c {
			out[k] = e
		}
		if sub := withoutEmpty(c[path[0]], path[1:]); sub == nil {
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
			if path[0] == shortName(i) {
				out[i] = withoutEmpty(c[i], path[1:])
			}
		}
		return out
	default:
		return nil
	}
}

func shortName(i int) string { return string(rune('0'+i%10)) + strings.Repeat("_", i/10) }

// checkBytes: what is not the asked setting's is there afterwards, byte for
// byte. A new setting is one insertion; of one that was there only the bytes
// from its key to the next node's may differ, and no comment outside is lost.
func checkBytes(t *testing.T, src, out []byte, e values.Edit) {
	t.Helper()
	var doc yamlv3.Node
	if bytes.HasPrefix(src, []byte("\ufeff")) || yamlv3.Unmarshal(src, &doc) != nil || len(doc.Content) == 0 || string(src) == string(out) {
		return
	}
	nodes := &nodeOrder{lines: strings.SplitAfter(string(src), "\n"), comments: map[string]int{}}
	nodes.walkNode(doc.Content[0], e.Path, true, 0)
	if !nodes.found {
		if !nodes.onEmpty && !insertedOnce(string(src), string(out)) {
			t.Fatalf("%s did more than put something in:\n%q\n%q", e, src, out)
		}
		return
	}
	hi := len(src)
	if nodes.next > 0 {
		hi = nodes.next
	}
	if !bytes.HasPrefix(out, src[:nodes.start]) || !bytes.HasSuffix(out[nodes.start:], src[hi:]) {
		t.Fatalf("%s changed bytes outside of %d to %d:\n%q\n%q", e, nodes.start, hi, src, out)
	}
	for c, n := range nodes.comments {
		if strings.Count(string(out), c) < n {
			t.Fatalf("%s lost the comment %q:\n%q\n%q", e, c, src, out)
		}
	}
}

// nodeOrder goes through a document in its order.
type nodeOrder struct {
	lines       []string
	start, next int
	found, past bool
	// onEmpty says that the way ends at a null or an empty collection, which is
	// replaced.
	onEmpty bool
	// comments are those of all nodes but the asked one and what is below it.
	comments map[string]int
}

func (o *nodeOrder) walkNode(n *yamlv3.Node, path []string, on bool, above int) {
	if o.past && o.next == 0 {
		o.next = o.nodeOffset(n)
	}
	if on && len(n.Content) == 0 {
		o.onEmpty = true
	}
	o.recordNode(n)
	for i := 0; i < len(n.Content); i++ {
		c := n.Content[i]
		here := on && len(path) > 0 && (n.Kind == yamlv3.SequenceNode && path[0] == shortName(i))
		if n.Kind == yamlv3.MappingNode {
			if o.past && o.next == 0 {
				o.next = o.nodeOffset(c)
			}
			key := c
			if !on || len(path) != 1 || key.Value != path[0] {
				o.recordNode(key)
			}
			i, c = i+1, n.Content[i+1]
			here = on && len(path) > 0 && key.Kind == yamlv3.ScalarNode && key.Value == path[0]
			if here && len(path) == 1 {
				o.recordTarget(key)
				if n.Style&yamlv3.FlowStyle != 0 && i+1 == len(n.Content) {
					// The comma before the last pair goes with it, and the
					// mark of a key.
					text := strings.TrimSuffix(strings.Join(o.lines, "")[:o.start], "?")
					o.start = len(strings.TrimRight(text, " \t\r\n,"))
				}
				if len(n.Content) == 2 {
					// Without it, braces take the place of the map.
					o.start = above
				}
				continue
			}
		} else if here && len(path) == 1 {
			o.recordTarget(c)
			continue
		}
		var below []string
		if here {
			below = path[1:]
		}
		o.walkNode(c, below, here, o.nodeOffset(n.Content[i-i%2]))
	}
}

// recordTarget takes in the blanks before the asked node, too: with it they may go.
func (o *nodeOrder) recordTarget(n *yamlv3.Node) {
	o.start, o.found, o.past = o.nodeOffset(n), true, true
	if line := o.lines[n.Line-1]; len(line)-len(strings.TrimLeft(line, " ")) == n.Column-1 {
		o.start -= n.Column - 1
	}
}

func (o *nodeOrder) recordNode(n *yamlv3.Node) {
	for _, c := range []string{n.HeadComment, n.LineComment, n.FootComment} {
		for line := range strings.SplitSeq(c, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				o.comments[line]++
			}
		}
	}
}

// nodeOffset is where a node stands, in bytes.
func (o *nodeOrder) nodeOffset(n *yamlv3.Node) int {
	at := 0
	for i := range n.Line - 1 {
		at += len(o.lines[i])
	}
	for i, r := range []rune(o.lines[n.Line-1]) {
		if i == n.Column-1 {
			break
		}
		at += utf8.RuneLen(r)
	}
	return at
}
