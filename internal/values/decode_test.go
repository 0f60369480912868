package values

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// unambiguous reports whether no two keys of a map are the same text, which
// [canon] could not tell apart.
func unambiguous(v any) bool {
	switch v := v.(type) {
	case map[any]any:
		seen := map[string]bool{}
		for k, e := range v {
			text := fmt.Sprint(normalize(k))
			if seen[text] || !unambiguous(e) {
				return false
			}
			seen[text] = true
		}
	case map[string]any:
		for _, e := range v {
			if !unambiguous(e) {
				return false
			}
		}
	case []any:
		for _, e := range v {
			if !unambiguous(e) {
				return false
			}
		}
	}
	return true
}

var documents = []string{
	"", "a: 1", "a: {b: [1, 2.5, ~, true, yes, 'no', 0x1f, 0o17, 017, .inf, 1e3, 2001-01-01, 2001-12-14t21:59:43.10-05:00]}",
	"a: &x {b: 1}\nc: *x\n<<: *x\n", "<<: {a: 1}\na: 2", "<<: [{a: 1, b: 1}, {a: 2, c: 2}]\nb: 3", "a: &l [{x: 1}]\n<<: *l", "<<: 1", "<<: [1]",
	"'<<': 1", "!!str <<: {a: 1}", "? [a]\n: 1", "? {a: 1}\n: 1", "a: 1\na: 2", "a: {b: 1, b: 2, b: 3}\nc: {d: 1, d: 1}", "1: a\n'2': b\ntrue: c\n~: d",
	"a: !!int x", "a: !!binary aGk=", "a: !!binary '%%'", "a: !custom {b: 1}", "a: !!float 1", "a: &a [*a]", "a: !!set {x, y}", "- 1\n- a: b", "text", "a: |\n  x\n  y\n",
	"a: !!null x", "a: !!timestamp 2001-01-01", "a: !!bool yes", "a: !!str", "? \n: 1", "!!merge <<: {a: 1}", "a: !!map {b: 1}", "a: !!seq [1]", "a: !!str {b: 1}",
	"&a a: *a", "a: 12345678901234567890", "a: -0", "a: 1_000", "a: !!int 1_000", "a: \"\\u0000\"", "---\na: 1\n---\nb: 2",
}

// The own reading is the library's, for whatever it reads and refuses.
func FuzzDecode(f *testing.F) {
	for _, src := range documents {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var want any
		err := unmarshal(src, &want)
		got, own := recovered(src)
		if (err != nil) != (own != nil) {
			t.Fatalf("%q: the library says %v, decode %v", src, err, own)
		}
		if err == nil && unambiguous(want) && !reflect.DeepEqual(normalize(want), got) && !strings.Contains(fmt.Sprint(want), "NaN") {
			t.Fatalf("%q: the library reads %#v, decode %#v", src, normalize(want), got)
		}
	})
}

// The library panics on some input.
func unmarshal(src []byte, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return yaml.Unmarshal(src, v)
}

func recovered(src []byte) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return decode(src)
}

func TestADocumentThatRepeatsKeysNamesTheLines(t *testing.T) {
	t.Parallel()
	_, err := decode([]byte("a: 1\nb: {c: 1, c: 2}\na: 2\n"))
	if err == nil || err.Error() != "yaml: unmarshal errors:\n  line 3: mapping key \"a\" already defined at line 1" {
		t.Errorf("received %v", err)
	}
}

// What explodes is refused before it does.
func TestAliasesThatExplodeAreRefused(t *testing.T) {
	t.Parallel()
	text := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		text += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), ", "))
	}
	if _, err := decode([]byte(text)); err == nil || !strings.Contains(err.Error(), "excessive aliasing") {
		t.Errorf("received %v", err)
	}
}
