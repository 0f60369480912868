package values

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

func (d *document) removePair(s pathPosition) ([]replacement, error) {
	pairs := s.parent.Content
	at := 0
	for pairs[at] != s.key {
		at += 2
	}
	if len(pairs) == 2 {
		return d.removeOnlyPair(s)
	}
	start, err := d.nodeOffset(s.key)
	if err != nil {
		return nil, err
	}
	if isFlow(s.parent) {
		return d.removeFlow(pairs, at, start)
	}
	end, err := d.valueEnd(s.key, s.node, s.indent)
	if err != nil {
		return nil, err
	}
	line := d.lines[s.key.Line-1]
	if len(bytes.TrimLeft(d.src[line:start], " ")) > 0 {
		// The key shares its line with a list's dash; the next one takes its
		// place.
		next, err := d.nodeOffset(pairs[at+2])
		return []replacement{{start, next, ""}}, err
	}
	return []replacement{{line, d.nextLine(d.lineEnd(end)), ""}}, nil
}

func (d *document) removeFlow(pairs []*yaml.Node, at, start int) ([]replacement, error) {
	if at+2 < len(pairs) {
		next, err := d.nodeOffset(pairs[at+2])
		return []replacement{{start, next, ""}}, err
	}
	one := &yaml.Node{Kind: yaml.MappingNode, Content: pairs[:at]}
	before, err := d.lastFlowEnd(one, start)
	if err != nil {
		return nil, err
	}
	all := &yaml.Node{Kind: yaml.MappingNode, Content: pairs}
	end, err := d.lastFlowEnd(all, start)
	if err == nil && bytes.IndexByte(d.src[before:start], '#') >= 0 {
		// What is said between the two stays, and with it the comma.
		before = start
	}
	return []replacement{{before, end, ""}}, err
}

// removeOnlyPair takes a map's only pair away and leaves its braces, with what is said
// above the pair.
func (d *document) removeOnlyPair(s pathPosition) ([]replacement, error) {
	n := s.parent
	start, err := d.nodeOffset(s.key)
	if err != nil {
		return nil, err
	}
	end, err := d.valueEnd(s.key, s.node, s.indent)
	if err != nil {
		return nil, err
	}
	line := d.lines[s.key.Line-1]
	if n == d.root || isFlow(n) || len(bytes.TrimLeft(d.src[line:start], " ")) > 0 {
		if isFlow(n) {
			start, err = d.nodeOffset(n)
			if err != nil {
				return nil, err
			}
			end, err = d.nodeEnd(n, -1, true)
		}
		return []replacement{{start, end, "{}"}}, err
	}
	holder, err := d.findParent(d.root, n, false)
	if err != nil {
		return nil, err
	}
	if holder.key == nil || holder.inFlow {
		return d.replaceNode(holder, map[string]any{})
	}
	colon, err := d.keyEnd(holder.key)
	return []replacement{{colon, colon, " {}"}, {line, d.nextLine(d.lineEnd(end)), ""}}, err
}

// findParent finds where in the tree a node hangs.
func (d *document) findParent(in, n *yaml.Node, inFlow bool) (pathPosition, error) {
	inFlow = inFlow || isFlow(in)
	for i, c := range in.Content {
		if c == n {
			s := pathPosition{node: n, parent: in, inFlow: inFlow, indent: indentOf(in)}
			if in.Kind == yaml.MappingNode {
				s.key = in.Content[i-1]
			}
			return s, nil
		}
		if s, err := d.findParent(c, n, inFlow); err == nil {
			return s, nil
		}
	}
	return pathPosition{}, newEditError(n.Line, "this value syntax is not supported for editing in place")
}
