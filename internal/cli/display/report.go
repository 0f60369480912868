package display

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// PrintChecks lists checks for --list.
func PrintChecks(w io.Writer, checks []preflight.Check) {
	width := 0
	for _, c := range checks {
		width = max(width, len(c.ID)+2)
	}
	term.PrintLine(w, "%-*s%s", width, "ID", "LOOKS AT")
	for _, c := range checks {
		term.PrintLine(w, "%-*s%s", width, c.ID, option.WrapText(c.Inspects, 80-width, strings.Repeat(" ", width)))
	}
}

// Glyphs stand before each result; the word beside them says the same, so that
// nothing depends on a glyph or a colour.
var Glyphs = map[preflight.Status]string{
	preflight.Pass: "✓", preflight.Warn: "!", preflight.Fail: "✗", preflight.Error: "?", preflight.Skip: "-",
}

// maxDetails is how many findings of one check are shown to people.
const maxDetails = 5

// ranks is the order in which people read results: what is wrong comes first.
var ranks = map[preflight.Status]int{
	preflight.Fail: 0, preflight.Error: 1, preflight.Warn: 2, preflight.Skip: 4, preflight.Pass: 5,
}

func sortRank(r preflight.Result) int {
	if r.Waived != "" {
		return 3
	}
	return ranks[r.Status]
}

// PrintReport writes all results, the worst first, and last the verdict.
func PrintReport(w io.Writer, r *preflight.Report) {
	results := slices.Clone(r.Results)
	slices.SortStableFunc(results, func(a, b preflight.Result) int { return sortRank(a) - sortRank(b) })
	for _, one := range results {
		printResult(w, one)
	}
	term.PrintLine(w, "\n%s", printVerdict(w, r))
}

func printVerdict(w io.Writer, r *preflight.Report) message.Layout {
	status := preflight.Pass
	if ReportExitError(r) != nil {
		status = preflight.Fail
	}
	return term.Colorize(w, term.OutcomeColor(status), option.WrapText(r.Verdict, 80, "  "))
}

// PrintFindings writes what is in the way, the worst first, but for the
// checks named in said, which were shown before.
func PrintFindings(w io.Writer, r *preflight.Report, said ...string) {
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
	mark := term.Colorize(w, term.OutcomeColor(r.Status), fmt.Sprintf("%s %-6s", Glyphs[r.Status], word))
	term.PrintLine(w, "%s %s", mark, option.WrapText(r.ID+": "+ReadableText(lines[0]), 71, detailIndent))
	for i, d := range lines[1:] {
		if i+1 == maxDetails {
			term.PrintLine(w, "%s… and %d more; use -o json to see all", detailIndent, len(lines)-maxDetails)
			break
		}
		term.PrintLine(w, "%s%s", detailIndent, option.WrapText(ReadableText(d), 69, detailIndent+"  "))
	}
	if wrong {
		printAdvice(w, r)
	}
}

// detailIndent is what stands before every further line of a result.
const detailIndent = "         "

// ReadableText makes a finding's text fit for a terminal. A digest is shortened to
// what tells two apart; -o json has all of it.
func ReadableText(s string) string {
	return digestPattern.ReplaceAllString(term.SanitizeText(s), "${1}…")
}

// digestPattern is a constant in all but name: Go has none of this type.
var digestPattern = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// commandPattern begin a remedy that is there to be pasted. It is as constant as
// digests.
var commandPattern = regexp.MustCompile(`(?m)^(kubectl|helm|mc|skopeo|git|export|flux|base64) `)

// printAdvice ends a finding. A command is there to be pasted and so is never
// broken.
func printAdvice(w io.Writer, r preflight.Result) {
	if r.Observed != "" {
		term.PrintLine(w, "%s  observed  %s", detailIndent, option.WrapText(ReadableText(r.Observed), 59, detailIndent+"            "))
	}
	if r.Required != "" {
		term.PrintLine(w, "%s  required  %s", detailIndent, option.WrapText(ReadableText(r.Required), 59, detailIndent+"            "))
	}
	if r.Remedy != "" {
		lines := strings.Split(r.Remedy, "\n")
		text := option.WrapLines(lines, 59, detailIndent+"            ")
		if commandPattern.MatchString(r.Remedy) {
			text = message.Layout(strings.ReplaceAll(message.Block(r.Remedy), "\n", "\n"+detailIndent+"            "))
		}
		term.PrintLine(w, "%s  remedy    %s", detailIndent, text)
	}
}

// ReportExitError is the exit code of a report.
func ReportExitError(r *preflight.Report) error {
	switch {
	case r.OK() && r.AnyChecked():
		return nil
	case r.AnyChecked() && r.Summary.Fail == 0 && r.Summary.Error == 0:
		return term.WithoutMessage(term.ExitWarnings)
	}
	return term.WithoutMessage(term.ExitCheckFailed)
}

// PrintReportDocument is print for a report, which build servers read as well. The
// names of a report are the IDs of the checks that found something.
func PrintReportDocument(o *option.Output, w io.Writer, r *preflight.Report, table func(io.Writer)) error {
	switch o.Format {
	case "name":
		for _, one := range r.Results {
			if one.Waived == "" && one.Status != preflight.Pass && one.Status != preflight.Skip {
				term.PrintLine(w, "%s", term.SanitizeText(one.ID))
			}
		}
		return nil
	case "junit":
	default:
		return o.PrintDocument(w, r, table)
	}
	b, err := r.JUnit()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
