package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// checkOptions choose checks and say how they are judged.
type checkOptions struct {
	only, skip []string
	waive      []string
	failOn     string
	list       bool
}

func (o *checkOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&o.only, "only", nil, "run only these checks, by ID")
	fs.StringSliceVar(&o.skip, "skip", nil, "leave these checks out, by ID")
	o.addJudgeFlags(fs)
}

// addJudgeFlags are those of a verb that changes things: it leaves no check
// out, and accepts a finding only with a reason.
func (o *checkOptions) addJudgeFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.waive, "waive", nil, "accept a finding, as ID=REASON; it stays in the report (can be repeated)")
	fs.StringVar(&o.failOn, "fail-on", "fail", "fail, or warn to let warnings count")
	fs.BoolVar(&o.list, "list", false, "list the checks with what they look at")
}

func (o *checkOptions) options(site *plan.Site) (preflight.Options, error) {
	opts := preflight.Options{Only: o.only, Skip: o.skip, FailOnWarn: o.failOn == "warn"}
	if o.failOn != "warn" && o.failOn != "fail" {
		return opts, fmt.Errorf("reading --fail-on %q: expected fail or warn", o.failOn)
	}
	if site != nil {
		opts.Waivers = site.Waivers
	}
	for _, w := range o.waive {
		id, reason, ok := strings.Cut(w, "=")
		if !ok || reason == "" {
			return opts, fmt.Errorf("reading --waive %q: expected ID=REASON", w)
		}
		opts.Waivers = append(opts.Waivers, plan.Waiver{Check: id, Reason: reason})
	}
	return opts, nil
}

// printChecks lists checks for --list.
func printChecks(w io.Writer, checks []preflight.Check) {
	var rows [][]string
	for _, c := range checks {
		rows = append(rows, []string{c.ID, c.Looks})
	}
	writeTable(w, []string{"ID", "LOOKS AT"}, rows)
}

// glyphs stand before each result; the word beside them says the same, so that
// nothing depends on a glyph or a colour.
var glyphs = map[preflight.Status]string{
	preflight.Pass: "✓", preflight.Warn: "!", preflight.Fail: "✗", preflight.Error: "?", preflight.Skip: "-",
}

// printResult writes one result as it comes in. Where details follow below, the
// first line is enough.
func printResult(w io.Writer, r preflight.Result) {
	word, text := string(r.Status), r.ID+": "+printable(r.Message)
	if r.Waived != "" {
		word = "waived"
	} else if len(r.Details) > 0 && r.Status != preflight.Pass && utf8.RuneCountInString(text) > 71 {
		text = strings.TrimRight(string([]rune(text)[:70]), " ") + "…"
	}
	fmt.Fprintf(w, "%s %-6s %s\n", glyphs[r.Status], word, wrap(text, 71, "         "))
}

// printReport ends a list of results: what stands in the way with details and
// remedy, and last the verdict.
func printReport(w io.Writer, r *preflight.Report) {
	printFindings(w, r)
	line(w, "\n%s", r.Verdict)
}

// printFindings writes what stands in the way, the worst first, but for the
// checks named in said, which were shown before.
func printFindings(w io.Writer, r *preflight.Report, said ...string) {
	for _, status := range []preflight.Status{preflight.Fail, preflight.Error, preflight.Warn} {
		for _, one := range r.Results {
			if one.Status == status && one.Waived == "" && !slices.Contains(said, one.ID) {
				printFinding(w, one)
			}
		}
	}
}

// mostDetails is how many findings of one check are shown to people.
const mostDetails = 5

func printFinding(w io.Writer, r preflight.Result) {
	line(w, "\n%s %s: %s", glyphs[r.Status], r.ID, r.Title)
	details := r.Details
	if len(details) == 0 {
		details = []string{r.Message}
	}
	for i, d := range details {
		if i == mostDetails {
			line(w, "    … and %d more; -o json has them all", len(details)-i)
			break
		}
		line(w, "    %s", wrap(printable(d), 74, "      "))
	}
	if r.Observed != "" {
		line(w, "    observed: %s", wrap(printable(r.Observed), 64, "              "))
	}
	if r.Required != "" {
		line(w, "    required: %s", wrap(printable(r.Required), 64, "              "))
	}
	if r.Remedy != "" {
		line(w, "    remedy:   %s", strings.ReplaceAll(r.Remedy, "\n", "\n              "))
	}
}

// verdict is the exit code of a report.
func verdict(r *preflight.Report) error {
	switch {
	case r.OK():
		return nil
	case r.Summary.Fail == 0 && r.Summary.Error == 0:
		return &silentError{ExitWarnings}
	}
	return &silentError{ExitCheckFailed}
}
