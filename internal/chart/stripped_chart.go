package chart

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// strippedChart is a chart with long plain text removed from its templates, out of the template
// engine's way. The published operator charts are four fifths resource
// definitions without a single placeholder in them, and parsing these again
// for every render costs more than everything else together.
type strippedChart struct {
	chart *chart.Chart
	// texts are the texts taken out, by the comment line that stands for
	// each.
	texts    map[string]string
	replacer *strings.Replacer
}

// minStretchBytes is the least length of a stretch worth taking out.
const minStretchBytes = 2 << 10

func stripChart(c *chart.Chart) *strippedChart {
	l := &strippedChart{chart: c, texts: map[string]string{}}
	if len(c.Dependencies()) > 0 {
		return l
	}
	slim := *c
	slim.Templates = slices.Clone(c.Templates)
	for i, f := range slim.Templates {
		if data := l.stripTemplate(f.Name, f.Data); data != nil {
			slim.Templates[i] = &chart.File{Name: f.Name, Data: data}
		}
	}
	l.chart = &slim
	var pairs []string
	for token, text := range l.texts {
		pairs = append(pairs, token, text)
	}
	l.replacer = strings.NewReplacer(pairs...)
	return l
}

// stripTemplate replaces whole lines between two template actions. Definitions and
// partials stay as they are: their text may be indented, hashed or quoted
// before it is put out.
func (l *strippedChart) stripTemplate(name string, data []byte) []byte {
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
		out = append(out, l.extractPlainText(text)...)
		out = append(out, action...)
		rest = rest[len(text)+len(action):]
	}
	return out
}

func (l *strippedChart) extractPlainText(text []byte) []byte {
	from := bytes.IndexByte(text, '\n') + 1
	to := bytes.LastIndexByte(text, '\n') + 1
	// Blank lines at the ends belong to what trimming actions remove.
	middle := bytes.TrimSpace(text[from:max(from, to)])
	if len(middle) < minStretchBytes || bytes.Contains(middle, []byte("\n---")) {
		return text
	}
	from = bytes.Index(text, middle)
	token := fmt.Sprintf("#stretch-%d-of-plain-text#", len(l.texts))
	l.texts[token] = string(middle)
	return slices.Concat(text[:from], []byte(token), text[from+len(middle):])
}

// restorePlainText puts the stretches back into rendered text.
func (l *strippedChart) restorePlainText(s string) string {
	if l.replacer == nil || !hasPlaceholder(s) {
		return s
	}
	return l.replacer.Replace(s)
}

func hasPlaceholder(s string) bool { return strings.Contains(s, "#stretch-") }
