package values

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

// layoutStyle is the layout of a file, applied to added lines.
type layoutStyle struct {
	step int // of maps in maps
	list int // of lists in maps
}

func detectStyle(root *yaml.Node) layoutStyle {
	s := layoutStyle{}
	s.measureIndents(root)
	if s.step <= 0 {
		s.step = 2
	}
	if s.list < 0 || s.list == 0 && !s.hasFlatLists(root) {
		s.list = s.step
	}
	return s
}

func (s *layoutStyle) measureIndents(n *yaml.Node) {
	if n == nil || isFlow(n) {
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && len(c.Content) > 0 && !isFlow(c) && c.Anchor == "" {
			in := c.Content[0].Column - n.Content[i-1].Column
			if c.Kind == yaml.MappingNode && s.step == 0 {
				s.step = in
			}
			if c.Kind == yaml.SequenceNode && s.list == 0 {
				s.list = c.Column - n.Content[i-1].Column
			}
		}
		s.measureIndents(c)
	}
}

// hasFlatLists reports whether some list stands as far in as its key.
func (s *layoutStyle) hasFlatLists(n *yaml.Node) bool {
	if n == nil || isFlow(n) {
		return false
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == yaml.SequenceNode && !isFlow(c) && len(c.Content) > 0 &&
			c.Column == n.Content[i-1].Column {
			return true
		}
		if s.hasFlatLists(c) {
			return true
		}
	}
	return false
}

// pairLines is the lines of "key: value" at an indentation.
func (s layoutStyle) pairLines(key string, v any, indent int) []string {
	head := strings.Repeat(" ", indent) + keyText(key) + ":"
	if !isCollection(v) {
		return []string{head + " " + flowText(v)}
	}
	return append([]string{head}, s.bodyLines(v, indent)...)
}

// bodyLines is the lines under a key at an indentation.
func (s layoutStyle) bodyLines(v any, indent int) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, s.pairLines(k, v[k], indent+s.step)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, s.itemLines(e, indent+s.list)...)
		}
	}
	return out
}

// itemLines is the lines of "- value" at the indentation of the dash.
func (s layoutStyle) itemLines(v any, indent int) []string {
	dash := strings.Repeat(" ", indent) + "- "
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return []string{dash + flowText(v)}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, s.pairLines(k, m[k], indent+2)...)
	}
	out[0] = dash + out[0][indent+2:]
	return out
}

// isCollection reports whether v needs lines of its own.
func isCollection(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return false
}

// flowText is a value on one line.
func flowText(v any) string {
	switch v := v.(type) {
	case map[string]any:
		parts := []string{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, keyText(k)+": "+flowText(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := []string{}
		for _, e := range v {
			parts = append(parts, flowText(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return scalarText(v, 0)
	default:
		return jsonText(v)
	}
}

// scalarText is a string in the given style where that can carry it: without
// quotes if every parser reads it back as this string.
func scalarText(s string, like yaml.Style) string {
	switch {
	case like&yaml.DoubleQuotedStyle != 0:
	case like&yaml.SingleQuotedStyle != 0 && escapeControls(s) == s && strings.IndexFunc(s, unicode.IsControl) < 0:
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	case plainSafe(s):
		return s
	}
	return jsonText(s)
}

func keyText(k string) string {
	if plainSafe(k) && !strings.HasPrefix(k, "<<") {
		return k
	}
	return jsonText(k)
}

func plainSafe(s string) bool {
	if s == "" || s[0] == ':' || strings.ContainsAny(s, "\n\r\t,[]{}\"'") || strings.TrimSpace(s) != s {
		return false
	}
	var helm, newer map[string]any
	text := []byte("x: " + s + "\n")
	if sigs.Unmarshal(text, &helm) != nil || yaml.Unmarshal(text, &newer) != nil || helm["x"] != s || newer["x"] != s {
		return false
	}
	helm, newer = nil, nil
	text = []byte("{\"x\": " + s + "}\n") // between braces some parsers take more for marks
	if sigs.Unmarshal(text, &helm) != nil || yaml.Unmarshal(text, &newer) != nil || helm["x"] != s || newer["x"] != s {
		return false
	}
	helm, newer = nil, nil
	text = []byte(s + ": x\n")
	return sigs.Unmarshal(text, &helm) == nil && yaml.Unmarshal(text, &newer) == nil && helm[s] == "x" && newer[s] == "x"
}

func jsonText(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return escapeControls(strings.TrimSpace(b.String()))
}

// escapeControls writes the characters that JSON may have as they are and YAML
// may not.
func escapeControls(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0x7f && r <= 0x9f || r == 0xfeff || r == 0xfffe || r == 0xffff {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
