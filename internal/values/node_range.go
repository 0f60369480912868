package values

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// keyEnd is the offset just after a key's colon.
func (d *document) keyEnd(key *yaml.Node) (int, error) {
	at, err := d.keyTextEnd(key)
	if err != nil {
		return 0, err
	}
	for at < len(d.src) && (d.src[at] == ' ' || d.src[at] == '\t') {
		at++
	}
	if at >= len(d.src) || d.src[at] != ':' {
		return 0, newEditError(key.Line, "this key syntax is not supported for editing in place")
	}
	return at + 1, nil
}

func (d *document) keyTextEnd(key *yaml.Node) (int, error) {
	start, err := d.nodeOffset(key)
	if err != nil {
		return 0, err
	}
	if key.Kind != yaml.ScalarNode {
		return 0, newEditError(key.Line, "this key syntax is not supported for editing in place")
	}
	switch {
	case d.src[start] == '"' || d.src[start] == '\'':
		return d.quotedEnd(start, key.Line)
	case bytes.HasPrefix(d.src[start:], []byte(key.Value)):
		return start + len(key.Value), nil
	default:
		return 0, newEditError(key.Line, "this key syntax is not supported for editing in place")
	}
}

// nodeEnd is the offset just after the last byte of a node. indent is the
// indentation of what holds it, inFlow says that it is inside brackets.
func (d *document) nodeEnd(n *yaml.Node, indent int, inFlow bool) (int, error) {
	start, err := d.nodeOffset(n)
	if err != nil {
		return 0, err
	}
	switch n.Kind {
	case yaml.AliasNode:
		return start + 1 + len(n.Value), nil
	case yaml.ScalarNode:
		return d.scalarEnd(n, start, indent, inFlow)
	case yaml.MappingNode, yaml.SequenceNode:
		if isFlow(n) {
			return d.flowEnd(n, start)
		}
		return d.blockEnd(n)
	}
	return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
}

// blockEnd is the end of the last thing in a block collection.
func (d *document) blockEnd(n *yaml.Node) (int, error) {
	if len(n.Content) == 0 {
		return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
	}
	last := n.Content[len(n.Content)-1]
	if n.Kind == yaml.SequenceNode {
		if implicitNull(last) {
			return 0, newEditError(n.Line, "the list ends in an empty element")
		}
		return d.nodeEnd(last, n.Column-1, false)
	}
	return d.valueEnd(n.Content[len(n.Content)-2], last, n.Content[0].Column-1)
}

// valueEnd is the end of a value in a block map, of its colon where there is
// no value.
func (d *document) valueEnd(key, value *yaml.Node, indent int) (int, error) {
	if implicitNull(value) {
		return d.keyEnd(key)
	}
	return d.nodeEnd(value, indent, false)
}

// flowEnd is the offset after the closing bracket.
func (d *document) flowEnd(n *yaml.Node, start int) (int, error) {
	start = d.skipProperties(start)
	at, closing := start+1, byte('}')
	switch {
	case d.src[start] == '[':
		closing = ']'
	case d.src[start] != '{':
		// The one pair of a map inside a list has no brackets.
		return d.lastFlowEnd(n, start)
	}
	at, err := d.lastFlowEnd(n, at)
	if err != nil {
		return 0, err
	}
	for at < len(d.src) {
		switch c := d.src[at]; {
		case c == closing:
			return at + 1, nil
		case c == '#':
			at = d.lineEnd(at)
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':':
			at++
		default:
			return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
		}
	}
	return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
}

// lastFlowEnd is the end of the last thing between the brackets, at if nothing
// is.
func (d *document) lastFlowEnd(n *yaml.Node, at int) (int, error) {
	if len(n.Content) == 0 {
		return at, nil
	}
	last := n.Content[len(n.Content)-1]
	if !implicitNull(last) {
		return d.nodeEnd(last, -1, true)
	}
	if n.Kind == yaml.SequenceNode {
		return 0, newEditError(n.Line, "the list ends in an empty element")
	}
	key := n.Content[len(n.Content)-2]
	if end, err := d.keyEnd(key); err == nil {
		return end, nil
	}
	return d.keyTextEnd(key)
}

func (d *document) skipProperties(at int) int {
	for at < len(d.src) && (d.src[at] == '&' || d.src[at] == '!') {
		for at < len(d.src) && !isSpace(d.src[at]) {
			at++
		}
		for at < len(d.src) && isSpace(d.src[at]) {
			at++
		}
	}
	return min(at, len(d.src)-1)
}

func (d *document) scalarEnd(n *yaml.Node, start, indent int, inFlow bool) (int, error) {
	start = d.skipProperties(start)
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return d.quotedEnd(start, n.Line)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(start, indent), nil
	case implicitNull(n):
		return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
	default:
		return d.plainEnd(n, start, inFlow)
	}
}

func (d *document) quotedEnd(start, line int) (int, error) {
	quote := d.src[start]
	for at := start + 1; at < len(d.src); at++ {
		switch {
		case quote == '"' && d.src[at] == '\\':
			at++
		case d.src[at] != quote:
		case quote == '\'' && at+1 < len(d.src) && d.src[at+1] == '\'':
			at++
		default:
			return at + 1, nil
		}
	}
	return 0, newEditError(line, "this value syntax is not supported for editing in place")
}

// blockScalarEnd is the end of the last line of a "|" or ">" scalar: the lines
// at least as far in as its first. Blank lines after it belong to it only with
// the "+" indicator.
func (d *document) blockScalarEnd(start, indent int) int {
	end := d.lineEnd(start)
	header, _, _ := strings.Cut(string(d.src[start:end]), "#")
	content := -1
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		content = max(indent, 0) + int(header[i]-'0')
	}
	last := end
	for at := d.nextLine(end); at < len(d.src); at = d.nextLine(end) {
		end = d.lineEnd(at)
		text := string(d.src[at:end])
		bare := strings.TrimLeft(text, " ")
		if bare == "" {
			if strings.Contains(header, "+") {
				last = end
			}
			if end >= len(d.src) {
				break
			}
			continue
		}
		in := len(text) - len(bare)
		if content < 0 {
			if in <= indent {
				break
			}
			content = in
		}
		if in < content {
			break
		}
		last = end
		if end >= len(d.src) {
			break
		}
	}
	return last
}

// nextLine is the start of the line after the one that ends at end.
func (d *document) nextLine(end int) int {
	i := bytes.IndexByte(d.src[min(end, len(d.src)):], '\n')
	if i < 0 {
		return len(d.src)
	}
	return end + i + 1
}

// plainEnd finds the end of a scalar without quotes by what it is to amount
// to: it may go over several lines.
func (d *document) plainEnd(n *yaml.Node, start int, inFlow bool) (int, error) {
	value, at := "", start
	for breaks := 0; at < len(d.src); {
		end := d.lineEnd(at)
		text := plainPart(string(d.src[at:end]), inFlow)
		switch {
		case at == start:
			value = text
		case text == "":
			breaks++
		case breaks > 0:
			value, breaks = value+strings.Repeat("\n", breaks)+text, 0
		default:
			value += " " + text
		}
		if value == n.Value && text != "" {
			return at + len(text), nil
		}
		if len(value) > len(n.Value) {
			break
		}
		at = d.nextLine(end)
		for at < len(d.src) && (d.src[at] == ' ' || d.src[at] == '\t') {
			at++
		}
	}
	return 0, newEditError(n.Line, "this value syntax is not supported for editing in place")
}

// plainPart is what of a line belongs to a plain scalar that starts it.
func plainPart(line string, inFlow bool) string {
	for i := range len(line) {
		c := line[i]
		before := i == 0 || line[i-1] == ' ' || line[i-1] == '\t'
		after := i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t'
		switch {
		case c == '#' && before && i > 0, c == ':' && after:
			return strings.TrimRight(line[:i], " \t")
		case inFlow && strings.IndexByte(",[]{}", c) >= 0:
			return strings.TrimRight(line[:i], " \t")
		case inFlow && c == ':' && i+1 < len(line) && strings.IndexByte(",[]{}", line[i+1]) >= 0:
			return strings.TrimRight(line[:i], " \t")
		}
	}
	return strings.TrimRight(line, " \t")
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
