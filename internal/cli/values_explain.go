package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// explainReport is what --explain says. It names settings, never their values.
type explainReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Release    string `json:"release,omitempty"`
	// From is empty where no chart was there to compare with.
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	*values.Explained
}

func (o *valuesOptions) runExplain(ctx context.Context, s *valuesSubject) error {
	from := s.installedChart
	if from == nil {
		from = s.chart
	}
	explained, err := planinput.ExplainValues(ctx, from, s.chart, s.user, s.renderOptions)
	if err != nil {
		return fmt.Errorf("explaining the values of %s: %w", s.displayName(), err)
	}
	mask := s.newMask(&values.Result{})
	explained.OldRefusal, explained.NewRefusal = mask(explained.OldRefusal), mask(explained.NewRefusal)
	r := &explainReport{APIVersion: plan.APIVersion, Kind: "ValuesExplanation", To: s.chart.ID(), Explained: explained}
	if s.installedChart != nil {
		r.From = s.installedChart.ID()
	}
	if s.release.Name != "" {
		r.Release = s.release.Key()
	}
	if err := o.printDocument(o.Out, r, func(w io.Writer) { printExplained(w, r) }); err != nil {
		return err
	}
	if r.NewRefusal != "" {
		return withoutMessage(ExitCheckFailed)
	}
	return nil
}

func printExplained(w io.Writer, r *explainReport) {
	header := []string{"SETTING", "BEFORE", "AFTER"}
	printLine(w, "before: %s\nafter:  %s\n", cmp.Or(r.From, "-"), r.To)
	var rows [][]string
	for _, e := range r.Settings {
		before := string(e.Old)
		if r.From == "" {
			before = "-"
		}
		rows = append(rows, []string{e.Path.String(), before, effectText(e)})
	}
	writeTable(w, header, rows)
	for _, e := range append(r.Settings, r.Required...) {
		printRemark(w, e)
	}
	if r.NewRefusal != "" {
		printLine(w, "\n%s does not render with these values:\n  %s", r.To, wrapLines(strings.Split(r.NewRefusal, "\n"), 76, "  "))
	}
}

func effectText(e values.Explanation) string {
	switch {
	case e.IsLost():
		return string(e.New) + " (lost)"
	case e.MaskedBy != "":
		return string(e.New) + " by " + e.MaskedBy
	}
	return string(e.New)
}

func printRemark(w io.Writer, e values.Explanation) {
	notes := e.Notes
	if e.Nearest != "" {
		notes = append(notes, "did you mean "+e.Nearest+" ?")
	}
	if len(notes) > 0 {
		printLine(w, "\n%s\n  %s", e.Path, wrapText(sanitizeText(strings.Join(notes, "; ")), 76, "  "))
	}
}
