package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// gapsOf are the gaps in one of the named resources.
func gapsOf(f *plan.Facts, resources ...string) []plan.Gap {
	var list []plan.Gap
	for _, g := range f.Gaps {
		if slices.ContainsFunc(gapWords(g), func(w string) bool { return slices.Contains(resources, w) }) {
			list = append(list, g)
		}
	}
	return list
}

// hasListGap reports whether a list of one of the resources has a gap: then
// nothing is missing for not being in it, and [withGaps] says why it is not
// known.
func hasListGap(f *plan.Facts, resources ...string) bool { return len(gapsOf(f, resources...)) > 0 }

// notListed is the result of a check without input because of a
// gap in what it needs.
func notListed(f *plan.Facts, resources ...string) Result {
	g := gapsOf(f, resources...)[0]
	return Result{Status: Error, Message: gapMessage(g), Remedy: g.Remedy()}
}

// gapWords are the words that may name the resource of a gap: "pods" of
// "operator pods in team-a", "objectstores" of "objectstores.aistor.min.io".
func gapWords(g plan.Gap) []string {
	what, _, _ := strings.Cut(strings.ToLower(g.Subject), " in ")
	words := strings.Fields(what)
	for i, w := range words {
		words[i], _, _ = strings.Cut(w, ".")
	}
	return words
}

// findOutsideGap is a gap outside the namespace that was read, for want of
// rights that nobody needs there; nil where there is none.
func findOutsideGap(f *plan.Facts, gaps []plan.Gap) *plan.Gap {
	for _, g := range gaps {
		if f.Beyond(g) {
			return &g
		}
	}
	return nil
}

// withPartialGaps lets gaps spoil a pass alone: those that nobody has to fill
// make it a skip, the others an error.
func withPartialGaps(r Result, f *plan.Facts, gaps []plan.Gap) Result {
	var open, optional []plan.Gap
	for _, g := range gaps {
		if f.Open(g) {
			open = append(open, g)
		} else {
			optional = append(optional, g)
		}
	}
	if len(open) > 0 {
		return withGaps(r, open)
	}
	if len(optional) == 0 {
		return r
	}
	var lines []string
	for _, g := range optional {
		lines = append(lines, gapMessage(g))
	}
	if r.Status != Pass && r.Status != Skip {
		r.Details = append(r.Details, lines...)
		return r
	}
	first := unobservedResult("%s; of the rest: %s", lines[0], r.Message)
	first.Details, first.Remedy = lines, optional[0].Remedy()
	return first
}

// withGaps turns a pass over a gap into an error; a failure stays a failure.
func withGaps(r Result, gaps []plan.Gap) Result {
	if len(gaps) == 0 {
		return r
	}
	var lines []string
	for _, g := range gaps {
		lines = append(lines, gapMessage(g))
	}
	if r.Status == Fail {
		r.Details = append(r.Details, lines...)
		return r
	}
	if r.Status != Error {
		first := lines[0]
		if len(lines) > 1 {
			first += fmt.Sprintf(" (and %d more)", len(lines)-1)
		}
		r.Status, r.Message = Error, first
	}
	if r.Remedy == "" {
		r.Remedy = gaps[0].Remedy()
	}
	r.Details = append(lines, r.Details...)
	return r
}

func gapMessage(g plan.Gap) string {
	return fmt.Sprintf("%s could not be read: %s", g.Subject, g.Cause)
}
