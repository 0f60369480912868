package plan

import "testing"

func TestASecondDocumentIsAnErrorAndNotLeftOut(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"a: 1\n": true, "---\na: 1\n": true, "# c\n---\n# c\na: 1\n---\n": true, "a: 1\n...\n# end\n": true, `{"a": 1}`: true,
		"--- {a: 1}\n": true, "a: |\n  ---\n  b: 2\n": true,
		"a: 1\n---\nb: 2\n": false, "a: 1\n--- {b: 2}\n": false, "a: 1\n...\nb: 2\n": false, "a: 1\r\n---\r\nb: 2\r\n": false,
		"{\"a\": 1}\n---\n{\"b\": 2}\n": false, "a: 1\na: 2\n": false,
	} {
		var v map[string]any
		if err := UnmarshalDocument([]byte(text), &v); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseSite([]byte("apiVersion: " + APIVersion + "\nkind: Site\n---\nkind: Site\n")); err == nil {
		t.Error("a site file with two documents was read")
	}
}
