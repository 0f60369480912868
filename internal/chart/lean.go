package chart

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// lean is a chart whose long stretches of plain text are out of the template
// engine's way. The published operator charts are four fifths resource
// definitions without a single placeholder in them, and parsing these again
// for every render costs more than everything else together.
type lean struct {
	chart *chart.Chart
	// stretches are the texts taken out, by the comment line that stands for
	// each.
	stretches map[string]string
	replacer  *strings.Replacer
}

// leanFrom is the least length of a stretch worth taking out.
const leanFrom = 2 << 10

func makeLean(c *chart.Chart) *lean {
	l := &lean{chart: c, stretches: map[string]string{}}
	if len(c.Dependencies()) > 0 {
		return l
	}
	slim := *c
	slim.Templates = slices.Clone(c.Templates)
	for i, f := range slim.Templates {
		if data := l.shorten(f.Name, f.Data); data != nil {
			slim.Templates[i] = &chart.File{Name: f.Name, Data: data}
		}
	}
	l.chart = &slim
	var pairs []string
	for token, text := range l.stretches {
		pairs = append(pairs, token, text)
	}
	l.replacer = strings.NewReplacer(pairs...)
	return l
}

// shorten replaces whole lines between two template actions. Definitions and
// partials stay as they are: their text may be indented, hashed or quoted
// before it is put out.
func (l *lean) shorten(name string, data []byte) []byte {
	if strings.HasPrefix(path.Base(name), "_") || bytes.Contains(data, []byte("define")) || bytes.Contains(data, []byte("block")) && bytes.Contains(data, []byte("{{ block")) {
		return nil
	}
	var out []byte
	for rest := data; len(rest) > 0; {
		text, action := rest, []byte(nil)
		if i := bytes.Index(rest, []byte("{{")); i >= 0 {
			text, action = rest[:i], rest[i:]
			if j := bytes.Index(action, []byte("}}")); j >= 0 {
				action = action[:j+2]
			}
		}
		out = append(out, l.stretch(text)...)
		out = append(out, action...)
		rest = rest[len(text)+len(action):]
	}
	return out
}

func (l *lean) stretch(text []byte) []byte {
	from := bytes.IndexByte(text, '\n') + 1
	to := bytes.LastIndexByte(text, '\n') + 1
	// Blank lines at the ends belong to what trimming actions remove.
	middle := bytes.TrimSpace(text[from:max(from, to)])
	if len(middle) < leanFrom || bytes.Contains(middle, []byte("\n---")) {
		return text
	}
	from = bytes.Index(text, middle)
	token := fmt.Sprintf("#stretch-%d-of-plain-text#", len(l.stretches))
	l.stretches[token] = string(middle)
	return slices.Concat(text[:from], []byte(token), text[from+len(middle):])
}

// restore puts the stretches back into rendered text.
func (l *lean) restore(s string) string {
	if l.replacer == nil || !stretched(s) {
		return s
	}
	return l.replacer.Replace(s)
}

func stretched(s string) bool { return strings.Contains(s, "#stretch-") }
