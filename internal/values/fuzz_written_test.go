package values_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// FuzzApplyKeepsEveryByteOutside edits files of which it knows where each
// setting stands: what is outside the asked one is there afterwards, byte for
// byte, and a file of plain forms is not refused.
func FuzzApplyKeepsEveryByteOutside(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		choices := make([]byte, 60)
		for i := range choices {
			choices[i] = byte(random.UintN(256))
		}
		f.Add(choices, uint8(random.UintN(256)), uint8(random.UintN(4)), "priv:5000/x")
	}
	f.Fuzz(func(t *testing.T, choices []byte, which, how uint8, value string) {
		w, value := generateFile(choices), strings.ToValidUTF8(value, "")
		src := w.b.String()
		var before map[string]any
		if err := yaml.Unmarshal([]byte(src), &before); err != nil {
			t.Fatalf("the writer wrote what is no YAML: %v\n%s", err, src)
		}
		s := w.spots[int(which)%len(w.spots)]
		if _, there := values.Get(before, s.path...); !there {
			t.Fatalf("the writer lost %q in:\n%s", s.path, src)
		}
		e, keeps := w.pickEdit(s, how, value)
		out, err := values.Apply([]byte(src), []values.Edit{e})
		if err != nil {
			checkRefusal(t, src, s, e, err)
			return
		}
		var after map[string]any
		if err := yaml.Unmarshal(out, &after); err != nil {
			t.Fatalf("the result can't be read: %v\n%s", err, out)
		}
		checkMeaning(t, before, after, e)
		if string(out) != src && !keeps(src, string(out)) {
			t.Fatalf("%s touched more than its place in:\n%q\nwhich became\n%q", e, src, out)
		}
	})
}

// pickEdit picks an edit, and says what it must leave.
func (w *generatedFile) pickEdit(s pathPosition, how uint8, value string) (values.Edit, func(src, out string) bool) {
	inserts := func(src, out string) bool { return insertedOnce(src, out) }
	switch {
	case how%4 == 1 && s.lines+s.next > 0:
		return values.Edit{Path: s.path, Op: values.Remove}, func(src, out string) bool {
			rest := src[:s.lines] + src[s.next:]
			// A map that had nothing else keeps its braces.
			return out == rest || s.alone && insertedOnce(rest, out)
		}
	case how%4 == 2 && (s.kind == kindMap || s.kind == kindFlow):
		return values.Edit{Path: append(s.path[:len(s.path):len(s.path)], "new"), Value: value}, inserts
	case how%4 == 2 && s.kind == kindList:
		return values.Edit{Path: s.path, Value: value, Op: values.Append}, inserts
	case how%4 == 3:
		return values.Edit{Path: append(s.path[:len(s.path)-1:len(s.path)-1], "new", "below"), Value: value}, inserts
	}
	return values.Edit{Path: s.path, Value: value}, func(src, out string) bool {
		if s.kind == kindMap || s.kind == kindList {
			// The value goes to the key's line, whose comment stays.
			tail := src[s.end:]
			return strings.HasSuffix(out, tail) && insertedOnce(src[:s.start], strings.TrimSuffix(out, tail))
		}
		return strings.HasPrefix(out, src[:s.start]) && strings.HasSuffix(out[s.start:], src[s.end:])
	}
}

// insertedOnce reports whether out is src with one stretch put into it.
func insertedOnce(src, out string) bool {
	if len(out) < len(src) {
		return false
	}
	p := 0
	for p < len(src) && src[p] == out[p] {
		p++
	}
	return strings.HasSuffix(out[p:], src[p:]) || strings.HasSuffix(out, src[p:])
}

func checkRefusal(t *testing.T, src string, s pathPosition, e values.Edit, err error) {
	t.Helper()
	var refused *values.EditError
	if !errors.As(err, &refused) {
		t.Fatalf("error of another type: %v", err)
	}
	plain := !strings.Contains(src, "&n") && !strings.Contains(src, "*n") && e.Op == values.Set && s.kind != kindMap && s.kind != kindList
	if plain && len(e.Path) == len(s.path) && e.Path[len(e.Path)-1] != "new" {
		t.Fatalf("%s is refused: %v\n%s", e, err, src)
	}
}
