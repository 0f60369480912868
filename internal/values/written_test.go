package values_test

import (
	"fmt"
	"strings"
)

// generatedFile is a values file made by choices, with the place of every setting in
// it: what the editor finds out by parsing, this knows from writing.
type generatedFile struct {
	choices []byte
	b       strings.Builder
	eol     string
	step    int
	spots   []pathPosition
	anchors int
	closed  []int // anchors that an alias may name
}

// pathPosition is one setting of a written file.
type pathPosition struct {
	path []string
	// start and end are where the value stands, or where its key's colon ends
	// if nothing does.
	start, end int
	// lines and next are the lines of key and value in a block map; both are 0
	// where they have none of their own.
	lines, next int
	kind        spotKind
	// alone says that no other pair is in the map.
	alone bool
}

type spotKind int

const (
	kindScalar spotKind = iota
	kindNull
	kindEmpty // [] or {}
	kindMap
	kindList
	kindFlow
	kindAnchored
	kindAlias
)

// generateFile makes a file of the choices; the same choices make the same file.
func generateFile(choices []byte) *generatedFile {
	w := &generatedFile{choices: choices, eol: "\n", step: 2}
	switch w.pickChoice(4) {
	case 1:
		w.eol = "\r\n"
	case 2:
		w.step = 4
	}
	for range w.pickChoice(3) {
		w.b.WriteString("# before,\twith a tab" + w.eol)
	}
	if w.pickChoice(5) == 1 {
		w.b.WriteString("---" + w.eol)
	}
	w.writeBlock(nil, 0, 0)
	switch w.pickChoice(4) {
	case 1:
		w.b.WriteString("# the end: 'x'" + w.eol)
	case 2:
		w.b.WriteString(w.eol + w.eol)
	}
	return w
}

func (w *generatedFile) pickChoice(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

func (w *generatedFile) position() int { return w.b.Len() }

var writtenKeys = []string{"a", "hostname", "\"quoted\"", "'it''s'", "名", "path.prefix", "on-x", "\"a b\""}

// writeBlock writes a map at an indentation.
func (w *generatedFile) writeBlock(path []string, indent, depth int) {
	n := 1 + w.pickChoice(4)
	for i := range n {
		w.writeSeparator(indent)
		start := w.position()
		if i > 0 || w.b.Len() == 0 || strings.HasSuffix(w.b.String(), "\n") {
			w.b.WriteString(strings.Repeat(" ", indent))
		} else {
			start = 0 // the first key shares the line of a list's dash
		}
		key := writtenKeys[w.pickChoice(len(writtenKeys))]
		text := unquote(key) + fmt.Sprint(i)
		w.b.WriteString(strings.Replace(key, unquote(key), text, 1) + ":")
		w.writePair(append(append([]string{}, path...), strings.ReplaceAll(text, "''", "'")), indent, depth)
		if s := &w.spots[len(w.spots)-1]; start > 0 || i == 0 && indent == 0 {
			s.lines, s.next = start, w.position()
		}
		w.spots[len(w.spots)-1].alone = n == 1
	}
}

// unquote is a key without its quotes.
func unquote(key string) string { return strings.Trim(key, "\"'") }

// writeSeparator writes what may stand between two lines.
func (w *generatedFile) writeSeparator(indent int) {
	if w.b.Len() > 0 && !strings.HasSuffix(w.b.String(), "\n") {
		return
	}
	switch w.pickChoice(8) {
	case 1:
		w.b.WriteString(strings.Repeat(" ", indent) + "# a comment: {x" + w.eol)
	case 2:
		w.b.WriteString(w.eol)
	case 3:
		w.b.WriteString("#\todd\t" + w.eol)
	}
}

// writePair writes what follows a key's colon and remembers it last.
func (w *generatedFile) writePair(path []string, indent, depth int) {
	s := pathPosition{path: path, start: w.position(), end: w.position()}
	switch kind := w.pickChoice(10); {
	case kind == 7 && depth < 3:
		s.kind = kindMap
		switch w.pickChoice(6) {
		case 1:
			w.anchors++
			anchor := w.anchors
			fmt.Fprintf(&w.b, " &n%d", anchor)
			s.kind = kindAnchored
			defer func() { w.closed = append(w.closed, anchor) }()
		case 2:
			w.b.WriteString(" !!map")
		}
		w.writeComment()
		s.start = w.position()
		w.writeBlock(path, indent+w.step, depth+1)
		s.end = w.position()
	case kind == 8 && depth < 3:
		s.kind = kindList
		w.writeComment()
		s.start = w.position()
		w.writeList(path, indent, depth)
		s.end = w.position()
	case kind == 9 && w.pickChoice(2) == 1:
		s.kind = kindNull
		w.writeComment()
	case kind == 9:
		w.writeSpace()
		s.start = w.position()
		w.writeFlow(path, depth)
		s.kind, s.end = kindFlow, w.position()
		w.writeComment()
	case kind == 6:
		w.writeSpace()
		s.start = w.position()
		w.writeLiteral(indent)
		s.end = w.position() - len(w.eol)
	default:
		w.writeSpace()
		s.start = w.position()
		s.kind = w.writeScalar(kind)
		s.end = w.position()
		w.writeComment()
	}
	w.spots = append(w.spots, s)
}

func (w *generatedFile) writeSpace() { w.b.WriteString(strings.Repeat(" ", 1+w.pickChoice(3))) }

// writeComment ends a line.
func (w *generatedFile) writeComment() {
	w.b.WriteString([]string{"", "", "  # said: \"x\"", " #", "   "}[w.pickChoice(5)] + w.eol)
}

// writeScalar writes one line.
func (w *generatedFile) writeScalar(kind int) spotKind {
	switch kind {
	case 1:
		w.b.WriteString(`"quay.io/x # no\" comment"`)
	case 2:
		w.b.WriteString("'it''s {one}'")
	case 3:
		w.b.WriteString([]string{"{}", "[]", "{ }", "[ ]"}[w.pickChoice(4)])
		return kindEmpty
	case 4:
		if len(w.closed) > 0 && w.pickChoice(2) == 1 {
			fmt.Fprintf(&w.b, "*n%d", w.closed[w.pickChoice(len(w.closed))])
			return kindAlias
		}
		w.anchors++
		w.closed = append(w.closed, w.anchors)
		fmt.Fprintf(&w.b, "&n%d anchored", w.anchors)
		return kindAnchored
	case 5:
		w.b.WriteString([]string{"5000", "1.50", "true", "~", "null", "0o17", "!!str 1"}[w.pickChoice(7)])
	default:
		w.b.WriteString([]string{"quay.io", "a b#c", "http://x:1/y", "-x", "RELEASE.2026-01-01T00-00-00Z"}[w.pickChoice(5)])
	}
	return kindScalar
}

func (w *generatedFile) writeLiteral(indent int) {
	in := strings.Repeat(" ", indent+w.step)
	w.b.WriteString([]string{"|", ">", "|-", ">-", "|  # said"}[w.pickChoice(5)] + w.eol + in + "# text: &no *anchor" + w.eol)
	if w.pickChoice(2) == 1 {
		w.b.WriteString(w.eol)
	}
	w.b.WriteString(in + "  further in" + w.eol + in + "- last" + w.eol)
}

// writeList writes a list below a key.
func (w *generatedFile) writeList(path []string, indent, depth int) {
	if w.pickChoice(2) == 1 {
		indent += w.step
	}
	for i := range 1 + w.pickChoice(3) {
		w.writeSeparator(indent)
		w.b.WriteString(strings.Repeat(" ", indent) + "- ")
		at := append(append([]string{}, path...), fmt.Sprint(i))
		if w.pickChoice(2) == 1 {
			w.writeBlock(at, indent+2, depth+1)
			continue
		}
		s := pathPosition{path: at, start: w.position()}
		s.kind = w.writeScalar(w.pickChoice(3))
		s.end = w.position()
		w.writeComment()
		w.spots = append(w.spots, s)
	}
}

// writeFlow writes a map between braces, sometimes over several lines.
func (w *generatedFile) writeFlow(path []string, depth int) {
	gap := []string{"", " ", w.eol + strings.Repeat(" ", 3+w.step*(depth+1))}[w.pickChoice(3)]
	w.b.WriteString("{" + gap)
	for i := range 1 + w.pickChoice(3) {
		if i > 0 {
			w.b.WriteString("," + gap)
		}
		key := fmt.Sprintf("k%d", i)
		at := append(append([]string{}, path...), key)
		w.b.WriteString([]string{key, `"` + key + `"`}[w.pickChoice(2)] + ": ")
		s := pathPosition{path: at, start: w.position()}
		switch kind := w.pickChoice(6); {
		case kind == 0 && depth < 3:
			w.writeFlow(at, depth+1)
			s.kind = kindFlow
		case kind == 1:
			w.b.WriteString("[one, 'two', \"three\"]")
		default:
			s.kind = w.writeScalar(kind)
		}
		s.end = w.position()
		w.spots = append(w.spots, s)
	}
	w.b.WriteString([]string{"", ",", gap}[w.pickChoice(3)] + "}")
}
