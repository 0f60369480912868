package values_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

func setEdit(path string, v any) values.Edit {
	return values.Edit{Path: strings.Split(path, "."), Value: v}
}

func appendEdit(path string, v any) values.Edit {
	return values.Edit{Path: strings.Split(path, "."), Value: v, Op: values.Append}
}

func removeEdit(path string) values.Edit {
	return values.Edit{Path: strings.Split(path, "."), Op: values.Remove}
}

func TestApplyChangesTheValueAndNothingElse(t *testing.T) {
	t.Parallel()
	secret := map[string]any{"name": "pull"}
	for name, tc := range map[string]struct {
		src, want string
		edits     []values.Edit
	}{
		"a plain scalar with a comment": {
			"a:\n  host: quay.io   # public\n  b: 1\n", "a:\n  host: priv:5000   # public\n  b: 1\n",
			[]values.Edit{setEdit("a.host", "priv:5000")}},
		"double quotes stay double": {
			"a: \"quay.io\" # x\n", "a: \"priv\" # x\n", []values.Edit{setEdit("a", "priv")}},
		"single quotes stay single": {
			"a: 'it''s' # x\n", "a: 'that''s' # x\n", []values.Edit{setEdit("a", "that's")}},
		"a plain scalar that would become a bool is quoted": {
			"a: x\n", "a: \"yes\"\n", []values.Edit{setEdit("a", "yes")}},
		"control characters are escaped": {
			"a: x # c\n", "a: \"p\\u007fq\\u0001\" # c\n", []values.Edit{setEdit("a", "p\x7fq\x01")}},
		"control characters are not put between single quotes": {
			"a: 'x'\n", "a: \"p\\u007fq\"\n", []values.Edit{setEdit("a", "p\x7fq")}},
		"JSON stays JSON": {
			"{\"a\": {\"b\": \"x\", \"l\": [1]},\n \"e\": {}, \"n\": null}\n",
			"{\"a\": {\"b\": \"y\", \"l\": [1, {\"k\":\"v\"}], \"c\": {\"d\":\"z\"}},\n \"e\": {\"f\":true}, \"n\": \"p\"}\n",
			[]values.Edit{setEdit("a.b", "y"), appendEdit("a.l", map[string]any{"k": "v"}), setEdit("a.c.d", "z"), setEdit("e.f", true), setEdit("n", "p")}},
		"empty JSON stays JSON": {
			"{}\n", "{\"a\":{\"b\":\"x\"}}\n", []values.Edit{setEdit("a.b", "x")}},
		"windows line endings": {
			"a:\r\n  b: 1\r\n", "a:\r\n  b: 2\r\n  c: x\r\n", []values.Edit{setEdit("a.b", 2), setEdit("a.c", "x")}},
		"a byte order mark": {
			"\ufeffa: 1\n", "\ufeffa: 2\n", []values.Edit{setEdit("a", 2)}},
		"no line break at the end": {
			"a: 1", "a: 1\nb: 2", []values.Edit{setEdit("b", 2)}},
		"an empty file": {
			"", "repositories:\n  aistor:\n    hostname: priv\n", []values.Edit{setEdit("repositories.aistor.hostname", "priv")}},
		"a file of comments": {
			"# nothing yet", "# nothing yet\na: 1\n", []values.Edit{setEdit("a", 1)}},
		"empty braces become a block": {
			"repositories: {}  # none\nz: 1\n", "repositories:  # none\n  aistor:\n    hostname: priv\nz: 1\n",
			[]values.Edit{setEdit("repositories.aistor.hostname", "priv")}},
		"a key without a value": {
			"repositories:\n  # aistor:\nz: 1\n", "repositories:\n  aistor: x\n  # aistor:\nz: 1\n",
			[]values.Edit{setEdit("repositories.aistor", "x")}},
		"the last setting between braces takes its comma with it": {
			"a: {c: 1, b: 2} # x\n", "a: {c: 1} # x\n", []values.Edit{removeEdit("a.b")}},
		"a comment between braces stays": {
			"a: {c: 1, # c\n    b: 2}\n", "a: {c: 1, # c\n    }\n", []values.Edit{removeEdit("a.b")}},
		"an explicit null": {
			"a: ~ # none\n", "a: # none\n  b: 1\n", []values.Edit{setEdit("a.b", 1)}},
		"a new key goes below its siblings": {
			"a:\n    b:\n        c: 1 # one\n    # the end\nz: 1\n", "a:\n    b:\n        c: 1 # one\n        d: 2\n    # the end\nz: 1\n",
			[]values.Edit{setEdit("a.b.d", 2)}},
		"a new key in a flow map": {
			"a: {b: 1, c: [x, y]} # f\n", "a: {b: 1, c: [x, y], d: priv} # f\n", []values.Edit{setEdit("a.d", "priv")}},
		"a value in a flow map": {
			"a: {b: quay.io/x:1, c: 2}\n", "a: {b: priv/x:1, c: 2}\n", []values.Edit{setEdit("a.b", "priv/x:1")}},
		"an element is appended in the list's own layout": {
			"s:\n- name: old # keep\nz: 1\n", "s:\n- name: old # keep\n- name: pull\nz: 1\n", []values.Edit{appendEdit("s", secret)}},
		"an element is appended to an indented list": {
			"s:\n    - name: old\n      x: 1\n", "s:\n    - name: old\n      x: 1\n    - name: pull\n", []values.Edit{appendEdit("s", secret)}},
		"an element is appended to a flow list": {
			"s: [{name: old}]\n", "s: [{name: old}, {name: pull}]\n", []values.Edit{appendEdit("s", secret)}},
		"an element is appended to an empty list": {
			"g:\n  s: [] # none\n  t: 1\n", "g:\n  s: # none\n    - name: pull\n  t: 1\n", []values.Edit{appendEdit("g.s", secret)}},
		"an element that is there is not appended": {
			"s:\n- {name: 'pull'}\n", "s:\n- {name: 'pull'}\n", []values.Edit{appendEdit("s", secret)}},
		"a list is made": {
			"r:\n  h: x\n", "r:\n  h: x\n  s:\n    - name: pull\n", []values.Edit{appendEdit("r.s", secret)}},
		"an element of a list": {
			"c:\n- name: i\n  image: busybox:1 # tag\n- name: j\n", "c:\n- name: i\n  image: priv/busybox:1 # tag\n- name: j\n",
			[]values.Edit{setEdit("c.0.image", "priv/busybox:1")}},
		"a string becomes a map": {
			"images:\n  minio: quay.io/m:1 # pin\n  mc: x\n", "images:\n  minio: # pin\n    image: m:1\n    repository: aistor\n  mc: x\n",
			[]values.Edit{setEdit("images.minio", map[string]any{"repository": "aistor", "image": "m:1"})}},
		"a map becomes a string": {
			"a: # k\n  b: 1\n  c: 2\nz: 1\n", "a: s # k\nz: 1\n", []values.Edit{setEdit("a", "s")}},
		"a literal block stays one": {
			"r:\n- |\n  image: quay.io/x:1\n  z: 1\nz: 1\n", "r:\n- |\n  image: priv/x:1\n  z: 1\nz: 1\n",
			[]values.Edit{setEdit("r.0", "image: priv/x:1\nz: 1\n")}},
		"a key after a literal block": {
			"a: |\n  text\n\n\nb:\n  c: |+\n    x\n\n", "a: |\n  text\n\n\nb:\n  c: |+\n    x\n\n  d: 1\n", []values.Edit{setEdit("b.d", 1)}},
		"a scalar over several lines": {
			"a: one\n  two\n\n  three # c\nb: 1\n", "a: x # c\nb: 1\n", []values.Edit{setEdit("a", "x")}},
		"runes before the value": {
			"名: {ключ: \"é\", b: 1}\n", "名: {ключ: \"é\", b: 2}\n", []values.Edit{setEdit("名.b", 2)}},
		"quoted keys and dots": {
			"\"a.b\": 1\n", "\"a.b\": 2\n", []values.Edit{{Path: values.Path{"a.b"}, Value: 2}}},
		"a pair is removed with its comment": {
			"a:\n  b: 1 # x\n  # kept\n  c: 2\n", "a:\n  # kept\n  c: 2\n", []values.Edit{removeEdit("a.b")}},
		"the last pair leaves braces": {
			"a:\n  b: 1\nc: 2\n", "a: {}\nc: 2\n", []values.Edit{removeEdit("a.b")}},
		"the first pair of a list's element": {
			"l:\n- a: 1\n  b: 2\n", "l:\n- b: 2\n", []values.Edit{removeEdit("l.0.a")}},
		"a pair of a flow map": {
			"a: {b: 1, c: 2}\n", "a: {b: 1}\n", []values.Edit{removeEdit("a.c")}},
		"what is not there is not removed": {
			"a: 1\n", "a: 1\n", []values.Edit{removeEdit("b.c")}},
		"the same value in another form is left": {
			"a: 'x'\n", "a: 'x'\n", []values.Edit{setEdit("a", "x")}},
		"an anchor elsewhere is no matter": {
			"x: &d {k: 1}\ny: *d\na: 1\n", "x: &d {k: 1}\ny: *d\na: 2\n", []values.Edit{setEdit("a", 2)}},
		"an alias as the value is replaced": {
			"x: &d q\na: *d # c\n", "x: &d q\na: p # c\n", []values.Edit{setEdit("a", "p")}},
		"after a document start": {
			"---\na: 1\n", "---\na: 1\nb: 2\n", []values.Edit{setEdit("b", 2)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := values.Apply([]byte(tc.src), tc.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			again, err := values.Apply(got, tc.edits)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second run gave %q, %v", again, err)
			}
		})
	}
}

func TestApplyRefusesWithTheLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  string
		edit values.Edit
		line int
	}{
		"several documents":            {"a: 1\n---\nb: 1\n", setEdit("a", 2), 2},
		"an alias on the way":          {"x: &d\n  k: 1\na: *d\n", setEdit("a.k", 2), 3},
		"an anchor on the way":         {"x: &d\n  k: 1\na: *d\n", setEdit("x.k", 2), 1},
		"a merge key that may have it": {"x: &d\n  k: 1\na:\n  <<: *d\n", setEdit("a.j", 2), 4},
		"an anchor that would go":      {"x: &d 1\na: *d\n", setEdit("x", 2), 1},
		"appending to an alias":        {"x: &d [1]\na: *d\n", appendEdit("a", 2), 2},
		"a scalar on the way":          {"a: s\n", setEdit("a.b", 1), 0},
		"a list's missing element":     {"a: [1]\n", setEdit("a.3", 1), 0},
		"a root that is a list":        {"- a\n", setEdit("a", 1), 1},
		"two keys of one name":         {"a: 1\na: 2\n", setEdit("a", 3), 0},
		"a lone carriage return":       {"a: 1\rb: 2\n", setEdit("a", 3), 1},
		"not YAML":                     {"a: [1\n", setEdit("a", 3), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := values.Apply([]byte(tc.src), []values.Edit{tc.edit})
			var refused *values.EditError
			if !errors.As(err, &refused) {
				t.Fatalf("got %q, %v; want an EditError", got, err)
			}
			if refused.Line != tc.line {
				t.Errorf("line %d, want %d: %v", refused.Line, tc.line, err)
			}
		})
	}
}
