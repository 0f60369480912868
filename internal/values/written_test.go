package values_test

import (
	"fmt"
	"strings"
)

// written is a values file made by choices, with the place of every setting in
// it: what the editor finds out by parsing, this knows from writing.
type written struct {
	choices []byte
	b       strings.Builder
	eol     string
	step    int
	spots   []spot
	anchors int
	closed  []int // anchors that an alias may name
}

// spot is one setting of a written file.
type spot struct {
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

// write makes a file of the choices; the same choices make the same file.
func write(choices []byte) *written {
	w := &written{choices: choices, eol: "\n", step: 2}
	switch w.pick(4) {
	case 1:
		w.eol = "\r\n"
	case 2:
		w.step = 4
	}
	for range w.pick(3) {
		w.b.WriteString("# before,\twith a tab" + w.eol)
	}
	if w.pick(5) == 1 {
		w.b.WriteString("---" + w.eol)
	}
	w.block(nil, 0, 0)
	switch w.pick(4) {
	case 1:
		w.b.WriteString("# the end: 'x'" + w.eol)
	case 2:
		w.b.WriteString(w.eol + w.eol)
	}
	return w
}

func (w *written) pick(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

func (w *written) at() int { return w.b.Len() }

var writtenKeys = []string{"a", "hostname", "\"quoted\"", "'it''s'", "名", "path.prefix", "on-x", "\"a b\""}

// block writes a map at an indentation.
func (w *written) block(path []string, indent, depth int) {
	n := 1 + w.pick(4)
	for i := range n {
		w.between(indent)
		start := w.at()
		if i > 0 || w.b.Len() == 0 || strings.HasSuffix(w.b.String(), "\n") {
			w.b.WriteString(strings.Repeat(" ", indent))
		} else {
			start = 0 // the first key shares the line of a list's dash
		}
		key := writtenKeys[w.pick(len(writtenKeys))]
		text := bare(key) + fmt.Sprint(i)
		w.b.WriteString(strings.Replace(key, bare(key), text, 1) + ":")
		w.pair(append(append([]string{}, path...), strings.ReplaceAll(text, "''", "'")), indent, depth)
		if s := &w.spots[len(w.spots)-1]; start > 0 || i == 0 && indent == 0 {
			s.lines, s.next = start, w.at()
		}
		w.spots[len(w.spots)-1].alone = n == 1
	}
}

// bare is a key without its quotes.
func bare(key string) string { return strings.Trim(key, "\"'") }

// between writes what may stand between two lines.
func (w *written) between(indent int) {
	if w.b.Len() > 0 && !strings.HasSuffix(w.b.String(), "\n") {
		return
	}
	switch w.pick(8) {
	case 1:
		w.b.WriteString(strings.Repeat(" ", indent) + "# a comment: {x" + w.eol)
	case 2:
		w.b.WriteString(w.eol)
	case 3:
		w.b.WriteString("#\todd\t" + w.eol)
	}
}

// pair writes what follows a key's colon and remembers it last.
func (w *written) pair(path []string, indent, depth int) {
	s := spot{path: path, start: w.at(), end: w.at()}
	switch kind := w.pick(10); {
	case kind == 7 && depth < 3:
		s.kind = kindMap
		switch w.pick(6) {
		case 1:
			w.anchors++
			anchor := w.anchors
			fmt.Fprintf(&w.b, " &n%d", anchor)
			s.kind = kindAnchored
			defer func() { w.closed = append(w.closed, anchor) }()
		case 2:
			w.b.WriteString(" !!map")
		}
		w.comment()
		s.start = w.at()
		w.block(path, indent+w.step, depth+1)
		s.end = w.at()
	case kind == 8 && depth < 3:
		s.kind = kindList
		w.comment()
		s.start = w.at()
		w.list(path, indent, depth)
		s.end = w.at()
	case kind == 9 && w.pick(2) == 1:
		s.kind = kindNull
		w.comment()
	case kind == 9:
		w.space()
		s.start = w.at()
		w.flow(path, depth)
		s.kind, s.end = kindFlow, w.at()
		w.comment()
	case kind == 6:
		w.space()
		s.start = w.at()
		w.literal(indent)
		s.end = w.at() - len(w.eol)
	default:
		w.space()
		s.start = w.at()
		s.kind = w.scalar(kind)
		s.end = w.at()
		w.comment()
	}
	w.spots = append(w.spots, s)
}

func (w *written) space() { w.b.WriteString(strings.Repeat(" ", 1+w.pick(3))) }

// comment ends a line.
func (w *written) comment() {
	w.b.WriteString([]string{"", "", "  # said: \"x\"", " #", "   "}[w.pick(5)] + w.eol)
}

// scalar writes one line.
func (w *written) scalar(kind int) spotKind {
	switch kind {
	case 1:
		w.b.WriteString(`"quay.io/x # no\" comment"`)
	case 2:
		w.b.WriteString("'it''s {one}'")
	case 3:
		w.b.WriteString([]string{"{}", "[]", "{ }", "[ ]"}[w.pick(4)])
		return kindEmpty
	case 4:
		if len(w.closed) > 0 && w.pick(2) == 1 {
			fmt.Fprintf(&w.b, "*n%d", w.closed[w.pick(len(w.closed))])
			return kindAlias
		}
		w.anchors++
		w.closed = append(w.closed, w.anchors)
		fmt.Fprintf(&w.b, "&n%d anchored", w.anchors)
		return kindAnchored
	case 5:
		w.b.WriteString([]string{"5000", "1.50", "true", "~", "null", "0o17", "!!str 1"}[w.pick(7)])
	default:
		w.b.WriteString([]string{"quay.io", "a b#c", "http://x:1/y", "-x", "RELEASE.2026-01-01T00-00-00Z"}[w.pick(5)])
	}
	return kindScalar
}

func (w *written) literal(indent int) {
	in := strings.Repeat(" ", indent+w.step)
	w.b.WriteString([]string{"|", ">", "|-", ">-", "|  # said"}[w.pick(5)] + w.eol + in + "# text: &no *anchor" + w.eol)
	if w.pick(2) == 1 {
		w.b.WriteString(w.eol)
	}
	w.b.WriteString(in + "  further in" + w.eol + in + "- last" + w.eol)
}

// list writes a list below a key.
func (w *written) list(path []string, indent, depth int) {
	if w.pick(2) == 1 {
		indent += w.step
	}
	for i := range 1 + w.pick(3) {
		w.between(indent)
		w.b.WriteString(strings.Repeat(" ", indent) + "- ")
		at := append(append([]string{}, path...), fmt.Sprint(i))
		if w.pick(2) == 1 {
			w.block(at, indent+2, depth+1)
			continue
		}
		s := spot{path: at, start: w.at()}
		s.kind = w.scalar(w.pick(3))
		s.end = w.at()
		w.comment()
		w.spots = append(w.spots, s)
	}
}

// flow writes a map between braces, sometimes over several lines.
func (w *written) flow(path []string, depth int) {
	gap := []string{"", " ", w.eol + strings.Repeat(" ", 3+w.step*(depth+1))}[w.pick(3)]
	w.b.WriteString("{" + gap)
	for i := range 1 + w.pick(3) {
		if i > 0 {
			w.b.WriteString("," + gap)
		}
		key := fmt.Sprintf("k%d", i)
		at := append(append([]string{}, path...), key)
		w.b.WriteString([]string{key, `"` + key + `"`}[w.pick(2)] + ": ")
		s := spot{path: at, start: w.at()}
		switch kind := w.pick(6); {
		case kind == 0 && depth < 3:
			w.flow(at, depth+1)
			s.kind = kindFlow
		case kind == 1:
			w.b.WriteString("[one, 'two', \"three\"]")
		default:
			s.kind = w.scalar(kind)
		}
		s.end = w.at()
		w.spots = append(w.spots, s)
	}
	w.b.WriteString([]string{"", ",", gap}[w.pick(3)] + "}")
}
