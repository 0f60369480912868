package values

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

func (d *document) removePair(s spot) ([]cut, error) {
	pairs := s.parent.Content
	at := 0
	for pairs[at] != s.key {
		at += 2
	}
	if len(pairs) == 2 {
		return d.empty(s)
	}
	start, err := d.offset(s.key)
	if err != nil {
		return nil, err
	}
	if flow(s.parent) {
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
		next, err := d.offset(pairs[at+2])
		return []cut{{start, next, ""}}, err
	}
	return []cut{{line, d.nextLine(d.lineEnd(end)), ""}}, nil
}

func (d *document) removeFlow(pairs []*yaml.Node, at, start int) ([]cut, error) {
	if at+2 < len(pairs) {
		next, err := d.offset(pairs[at+2])
		return []cut{{start, next, ""}}, err
	}
	one := &yaml.Node{Kind: yaml.MappingNode, Content: pairs[:at]}
	before, err := d.lastInFlow(one, start)
	if err != nil {
		return nil, err
	}
	all := &yaml.Node{Kind: yaml.MappingNode, Content: pairs}
	end, err := d.lastInFlow(all, start)
	if err == nil && bytes.IndexByte(d.src[before:start], '#') >= 0 {
		// What is said between the two stays, and with it the comma.
		before = start
	}
	return []cut{{before, end, ""}}, err
}

// empty takes a map's only pair away and leaves its braces, with what is said
// above the pair.
func (d *document) empty(s spot) ([]cut, error) {
	n := s.parent
	start, err := d.offset(s.key)
	if err != nil {
		return nil, err
	}
	end, err := d.valueEnd(s.key, s.node, s.indent)
	if err != nil {
		return nil, err
	}
	line := d.lines[s.key.Line-1]
	if n == d.root || flow(n) || len(bytes.TrimLeft(d.src[line:start], " ")) > 0 {
		if flow(n) {
			start, err = d.offset(n)
			if err != nil {
				return nil, err
			}
			end, err = d.end(n, -1, true)
		}
		return []cut{{start, end, "{}"}}, err
	}
	holder, err := d.holder(d.root, n, false)
	if err != nil {
		return nil, err
	}
	if holder.key == nil || holder.inFlow {
		return d.set(holder, map[string]any{})
	}
	colon, err := d.keyEnd(holder.key)
	return []cut{{colon, colon, " {}"}, {line, d.nextLine(d.lineEnd(end)), ""}}, err
}

// holder finds where in the tree a node hangs.
func (d *document) holder(in, n *yaml.Node, inFlow bool) (spot, error) {
	inFlow = inFlow || flow(in)
	for i, c := range in.Content {
		if c == n {
			s := spot{node: n, parent: in, inFlow: inFlow, indent: indentOf(in)}
			if in.Kind == yaml.MappingNode {
				s.key = in.Content[i-1]
			}
			return s, nil
		}
		if s, err := d.holder(c, n, inFlow); err == nil {
			return s, nil
		}
	}
	return spot{}, refuse(n.Line, "the value has a form that is not edited in place")
}
