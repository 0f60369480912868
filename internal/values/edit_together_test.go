package values_test

import (
	"fmt"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// Many edits give the bytes that one after another gives.
func TestEditsTogetherGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	replace := func(path ...string) values.Edit {
		return values.Edit{Path: path, Value: "registry.example.com:5000/" + fmt.Sprint(path)}
	}
	for _, src := range []string{
		"a: x\nb: y\nc: z\n", "a: 'x' # one\nb: \"y\"\r\nc:   z\r\n", "a: |\n  x\n  y\nb: >-\n  y\n  z\nc: z", "{a: x, b: 'y', c: z}\n", `{"a":"x","b":"y","c":"z"}`,
		"a: one\n  two\nb: y\nc: z # end\n", "a: &x x\nb: *x\nc: z\n", "a: x\nb: 1\nc: z\n", "a: x\nc: z\n", "a: x\nb: ~\nc: z\n", "<<: {a: x, b: y}\nc: z\n",
		"a: x\nb: registry.example.com:5000/[b]\nc: z\n", "a: {b: x}\nb: [x, y]\nc: z\n", "a: x\na: y\nb: y\nc: z\n", "é: ü\na: ü\nb: 名\nc: z\n",
	} {
		for _, edits := range [][]values.Edit{
			{replace("a"), replace("b"), replace("c")}, {replace("c"), replace("a")}, {replace("a"), replace("a")},
			{replace("a", "b"), replace("b", "0"), replace("b", "1")},
			{replace("a"), {Path: values.Path{"n", "m"}, Value: "new"}, replace("b"), {Path: values.Path{"c"}, Op: values.Remove}},
		} {
			together, err := values.Apply([]byte(src), edits)
			one, other := []byte(src), error(nil)
			for _, e := range edits {
				if one, other = values.Apply(one, []values.Edit{e}); other != nil {
					break
				}
			}
			if fmt.Sprint(err) != fmt.Sprint(other) || err == nil && string(one) != string(together) {
				t.Errorf("%q, %v:\ntogether %q, %v\none by one %q, %v", src, edits, together, err, one, other)
			}
		}
	}
}
