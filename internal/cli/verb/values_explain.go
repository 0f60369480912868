package verb

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
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

func (o *ValuesOptions) runExplain(ctx context.Context, s *ValuesSubject) error {
	from := s.installedChart
	if from == nil {
		from = s.Chart
	}
	explained, err := planinput.ExplainValues(ctx, from, s.Chart, s.User, s.renderOptions)
	if err != nil {
		return fmt.Errorf("explaining the values of %s: %w", s.displayName(), err)
	}
	mask := s.newMask(&values.Result{})
	explained.OldRefusal, explained.NewRefusal = mask(explained.OldRefusal), mask(explained.NewRefusal)
	r := &explainReport{APIVersion: plan.APIVersion, Kind: "ValuesExplanation", To: s.Chart.ID(), Explained: explained}
	if s.installedChart != nil {
		r.From = s.installedChart.ID()
	}
	if s.Release.Name != "" {
		r.Release = s.Release.Key()
	}
	if err := o.PrintDocument(o.Out, r, func(w io.Writer) { printExplained(w, r) }); err != nil {
		return err
	}
	if r.NewRefusal != "" {
		return term.WithoutMessage(term.ExitCheckFailed)
	}
	return nil
}

func printExplained(w io.Writer, r *explainReport) {
	header := []string{"SETTING", "BEFORE", "AFTER"}
	term.PrintLine(w, "before: %s\nafter:  %s\n", cmp.Or(r.From, "-"), r.To)
	var rows [][]string
	for _, e := range r.Settings {
		before := string(e.Old)
		if r.From == "" {
			before = "-"
		}
		rows = append(rows, []string{e.Path.String(), before, effectText(e)})
	}
	option.WriteTable(w, header, rows)
	for _, e := range append(r.Settings, r.Required...) {
		printRemark(w, e)
	}
	if r.NewRefusal != "" {
		term.PrintLine(w, "\n%s does not render with these values:\n  %s", r.To, option.WrapLines(strings.Split(r.NewRefusal, "\n"), 76, "  "))
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
		term.PrintLine(w, "\n%s\n  %s", e.Path, option.WrapText(term.SanitizeText(strings.Join(notes, "; ")), 76, "  "))
	}
}
