package values

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// spot is where the walk along a path has come to.
type spot struct {
	node *yaml.Node
	// parent holds node; key is node's key where parent is a map.
	parent, key *yaml.Node
	// inFlow says that node is inside brackets.
	inFlow bool
	// indent is the indentation of parent.
	indent int
	// rest is what of the path does not exist yet.
	rest Path
}

// plan finds the cuts that make one edit.
func (d *document) plan(e Edit) ([]cut, error) {
	if d.root == nil {
		return d.atEnd(wrap(e.Path, e.newValue()))
	}
	s, err := d.walk(e.Path)
	if err != nil {
		return nil, err
	}
	if len(s.rest) > 0 {
		return d.insert(s, s.rest[0], wrap(s.rest[1:], e.newValue()))
	}
	switch e.Op {
	case Append:
		return d.appendTo(s, e.Value)
	case Remove:
		return d.remove(s)
	default:
		return d.set(s, e.Value)
	}
}

func (e Edit) newValue() any {
	if e.Op == Append {
		return []any{canon(e.Value)}
	}
	return canon(e.Value)
}

func wrap(p Path, v any) any {
	for i := len(p) - 1; i >= 0; i-- {
		v = map[string]any{p[i]: v}
	}
	return v
}

// walk goes down a path as far as it exists.
func (d *document) walk(p Path) (spot, error) {
	s := spot{node: d.root, indent: -1}
	for i, elem := range p {
		n := s.node
		if n.Kind == yaml.AliasNode {
			return s, refuse(n.Line, "it is reached through the alias *%s", n.Value)
		}
		if n.Anchor != "" {
			return s, refuse(n.Line, "it is inside the anchor &%s, whose other uses would change too", n.Anchor)
		}
		next := spot{parent: n, inFlow: s.inFlow || flow(n), indent: indentOf(n)}
		switch {
		case isNull(n):
			s.rest = p[i:]
			return s, nil
		case n.Kind == yaml.MappingNode:
			key, value, err := d.find(n, elem)
			if err != nil {
				return s, err
			}
			if key == nil {
				s.rest = p[i:]
				return s, nil
			}
			next.key, next.node = key, value
		case n.Kind == yaml.SequenceNode:
			at, ok := placeIn(elem, len(n.Content))
			if !ok {
				return s, refuse(n.Line, "the list has no element %q", elem)
			}
			next.node = n.Content[at]
		default:
			return s, refuse(n.Line, "%q is inside something that is neither a map nor a list", elem)
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
		return nil, nil, refuse(merge.Line, "the map takes part of its settings from a merge key (<<)")
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

// atEnd writes into a file that has no settings.
func (d *document) atEnd(v any) ([]cut, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, refuse(0, "the file holds no map of settings")
	}
	var lines []string
	for k, e := range m {
		lines = append(lines, d.style.pair(k, e, 0)...)
	}
	text := strings.Join(lines, d.eol) + d.eol
	if n := len(d.src); n > 0 && d.src[n-1] != '\n' {
		text = d.eol + text
	}
	return []cut{{len(d.src), len(d.src), text}}, nil
}

// insert puts a new key into the map at s.
func (d *document) insert(s spot, key string, v any) ([]cut, error) {
	n := s.node
	switch {
	case isNull(n) || len(n.Content) == 0:
		return d.set(s, map[string]any{key: v})
	case n.Kind != yaml.MappingNode:
		return nil, refuse(n.Line, "%q is inside something that is not a map", key)
	case flow(n):
		start, err := d.offset(n)
		if err != nil {
			return nil, err
		}
		at, err := d.lastInFlow(n, start)
		return []cut{{at, at, ", " + d.pairInline(key, v)}}, err
	}
	end, err := d.blockEnd(n)
	if err != nil {
		return nil, err
	}
	return []cut{d.below(end, d.style.pair(key, v, indentOf(n)))}, nil
}

// appendTo puts a new element at the end of the list at s.
func (d *document) appendTo(s spot, v any) ([]cut, error) {
	n, v := s.node, canon(v)
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, refuse(n.Line, "it is the alias *%s", n.Value)
	case n.Anchor != "":
		return nil, refuse(n.Line, "it is the anchor &%s, whose other uses would change too", n.Anchor)
	case isNull(n) || len(n.Content) == 0:
		return d.set(s, []any{v})
	case n.Kind != yaml.SequenceNode:
		return nil, refuse(n.Line, "it is not a list")
	case flow(n):
		start, err := d.offset(n)
		if err != nil {
			return nil, err
		}
		at, err := d.lastInFlow(n, start)
		return []cut{{at, at, ", " + d.inline(v)}}, err
	}
	end, err := d.blockEnd(n)
	if err != nil {
		return nil, err
	}
	return []cut{d.below(end, d.style.item(v, n.Column-1))}, nil
}

// set puts v in the place of the node at s.
func (d *document) set(s spot, v any) ([]cut, error) {
	n, v := s.node, canon(v)
	if a := anchored(n); a != nil {
		return nil, refuse(a.Line, "the anchor &%s would be lost", a.Anchor)
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
	if !container(v) {
		if end > keyLine && blockCollection(n) {
			// What is said on the key's own line stays there.
			return []cut{{colon, colon, " " + flowText(v)}, {keyLine, end, ""}}, nil
		}
		if implicitNull(n) {
			return []cut{{colon, colon, " " + flowText(v)}}, nil
		}
		start, err := d.offset(n)
		return []cut{{start, end, d.textLike(n, v, s.indent)}}, err
	}
	lines := d.style.body(v, s.indent)
	if blockCollection(n) {
		return []cut{{keyLine, end, d.eol + strings.Join(lines, d.eol)}}, nil
	}
	if implicitNull(n) {
		return []cut{d.below(colon, lines)}, nil
	}
	return []cut{{colon, end, ""}, d.below(end, lines)}, nil
}

func blockCollection(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !flow(n)
}

// setInline replaces a node inside brackets or a list, on one line.
func (d *document) setInline(s spot, v any) ([]cut, error) {
	if implicitNull(s.node) {
		if s.key == nil {
			return nil, refuse(s.node.Line, "the element is empty")
		}
		colon, err := d.keyEnd(s.key)
		return []cut{{colon, colon, " " + flowText(v)}}, err
	}
	start, err := d.offset(s.node)
	if err != nil {
		return nil, err
	}
	end, err := d.end(s.node, s.indent, s.inFlow)
	if err != nil {
		return nil, err
	}
	return []cut{{start, end, d.textLike(s.node, v, s.indent)}}, nil
}

// setRoot replaces a file's null or empty braces.
func (d *document) setRoot(v any) ([]cut, error) {
	if d.json {
		return d.setInline(spot{node: d.root, indent: -1, inFlow: true, key: d.root}, v)
	}
	if implicitNull(d.root) {
		return d.atEnd(v)
	}
	start, err := d.offset(d.root)
	if err != nil {
		return nil, err
	}
	end, err := d.end(d.root, -1, false)
	if err != nil {
		return nil, err
	}
	var lines []string
	if m, ok := v.(map[string]any); ok {
		for k, e := range m {
			lines = append(lines, d.style.pair(k, e, 0)...)
		}
	}
	return []cut{{start, end, strings.Join(lines, d.eol)}}, nil
}

// textLike writes a value in the manner of the scalar it replaces.
func (d *document) textLike(n *yaml.Node, v any, indent int) string {
	s, ok := v.(string)
	if !ok || n.Kind != yaml.ScalarNode || d.json {
		return d.inline(v)
	}
	if n.Style&yaml.LiteralStyle != 0 && literalSafe(s) {
		return d.literal(s, max(indent, 0)+d.style.step)
	}
	return scalarText(s, n.Style)
}

// literalSafe reports whether a "|" scalar carries s as it is.
func literalSafe(s string) bool {
	return strings.HasSuffix(s, "\n") && !strings.HasSuffix(s, "\n\n") && !strings.HasPrefix(s, " ") &&
		!strings.HasPrefix(s, "\n") && !strings.ContainsAny(s, "\r\t") && s != "\n"
}

func (d *document) literal(s string, indent int) string {
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

// remove takes a pair out of its map.
func (d *document) remove(s spot) ([]cut, error) {
	if s.key == nil {
		return nil, refuse(s.node.Line, "elements of lists are not removed")
	}
	if a := anchored(s.node); a != nil {
		return nil, refuse(a.Line, "the anchor &%s would be lost", a.Anchor)
	}
	return d.removePair(s)
}
