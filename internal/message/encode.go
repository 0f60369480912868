package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// JSON escapes in a JSON document the characters that a terminal would act on
// or not show. They can only stand inside strings, where \u escapes mean the
// same, so the data does not change.
func JSON(document []byte) []byte { return escapeStrings(document, jsonEscape) }

// EqualJSON reports whether two values encode to the same JSON, in which Helm
// stores values: 1 and 1.0 are equal, nil and an empty map are not. What cannot
// be encoded equals nothing.
func EqualJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func escapeStrings(document []byte, escape func(rune) string) []byte {
	if !bytes.ContainsFunc(document, isUnsafeEncoded) {
		return document
	}
	var b bytes.Buffer
	for len(document) > 0 {
		r, size := utf8.DecodeRune(document)
		if isUnsafeEncoded(r) {
			b.WriteString(escape(r))
		} else {
			b.Write(document[:size])
		}
		document = document[size:]
	}
	return b.Bytes()
}

// YAML encodes v like sigs.k8s.io/yaml, which leaves bidirectional and invisible
// characters as they are: a string that holds any is written between double
// quotes with escapes instead. The data does not change.
func YAML(v any) ([]byte, error) {
	document, err := yaml.Marshal(v)
	if err != nil || !bytes.ContainsFunc(document, isUnsafeEncoded) {
		return document, err
	}
	tree, err := generic(v)
	if err != nil {
		return nil, err
	}
	q := quoter{prefix: unusedPrefix(document)}
	if document, err = yaml.Marshal(q.replace(tree)); err != nil {
		return nil, err
	}
	return []byte(strings.NewReplacer(q.pairs...).Replace(string(document))), nil
}

// generic is v as maps, lists, strings and numbers without loss.
func generic(v any) (tree any, err error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing yaml: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return tree, d.Decode(&tree)
}

// quoter replaces strings by words that no YAML encoder quotes or folds.
type quoter struct {
	prefix string
	pairs  []string
}

func (q *quoter) replace(v any) any {
	switch v := v.(type) {
	case string:
		return q.word(v)
	case []any:
		for i := range v {
			v[i] = q.replace(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[q.word(k)] = q.replace(one)
		}
		return out
	}
	return v
}

// word stands for s until the document is encoded.
func (q *quoter) word(s string) string {
	if !strings.ContainsFunc(s, isUnsafeEncoded) {
		return s
	}
	word := fmt.Sprintf("%s%09d", q.prefix, len(q.pairs)/2)
	quoted, _ := json.Marshal(s) //nolint:errchkjson // a string always has a form
	q.pairs = append(q.pairs, word, string(escapeStrings(quoted, yamlEscape)))
	return word
}

// unusedPrefix is a word that does not occur in document.
func unusedPrefix(document []byte) string {
	prefix := "escaped-"
	for bytes.Contains(document, []byte(prefix)) {
		prefix += "x-"
	}
	return prefix
}

// isUnsafeEncoded is isUnsafe without the line breaks that a document is laid
// out with.
func isUnsafeEncoded(r rune) bool { return r != '\n' && r != '\t' && isUnsafe(r) }

func jsonEscape(r rune) string {
	if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
		return fmt.Sprintf(`\u%04x\u%04x`, r1, r2)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// yamlEscape differs in that YAML knows no surrogates.
func yamlEscape(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return jsonEscape(r)
}
