package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is a parsed file with the means to find its rollback into the
// bytes: the parser gives starts of nodes alone, in runes.
type document struct {
	src   []byte
	lines []int // offset of each line's first byte
	eol   string
	root  *yaml.Node // nil for an empty document
	style layoutStyle
	// json says that the file is JSON, which YAML parsers read, too: it is to
	// stay JSON.
	json bool
	// keys finds the pairs of large maps.
	keys map[*yaml.Node]map[string]int
}

func parseDocument(src []byte) (*document, error) {
	d := &document{src: src, eol: "\n", lines: []int{0}}
	if !utf8.Valid(src) {
		return nil, newInvalidFileError(0, "the file is not UTF-8")
	}
	for i, r := range string(src) {
		switch r {
		case '\n':
			d.lines = append(d.lines, i+1)
		case '\r':
			if i+1 == len(src) || src[i+1] != '\n' {
				return nil, newInvalidFileError(len(d.lines), "a line ends in a lone carriage return")
			}
		case '\u0085', '\u2028', '\u2029':
			return nil, newInvalidFileError(len(d.lines), "a line ends in a character that only some YAML parsers treat as a line break")
		}
	}
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		d.eol = "\r\n"
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, newInvalidFileError(0, "invalid YAML: %v", err)
	default:
		d.root = doc.Content[0]
		if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
			return nil, newEditError(second.Line, "the file contains several documents; Helm reads only the first")
		}
	}
	d.style, d.json = detectStyle(d.root), json.Valid(src)
	return d, nil
}

// nodeOffset is where a node starts.
func (d *document) nodeOffset(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(d.lines) {
		return 0, newEditError(n.Line, "internal error: parser position")
	}
	at := d.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(d.src) || d.src[at] == '\n' {
			return 0, newEditError(n.Line, "internal error: parser position")
		}
		_, size := utf8.DecodeRune(d.src[at:])
		at += size
	}
	return at, nil
}

// inlineText is a value, and pairInline a pair, on one line of this file.
func (d *document) inlineText(v any) string {
	if d.json {
		return jsonText(v)
	}
	return flowText(v)
}

func (d *document) inlinePair(key string, v any) string {
	if d.json {
		return jsonText(key) + ": " + jsonText(v)
	}
	return keyText(key) + ": " + flowText(v)
}

// lineEnd is the offset of the line break, or the end, after at; the break's
// own carriage return is part of it.
func (d *document) lineEnd(at int) int {
	i := bytes.IndexByte(d.src[at:], '\n')
	if i < 0 {
		return len(d.src)
	}
	at += i
	if at > 0 && d.src[at-1] == '\r' {
		at--
	}
	return at
}

// lineOf is the line of the first cut.
func (d *document) lineOf(cuts []replacement) int {
	if len(cuts) == 0 {
		return 0
	}
	return 1 + bytes.Count(d.src[:cuts[0].start], []byte("\n"))
}

// insertBelow is the cut that puts whole lines under the line that at is in.
func (d *document) insertBelow(at int, lines []string) replacement {
	end := d.lineEnd(at)
	return replacement{end, end, d.eol + strings.Join(lines, d.eol)}
}

func implicitNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// findAnchored is the first node in n, itself included, that others may refer to.
func findAnchored(n *yaml.Node) *yaml.Node {
	if n.Anchor != "" {
		return n
	}
	for _, c := range n.Content {
		if a := findAnchored(c); a != nil {
			return a
		}
	}
	return nil
}
