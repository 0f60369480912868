package cli

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// printChecks lists checks for --list.
func printChecks(w io.Writer, checks []preflight.Check) {
	width := 0
	for _, c := range checks {
		width = max(width, len(c.ID)+2)
	}
	line(w, "%-*s%s", width, "ID", "LOOKS AT")
	for _, c := range checks {
		line(w, "%-*s%s", width, c.ID, wrap(c.Looks, 80-width, strings.Repeat(" ", width)))
	}
}

// glyphs stand before each result; the word beside them says the same, so that
// nothing depends on a glyph or a colour.
var glyphs = map[preflight.Status]string{
	preflight.Pass: "✓", preflight.Warn: "!", preflight.Fail: "✗", preflight.Error: "?", preflight.Skip: "-",
}

// mostDetails is how many findings of one check are shown to people.
const mostDetails = 5

// ranks is the order in which people read results: what is wrong comes first.
var ranks = map[preflight.Status]int{
	preflight.Fail: 0, preflight.Error: 1, preflight.Warn: 2, preflight.Skip: 4, preflight.Pass: 5,
}

func rank(r preflight.Result) int {
	if r.Waived != "" {
		return 3
	}
	return ranks[r.Status]
}

// printReport writes all results, the worst first, and last the verdict.
func printReport(w io.Writer, r *preflight.Report) {
	results := slices.Clone(r.Results)
	slices.SortStableFunc(results, func(a, b preflight.Result) int { return rank(a) - rank(b) })
	for _, one := range results {
		printResult(w, one)
	}
	line(w, "\n%s", printVerdict(w, r))
}

func printVerdict(w io.Writer, r *preflight.Report) message.Layout {
	status := preflight.Pass
	if verdict(r) != nil {
		status = preflight.Fail
	}
	return tint(w, colourOf(status), wrap(r.Verdict, 80, "  "))
}

// printFindings writes what stands in the way, the worst first, but for the
// checks named in said, which were shown before.
func printFindings(w io.Writer, r *preflight.Report, said ...string) {
	for _, status := range []preflight.Status{preflight.Fail, preflight.Error, preflight.Warn} {
		for _, one := range r.Results {
			if one.Status == status && one.Waived == "" && !slices.Contains(said, one.ID) {
				printResult(w, one)
			}
		}
	}
}

// printResult writes one result: a line, and for what is wrong every finding
// with what was seen, what is needed and what helps.
func printResult(w io.Writer, r preflight.Result) {
	word := string(r.Status)
	if r.Waived != "" {
		word = "waived"
	}
	lines := []string{r.Message}
	wrong := r.Waived == "" && r.Status != preflight.Pass && r.Status != preflight.Skip
	if wrong && len(r.Details) > 0 {
		lines = r.Details
	}
	mark := tint(w, colourOf(r.Status), fmt.Sprintf("%s %-6s", glyphs[r.Status], word))
	line(w, "%s %s", mark, wrap(r.ID+": "+readable(lines[0]), 71, margin))
	for i, d := range lines[1:] {
		if i+1 == mostDetails {
			line(w, "%s… and %d more; -o json has them all", margin, len(lines)-mostDetails)
			break
		}
		line(w, "%s%s", margin, wrap(readable(d), 69, margin+"  "))
	}
	if wrong {
		printAdvice(w, r)
	}
}

// margin is what stands before every further line of a result.
const margin = "         "

// readable makes a finding's text fit for a terminal. A digest is shortened to
// what tells two apart; -o json has all of it.
func readable(s string) string {
	return digests.ReplaceAllString(printable(s), "${1}…")
}

// digests is a constant in all but name: Go has none of this type.
var digests = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// commands begin a remedy that is there to be pasted. It is as constant as
// digests.
var commands = regexp.MustCompile(`(?m)^(kubectl|helm|mc|skopeo|git|export|flux|base64) `)

// printAdvice ends a finding. A command is there to be pasted and so is never
// broken.
func printAdvice(w io.Writer, r preflight.Result) {
	if r.Observed != "" {
		line(w, "%s  observed  %s", margin, wrap(readable(r.Observed), 59, margin+"            "))
	}
	if r.Required != "" {
		line(w, "%s  required  %s", margin, wrap(readable(r.Required), 59, margin+"            "))
	}
	if r.Remedy != "" {
		lines := strings.Split(r.Remedy, "\n")
		text := wrapLines(lines, 59, margin+"            ")
		if commands.MatchString(r.Remedy) {
			text = message.Layout(strings.ReplaceAll(message.Block(r.Remedy), "\n", "\n"+margin+"            "))
		}
		line(w, "%s  remedy    %s", margin, text)
	}
}

// verdict is the exit code of a report.
func verdict(r *preflight.Report) error {
	switch {
	case r.OK() && r.Checked():
		return nil
	case r.Checked() && r.Summary.Fail == 0 && r.Summary.Error == 0:
		return &silentError{ExitWarnings}
	}
	return &silentError{ExitCheckFailed}
}

// printChecked is print for a report, which build servers read as well. The
// names of a report are the IDs of the checks that found something.
func (o *outputOptions) printChecked(w io.Writer, r *preflight.Report, table func(io.Writer)) error {
	switch o.format {
	case "name":
		for _, one := range r.Results {
			if one.Waived == "" && one.Status != preflight.Pass && one.Status != preflight.Skip {
				line(w, "%s", printable(one.ID))
			}
		}
		return nil
	case "junit":
	default:
		return o.print(w, r, table)
	}
	b, err := r.JUnit()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
