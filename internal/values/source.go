package values

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Source is one values file as it was read, to say where a setting stands.
type Source struct {
	// Name is the file's path, "-" for standard input, or a URL.
	Name string
	Data []byte
}

// Label is the name for people.
func (s Source) Label() string {
	if strings.TrimSpace(s.Name) == "-" {
		return "standard input"
	}
	return s.Name
}

// Line is the line on which the setting at path stands, 0 where the file does
// not have it or is no YAML.
func (s Source) Line(path Path) int {
	n := s.node(path)
	if n == nil {
		return 0
	}
	return n.Line
}

// KeyLine is the line on which the key at the end of path stands, or the line of
// a list's element, 0 where the file does not have it or is no YAML.
func (s Source) KeyLine(path Path) int {
	if len(path) == 0 {
		return 0
	}
	parent := s.root()
	if len(path) > 1 {
		parent = s.node(path[:len(path)-1])
	}
	for parent != nil && parent.Kind == yaml.AliasNode {
		parent = parent.Alias
	}
	line := 0
	if parent != nil && parent.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(parent.Content); i += 2 {
			if parent.Content[i].Value == path[len(path)-1] {
				line = parent.Content[i].Line
			}
		}
	}
	if line == 0 {
		return s.Line(path)
	}
	return line
}

// Literal is the scalar at path as the file writes it, without quotes; ok is
// false where there is none, or it is quoted or a block.
func (s Source) Literal(path Path) (text string, ok bool) {
	return plainScalar(s.node(path))
}

func plainScalar(n *yaml.Node) (text string, ok bool) {
	if n == nil || n.Kind != yaml.ScalarNode || n.Style&^yaml.TaggedStyle != 0 {
		return "", false
	}
	return n.Value, true
}

// LocalTag is the first tag such as !vault, which other programs resolve and
// Helm ignores, with its line; empty where there is none.
func (s Source) LocalTag() (tag string, line int) { return localTag(s.root()) }

func localTag(n *yaml.Node) (tag string, line int) {
	if n == nil {
		return "", 0
	}
	if n.Style&yaml.TaggedStyle != 0 && len(n.Tag) > 1 && n.Tag[0] == '!' && !strings.HasPrefix(n.Tag, "!!") {
		return n.Tag, n.Line
	}
	for _, c := range n.Content {
		if tag, line = localTag(c); tag != "" {
			return tag, line
		}
	}
	return "", 0
}

// root is the first document's, nil where there is none.
func (s Source) root() *yaml.Node {
	var doc yaml.Node
	if yaml.NewDecoder(bytes.NewReader(s.Data)).Decode(&doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// node is the one at path; the last of several equal keys, as Helm reads them.
func (s Source) node(path Path) *yaml.Node {
	n := s.root()
	for _, elem := range path {
		for n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n == nil {
			return nil
		}
		n = childNode(n, elem)
	}
	return n
}

func childNode(n *yaml.Node, elem string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		if at, ok := listIndex(elem, len(n.Content)); ok {
			return n.Content[at]
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var found, merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch k := n.Content[i]; {
		case k.Tag == "!!merge":
			merged = mergedNode(n.Content[i+1], elem)
		case k.Value == elem:
			found = n.Content[i+1]
		}
	}
	if found == nil {
		return merged
	}
	return found
}

// mergedNode is what a merge key brings under a name.
func mergedNode(n *yaml.Node, elem string) *yaml.Node {
	switch n.Kind {
	case yaml.AliasNode:
		return childNode(n.Alias, elem)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if found := mergedNode(c, elem); found != nil {
				return found
			}
		}
		return nil
	}
	return childNode(n, elem)
}

// Locate is the source that decides the setting at path, which is the last one
// that has it, and the line there; nil where none has it.
func Locate(sources []Source, path Path) (*Source, int) {
	for i := len(sources) - 1; i >= 0; i-- {
		if line := sources[i].Line(path); line > 0 {
			return &sources[i], line
		}
	}
	return nil, 0
}

// Located are values files that were parsed once, to say where many settings
// stand. It is not safe for concurrent use.
type Located struct {
	sources []Source
	roots   []*yaml.Node
	// children are those of mappings by their names.
	children map[*yaml.Node]map[string]*yaml.Node
}

// Parse parses sources; those that are no YAML have no settings.
func Parse(sources []Source) *Located {
	l := &Located{sources: sources, children: map[*yaml.Node]map[string]*yaml.Node{}}
	for _, s := range sources {
		l.roots = append(l.roots, s.root())
	}
	return l
}

// Find is the source that decides the setting at path, as [Locate] gives it, with
// the line and, where it is written as a plain scalar, its text.
func (l *Located) Find(path Path) (s *Source, line int, literal string) {
	for i := len(l.roots) - 1; i >= 0; i-- {
		if n := l.node(l.roots[i], path); n != nil && n.Line > 0 {
			literal, _ = plainScalar(n)
			return &l.sources[i], n.Line, literal
		}
	}
	return nil, 0, ""
}

func (l *Located) node(n *yaml.Node, path Path) *yaml.Node {
	for _, elem := range path {
		for n != nil && n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n == nil {
			return nil
		}
		n = l.child(n, elem)
	}
	return n
}

func (l *Located) child(n *yaml.Node, elem string) *yaml.Node {
	if n.Kind != yaml.MappingNode || len(n.Content) < 32 {
		return childNode(n, elem)
	}
	byName := l.children[n]
	if byName == nil {
		byName = map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Tag != "!!merge" {
				byName[n.Content[i].Value] = n.Content[i+1]
			}
		}
		l.children[n] = byName
	}
	if found := byName[elem]; found != nil {
		return found
	}
	return childNode(n, elem) // behind a merge key, or not there
}
