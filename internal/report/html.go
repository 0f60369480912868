package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

//go:embed page.html
var page string

// WriteHTML writes the document as one page that stands alone: it needs no
// script, no network and no colour, and prints. Everything in it is escaped.
func WriteHTML(w io.Writer, d *Document) error {
	t, err := template.New("report").Funcs(templateFuncs()).Parse(page)
	if err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	if err := t.Execute(w, d); err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	return nil
}

func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"pictures": timelineCharts,
		"sentence": summarySentence,
		"text":     message.Block,
		"clock":    clockText,
		"took":     durationText,
		"details":  resultDetails,
		"short":    shortDigest,
		"first":    func(n int, list []journal.Outage) []journal.Outage { return list[:min(n, len(list))] },
		"more":     func(n int, list []journal.Outage) int { return max(0, len(list)-n) },
		"worst":    worstFirst,
		"span":     func(d plan.Duration) string { return time.Duration(d).Round(100 * time.Millisecond).String() },
		"f":        func(x float64) string { return fmt.Sprintf("%.1f", x) },
		"dict": func(pairs ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				m[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return m
		},
	}
}

// summarySentence says the whole in one line.
func summarySentence(d *Document) string {
	var to []string
	for _, r := range d.Releases {
		name := r.Store
		if name == "" {
			name = "operator"
		}
		to = append(to, name+" "+r.From.Version+" → "+r.To.Version)
	}
	what := strings.Join(to[:min(4, len(to))], ", ")
	if n := len(to) - 4; n > 0 {
		what += fmt.Sprintf(" and %d more", n)
	}
	switch {
	case d.Result == ResultDone:
		return what + ". All steps are complete."
	case d.Changed:
		return fmt.Sprintf("%s. The cluster was changed; %d of %d steps remain.", what, len(d.Remaining), len(d.Steps))
	}
	return what + ". Nothing was changed."
}

// worstFirst puts what stands out before what passed.
func worstFirst(list []preflight.Result) []preflight.Result {
	rank := map[preflight.Status]int{preflight.Fail: 0, preflight.Error: 1, preflight.Warn: 2, preflight.Pass: 3, preflight.Skip: 4}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b preflight.Result) int { return rank[a.Status] - rank[b.Status] })
	return out
}

// resultDetails are the lines of a result beyond its message.
func resultDetails(r preflight.Result) []string {
	if len(r.Details) == 1 && strings.HasPrefix(r.Message, r.Details[0]) {
		return nil
	}
	return r.Details
}

func shortDigest(d string) string {
	_, hex, _ := strings.Cut(d, ":")
	return hex[:min(12, len(hex))]
}
