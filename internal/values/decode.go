package values

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// decode reads a document as yaml.Unmarshal does into an empty interface, in the
// form that [canon] gives. The library compares each key of a map with every
// other one, which takes minutes for tens of thousands of annotations; this
// takes time in proportion to the size.
func decode(src []byte) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	d := &decoder{open: map[*yaml.Node]bool{}}
	v, err := d.value(doc.Content[0])
	if err == nil && len(d.faults) > 0 {
		err = &yaml.TypeError{Errors: d.faults}
	}
	return v, err
}

// decoder is one decoding under way.
type decoder struct {
	// faults are what the library reports together.
	faults []string
	// open are the anchors whose values are being read, and depth how many.
	open  map[*yaml.Node]bool
	depth int
	// read counts nodes, aliased those that are read once more for an alias.
	read, aliased int
}

// mostFaults is how many are listed: one file may have as many as it has lines.
const mostFaults = 20

func (d *decoder) fault(format string, args ...any) {
	if len(d.faults) < mostFaults {
		d.faults = append(d.faults, fmt.Sprintf(format, args...))
	}
}

func (d *decoder) value(n *yaml.Node) (any, error) {
	if d.read++; d.depth > 0 {
		d.aliased++
	}
	if d.aliased > 100 && d.read > 1000 && float64(d.aliased) > aliasShare(d.read)*float64(d.read) {
		return nil, fmt.Errorf("yaml: document contains excessive aliasing")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.alias(n)
	case yaml.MappingNode:
		return d.mapping(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := d.value(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	v, err := d.scalar(n)
	return normalize(v), err
}

// aliasShare is how much of a document may come from aliases: the library's own
// bounds, which let small documents repeat themselves and keep large ones from
// exploding.
func aliasShare(read int) float64 {
	const low, high = 400_000, 4_000_000
	share := 0.99 - 0.89*float64(read-low)/(high-low)
	return min(0.99, max(0.10, share))
}

func (d *decoder) alias(n *yaml.Node) (any, error) {
	if d.open[n] {
		return nil, fmt.Errorf("yaml: anchor '%s' value contains itself", n.Value)
	}
	d.open[n] = true
	d.depth++
	v, err := d.value(n.Alias)
	d.depth--
	delete(d.open, n)
	return v, err
}

// scalar leaves tags and types to the library.
func (d *decoder) scalar(n *yaml.Node) (v any, err error) {
	if n.Tag == "!!str" {
		return n.Value, nil
	}
	err = n.Decode(&v)
	if several, ok := err.(*yaml.TypeError); ok {
		for _, text := range several.Errors {
			d.fault("%s", text)
		}
		err = nil
	}
	return v, err
}

func (d *decoder) mapping(n *yaml.Node) (any, error) {
	if d.repeats(n) {
		return nil, nil
	}
	out := make(map[string]any, len(n.Content)/2)
	var merged *yaml.Node
	for i := 0; i < len(n.Content); i += 2 {
		if isMergeKey(n.Content[i]) {
			merged = n.Content[i+1]
			continue
		}
		key, err := d.value(n.Content[i])
		if err != nil {
			return nil, err
		}
		switch key.(type) {
		case map[string]any, []any:
			return nil, fmt.Errorf("yaml: invalid map key: %#v", key)
		}
		v, err := d.value(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		out[fmt.Sprint(key)] = v
	}
	if merged == nil {
		return out, nil
	}
	return out, d.merge(out, merged)
}

// repeats reports keys that stand in a map more than once.
func (d *decoder) repeats(n *yaml.Node) bool {
	type key struct {
		kind  yaml.Kind
		value string
	}
	first := make(map[key]int, len(n.Content)/2)
	found := false
	for i := 0; i < len(n.Content); i += 2 {
		c := n.Content[i]
		k := key{c.Kind, c.Value}
		if line, there := first[k]; there {
			found = true
			d.fault("line %d: mapping key %#v already defined at line %d", c.Line, c.Value, line)
			continue
		}
		first[k] = c.Line
	}
	return found
}

// merge adds what a merge key brings and the map does not say itself; of several
// maps the first wins.
func (d *decoder) merge(out map[string]any, from *yaml.Node) error {
	sources := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		sources = from.Content
	}
	for _, s := range sources {
		target := s
		if s.Kind == yaml.AliasNode {
			target = s.Alias
		}
		if target.Kind != yaml.MappingNode {
			return fmt.Errorf("yaml: map merge requires map or sequence of maps as the value")
		}
		v, err := d.value(s)
		if err != nil {
			return err
		}
		more, _ := v.(map[string]any)
		for k, v := range more {
			if _, there := out[k]; !there {
				out[k] = v
			}
		}
	}
	return nil
}

func isMergeKey(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && (n.Tag == "" || n.Tag == "!" || n.ShortTag() == "!!merge")
}
