package values

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// pathPosition is where the walk along a path has come to.
type pathPosition struct {
	node *yaml.Node
	// parent holds node; key is node's key where parent is a map.
	parent, key *yaml.Node
	// inFlow says that node is inside brackets.
	inFlow bool
	// indent is the indentation of parent.
	indent int
	// unresolved is what of the path does not exist yet.
	unresolved Path
}

// planEdit finds the cuts that make one edit.
func (d *document) planEdit(e Edit) ([]replacement, error) {
	if d.root == nil {
		return d.appendToEmpty(nestValue(e.Path, e.newValue()))
	}
	s, err := d.walkPath(e.Path)
	if err != nil {
		return nil, err
	}
	if len(s.unresolved) > 0 {
		return d.insertKey(s, s.unresolved[0], nestValue(s.unresolved[1:], e.newValue()))
	}
	switch e.Op {
	case Append:
		return d.appendTo(s, e.Value)
	case Remove:
		return d.removeNode(s)
	default:
		return d.replaceNode(s, e.Value)
	}
}

func (e Edit) newValue() any {
	if e.Op == Append {
		return []any{normalize(e.Value)}
	}
	return normalize(e.Value)
}

func nestValue(p Path, v any) any {
	for i := len(p) - 1; i >= 0; i-- {
		v = map[string]any{p[i]: v}
	}
	return v
}

// walkPath goes down a path as far as it exists.
func (d *document) walkPath(p Path) (pathPosition, error) {
	s := pathPosition{node: d.root, indent: -1}
	for i, elem := range p {
		n := s.node
		if n.Kind == yaml.AliasNode {
			return s, newEditError(n.Line, "it is reached through the alias *%s", n.Value)
		}
		if n.Anchor != "" {
			return s, newEditError(n.Line, "it is inside the anchor &%s, whose other uses would change too", n.Anchor)
		}
		next := pathPosition{parent: n, inFlow: s.inFlow || isFlow(n), indent: indentOf(n)}
		switch {
		case isNull(n):
			s.unresolved = p[i:]
			return s, nil
		case n.Kind == yaml.MappingNode:
			key, value, err := d.find(n, elem)
			if err != nil {
				return s, err
			}
			if key == nil {
				s.unresolved = p[i:]
				return s, nil
			}
			next.key, next.node = key, value
		case n.Kind == yaml.SequenceNode:
			at, ok := listIndex(elem, len(n.Content))
			if !ok {
				return s, newEditError(n.Line, "the list has no element %q", elem)
			}
			next.node = n.Content[at]
		default:
			return s, newEditError(n.Line, "%q is inside something that is neither a map nor a list", elem)
		}
		s = next
	}
	return s, nil
}

func indentOf(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		return n.Content[0].Column - 1
	}
	return n.Column - 1
}

// find looks a key up. A key that a merge brings is refused: to write it out
// would hide what is merged.
func (d *document) find(n *yaml.Node, name string) (key, value *yaml.Node, err error) {
	if i, there := d.place(n, name); there {
		return n.Content[i], n.Content[i+1], nil
	}
	var merge *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if mergeKey(k) {
			merge = k
		}
	}
	if merge != nil {
		return nil, nil, newEditError(merge.Line, "the map takes part of its settings from a merge key (<<)")
	}
	return nil, nil, nil
}

func mergeKey(k *yaml.Node) bool { return k.Tag == "!!merge" || k.Value == "<<" && k.Style == 0 }

// place is where in a map's content a key stands.
func (d *document) place(n *yaml.Node, name string) (int, bool) {
	index := d.keys[n]
	if index == nil {
		index = make(map[string]int, len(n.Content)/2)
		for i := len(n.Content) - 2; i >= 0; i -= 2 { // the first of several stays
			if k := n.Content[i]; k.Kind == yaml.ScalarNode && !mergeKey(k) {
				index[k.Value] = i
			}
		}
		if d.keys == nil {
			d.keys = map[*yaml.Node]map[string]int{}
		}
		d.keys[n] = index
	}
	i, there := index[name]
	return i, there
}

// appendToEmpty writes into a file that has no settings.
func (d *document) appendToEmpty(v any) ([]replacement, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, newEditError(0, "the file contains no map")
	}
	var lines []string
	for k, e := range m {
		lines = append(lines, d.style.pairLines(k, e, 0)...)
	}
	text := strings.Join(lines, d.eol) + d.eol
	if n := len(d.src); n > 0 && d.src[n-1] != '\n' {
		text = d.eol + text
	}
	return []replacement{{len(d.src), len(d.src), text}}, nil
}

// insertKey puts a new key into the map at s.
func (d *document) insertKey(s pathPosition, key string, v any) ([]replacement, error) {
	n := s.node
	switch {
	case isNull(n) || len(n.Content) == 0:
		return d.replaceNode(s, map[string]any{key: v})
	case n.Kind != yaml.MappingNode:
		return nil, newEditError(n.Line, "%q is inside something that is not a map", key)
	case isFlow(n):
		start, err := d.nodeOffset(n)
		if err != nil {
			return nil, err
		}
		at, err := d.lastFlowEnd(n, start)
		return []replacement{{at, at, ", " + d.inlinePair(key, v)}}, err
	}
	end, err := d.blockEnd(n)
	if err != nil {
		return nil, err
	}
	return []replacement{d.insertBelow(end, d.style.pairLines(key, v, indentOf(n)))}, nil
}

// appendTo puts a new element at the end of the list at s.
func (d *document) appendTo(s pathPosition, v any) ([]replacement, error) {
	n, v := s.node, normalize(v)
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, newEditError(n.Line, "it is the alias *%s", n.Value)
	case n.Anchor != "":
		return nil, newEditError(n.Line, "it is the anchor &%s, whose other uses would change too", n.Anchor)
	case isNull(n) || len(n.Content) == 0:
		return d.replaceNode(s, []any{v})
	case n.Kind != yaml.SequenceNode:
		return nil, newEditError(n.Line, "it is not a list")
	case isFlow(n):
		start, err := d.nodeOffset(n)
		if err != nil {
			return nil, err
		}
		at, err := d.lastFlowEnd(n, start)
		return []replacement{{at, at, ", " + d.inlineText(v)}}, err
	}
	end, err := d.blockEnd(n)
	if err != nil {
		return nil, err
	}
	return []replacement{d.insertBelow(end, d.style.itemLines(v, n.Column-1))}, nil
}

// replaceNode puts v in the place of the node at s.
func (d *document) replaceNode(s pathPosition, v any) ([]replacement, error) {
	n, v := s.node, normalize(v)
	if a := findAnchored(n); a != nil {
		return nil, newEditError(a.Line, "the anchor &%s would be lost", a.Anchor)
	}
	if s.parent == nil {
		return d.setRoot(v)
	}
	if s.inFlow || s.key == nil {
		return d.setInline(s, v)
	}
	colon, err := d.keyEnd(s.key)
	if err != nil {
		return nil, err
	}
	end, err := d.valueEnd(s.key, n, s.indent)
	if err != nil {
		return nil, err
	}
	keyLine := d.lineEnd(colon)
	if blockCollection(n) {
		// What is said on its last line goes with it.
		end = d.lineEnd(end)
	}
	if !isCollection(v) {
		if end > keyLine && blockCollection(n) {
			// What is said on the key's own line stays there.
			return []replacement{{colon, colon, " " + flowText(v)}, {keyLine, end, ""}}, nil
		}
		if implicitNull(n) {
			return []replacement{{colon, colon, " " + flowText(v)}}, nil
		}
		start, err := d.nodeOffset(n)
		return []replacement{{start, end, d.textLike(n, v, s.indent)}}, err
	}
	lines := d.style.bodyLines(v, s.indent)
	if blockCollection(n) {
		return []replacement{{keyLine, end, d.eol + strings.Join(lines, d.eol)}}, nil
	}
	if implicitNull(n) {
		return []replacement{d.insertBelow(colon, lines)}, nil
	}
	return []replacement{{colon, end, ""}, d.insertBelow(end, lines)}, nil
}

func blockCollection(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !isFlow(n)
}

// setInline replaces a node inside brackets or a list, on one line.
func (d *document) setInline(s pathPosition, v any) ([]replacement, error) {
	if implicitNull(s.node) {
		if s.key == nil {
			return nil, newEditError(s.node.Line, "the element is empty")
		}
		colon, err := d.keyEnd(s.key)
		return []replacement{{colon, colon, " " + flowText(v)}}, err
	}
	start, err := d.nodeOffset(s.node)
	if err != nil {
		return nil, err
	}
	end, err := d.nodeEnd(s.node, s.indent, s.inFlow)
	if err != nil {
		return nil, err
	}
	return []replacement{{start, end, d.textLike(s.node, v, s.indent)}}, nil
}

// setRoot replaces a file's null or empty braces.
func (d *document) setRoot(v any) ([]replacement, error) {
	if d.json {
		return d.setInline(pathPosition{node: d.root, indent: -1, inFlow: true, key: d.root}, v)
	}
	if implicitNull(d.root) {
		return d.appendToEmpty(v)
	}
	start, err := d.nodeOffset(d.root)
	if err != nil {
		return nil, err
	}
	end, err := d.nodeEnd(d.root, -1, false)
	if err != nil {
		return nil, err
	}
	var lines []string
	if m, ok := v.(map[string]any); ok {
		for k, e := range m {
			lines = append(lines, d.style.pairLines(k, e, 0)...)
		}
	}
	return []replacement{{start, end, strings.Join(lines, d.eol)}}, nil
}

// textLike writes a value in the manner of the scalar it replaces.
func (d *document) textLike(n *yaml.Node, v any, indent int) string {
	s, ok := v.(string)
	if !ok || n.Kind != yaml.ScalarNode || d.json {
		return d.inlineText(v)
	}
	if n.Style&yaml.LiteralStyle != 0 && literalSafe(s) {
		return d.literalBlock(s, max(indent, 0)+d.style.step)
	}
	return scalarText(s, n.Style)
}

// literalSafe reports whether a "|" scalar carries s as it is.
func literalSafe(s string) bool {
	return strings.HasSuffix(s, "\n") && !strings.HasSuffix(s, "\n\n") && !strings.HasPrefix(s, " ") &&
		!strings.HasPrefix(s, "\n") && !strings.ContainsAny(s, "\r\t") && s != "\n"
}

func (d *document) literalBlock(s string, indent int) string {
	var b strings.Builder
	b.WriteString("|")
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		b.WriteString(d.eol)
		if line != "" {
			b.WriteString(strings.Repeat(" ", indent) + line)
		}
	}
	return b.String()
}

// removeNode takes a pair out of its map.
func (d *document) removeNode(s pathPosition) ([]replacement, error) {
	if s.key == nil {
		return nil, newEditError(s.node.Line, "elements of lists cannot be removed")
	}
	if a := findAnchored(s.node); a != nil {
		return nil, newEditError(a.Line, "the anchor &%s would be lost", a.Anchor)
	}
	return d.removePair(s)
}
