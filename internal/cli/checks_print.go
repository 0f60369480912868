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
	printLine(w, "%-*s%s", width, "ID", "LOOKS AT")
	for _, c := range checks {
		printLine(w, "%-*s%s", width, c.ID, wrapText(c.Inspects, 80-width, strings.Repeat(" ", width)))
	}
}

// glyphs stand before each result; the word beside them says the same, so that
// nothing depends on a glyph or a colour.
var glyphs = map[preflight.Status]string{
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

// printReport writes all results, the worst first, and last the verdict.
func printReport(w io.Writer, r *preflight.Report) {
	results := slices.Clone(r.Results)
	slices.SortStableFunc(results, func(a, b preflight.Result) int { return sortRank(a) - sortRank(b) })
	for _, one := range results {
		printResult(w, one)
	}
	printLine(w, "\n%s", printVerdict(w, r))
}

func printVerdict(w io.Writer, r *preflight.Report) message.Layout {
	status := preflight.Pass
	if reportExitError(r) != nil {
		status = preflight.Fail
	}
	return colorize(w, outcomeColor(status), wrapText(r.Verdict, 80, "  "))
}

// printFindings writes what is in the way, the worst first, but for the
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
	mark := colorize(w, outcomeColor(r.Status), fmt.Sprintf("%s %-6s", glyphs[r.Status], word))
	printLine(w, "%s %s", mark, wrapText(r.ID+": "+readableText(lines[0]), 71, detailIndent))
	for i, d := range lines[1:] {
		if i+1 == maxDetails {
			printLine(w, "%s… and %d more; use -o json to see all", detailIndent, len(lines)-maxDetails)
			break
		}
		printLine(w, "%s%s", detailIndent, wrapText(readableText(d), 69, detailIndent+"  "))
	}
	if wrong {
		printAdvice(w, r)
	}
}

// detailIndent is what stands before every further line of a result.
const detailIndent = "         "

// readableText makes a finding's text fit for a terminal. A digest is shortened to
// what tells two apart; -o json has all of it.
func readableText(s string) string {
	return digestPattern.ReplaceAllString(sanitizeText(s), "${1}…")
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
		printLine(w, "%s  observed  %s", detailIndent, wrapText(readableText(r.Observed), 59, detailIndent+"            "))
	}
	if r.Required != "" {
		printLine(w, "%s  required  %s", detailIndent, wrapText(readableText(r.Required), 59, detailIndent+"            "))
	}
	if r.Remedy != "" {
		lines := strings.Split(r.Remedy, "\n")
		text := wrapLines(lines, 59, detailIndent+"            ")
		if commandPattern.MatchString(r.Remedy) {
			text = message.Layout(strings.ReplaceAll(message.Block(r.Remedy), "\n", "\n"+detailIndent+"            "))
		}
		printLine(w, "%s  remedy    %s", detailIndent, text)
	}
}

// reportExitError is the exit code of a report.
func reportExitError(r *preflight.Report) error {
	switch {
	case r.OK() && r.AnyChecked():
		return nil
	case r.AnyChecked() && r.Summary.Fail == 0 && r.Summary.Error == 0:
		return withoutMessage(ExitWarnings)
	}
	return withoutMessage(ExitCheckFailed)
}

// printReportDocument is print for a report, which build servers read as well. The
// names of a report are the IDs of the checks that found something.
func printReportDocument(o *outputOptions, w io.Writer, r *preflight.Report, table func(io.Writer)) error {
	switch o.format {
	case "name":
		for _, one := range r.Results {
			if one.Waived == "" && one.Status != preflight.Pass && one.Status != preflight.Skip {
				printLine(w, "%s", sanitizeText(one.ID))
			}
		}
		return nil
	case "junit":
	default:
		return o.printDocument(w, r, table)
	}
	b, err := r.JUnit()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
