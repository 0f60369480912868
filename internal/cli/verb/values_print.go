package verb

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// FormatDiff is a unified diff: what rewriting would change.
const FormatDiff = "diff"

// ValuesReport is what -o json says of a rewriting. It holds no secrets.
type ValuesReport struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Release    string              `json:"release,omitempty"`
	Chart      string              `json:"chart"`
	Registry   plan.SiteRegistry   `json:"registry"`
	Files      []ValuesFileReport  `json:"files"`
	Changes    []values.Change     `json:"changes"`
	Images     []string            `json:"images,omitempty"`
	Unresolved []values.Unresolved `json:"unresolved,omitempty"`
	// NotInBundle has to be in the registry already.
	NotInBundle []absentImage `json:"notInBundle,omitempty"`
	StalePins   []values.Pin  `json:"stalePins,omitempty"`
	Warnings    []string      `json:"warnings,omitempty"`
}

// ValuesFileReport is what changes in one file.
type ValuesFileReport struct {
	Name    string `json:"name"`
	Changes int    `json:"changes"`
	Backup  string `json:"backup,omitempty"`
}

func newValuesReport(s *ValuesSubject, result *values.Result, files []EditedFile) *ValuesReport {
	mask := s.newMask(result)
	r := &ValuesReport{
		APIVersion: plan.APIVersion, Kind: "ValuesReport", Chart: s.Chart.ID(), Registry: s.Registry,
		Unresolved: result.Unresolved, Changes: []values.Change{},
	}
	for _, at := range result.Ineffective {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s has no effect in %s", at, s.Chart.ID()))
	}
	r.Warnings = append(r.Warnings, result.Warnings...)
	if s.Release.Name != "" {
		r.Release = s.Release.Key()
	}
	for _, f := range files {
		r.Files = append(r.Files, ValuesFileReport{Name: f.Name, Changes: f.edits})
	}
	for _, c := range result.Changes {
		c.Old, c.New = mask(c.Old), mask(c.New)
		r.Changes = append(r.Changes, c)
	}
	for _, i := range result.Images {
		r.Images = append(r.Images, i.Ref.String())
	}
	if s.bundle != nil {
		r.NotInBundle = absentImages(result, s.bundle.Images, s.Registry)
	}
	for _, p := range result.Pins {
		if p.IsStale() {
			r.StalePins = append(r.StalePins, p)
		}
	}
	return r
}

// newMask takes the user's secrets out of texts.
func (s *ValuesSubject) newMask(result *values.Result) func(string) string {
	for _, v := range []map[string]any{s.User, s.Release.Values, result.Values} {
		s.Redactor.AddObject(v)
	}
	return s.Redactor.Text
}

// learnRendered tells the redactor what the chart renders into Secrets, where
// any setting may end: with the values as they were and as they become.
func (s *ValuesSubject) learnRendered(result *values.Result) {
	objects := result.Objects
	if len(s.set) > 0 {
		given := map[string]any{}
		for _, f := range s.Files {
			given = values.Merge(given, f.values)
		}
		if before, err := s.Chart.Render(s.renderOptions(given)); err == nil {
			objects = slices.Concat(objects, before.PlainObjects())
		}
	}
	for _, o := range objects {
		if o["kind"] == "Secret" {
			s.Redactor.AddObject(map[string]any(o))
		}
	}
}

// writeResult writes what was asked for to stdout, and to stderr what a person should
// know besides.
func (o *ValuesOptions) writeResult(s *ValuesSubject, result *values.Result, files []EditedFile, r *ValuesReport) error {
	switch o.Format {
	case "json":
		return o.PrintDocument(o.Out, r, nil)
	case "yaml":
		if err := printValues(term.UnredactedStream(o.Out), result, files); err != nil {
			return err
		}
	default:
		mask := s.newMask(result)
		for _, f := range files {
			fmt.Fprint(o.Out, message.Block(mask(values.UnifiedDiff(f.Data, f.After, f.Name))))
		}
	}
	o.printRemarks(s, r)
	return nil
}

// printValues writes one file as it becomes, or several as Helm merges them.
// They are the user's own, whole, so that they can be used.
func printValues(w io.Writer, result *values.Result, files []EditedFile) error {
	data := files[0].After
	if len(files) > 1 {
		var err error
		if data, err = message.YAML(result.Values); err != nil {
			return fmt.Errorf("writing values: %w", err)
		}
	}
	_, err := w.Write(data)
	return err
}

func (o *ValuesOptions) printRemarks(s *ValuesSubject, r *ValuesReport) {
	for _, w := range r.Warnings {
		term.PrintLine(o.ErrOut, "warning: %s", option.WrapText(term.SanitizeText(w), 70, "         "))
	}
	for _, p := range r.StalePins {
		term.PrintLine(o.ErrOut, "warning: %s pins %s,\n         older than the chart's own %s", p.Path, p.Pinned.Tag, p.Default.Tag)
	}
	for _, u := range r.Unresolved {
		term.PrintLine(o.ErrOut, "unresolved: %s", term.SanitizeText(u.Ref.String()))
		term.PrintLine(o.ErrOut, "  at    %s", term.SanitizeText(strings.TrimSpace(u.Reason.Object+" "+u.Reason.Path)))
		term.PrintLine(o.ErrOut, "  why   %s", term.SanitizeText(u.Why))
		term.PrintLine(o.ErrOut, "  fix   %s", term.SanitizeText(cmp.Or(u.Fix, "-")))
	}
	for _, a := range r.NotInBundle {
		term.PrintLine(o.ErrOut, "not in the bundle: %s", term.SanitizeText(a.Ref.String()))
		term.PrintLine(o.ErrOut, "  at    %s", term.SanitizeText(strings.TrimSpace(a.Reason.Object+" "+a.Reason.Path)))
		term.PrintLine(o.ErrOut, "  fix   push it to the registry, or include it: helm aistor bundle create --image SOURCE")
	}
	for _, f := range r.Files {
		if f.Backup != "" {
			term.PrintLine(o.ErrOut, "%s changed; backup: %s", f.Name, f.Backup)
		}
	}
	term.PrintLine(o.ErrOut, "%s", o.summaryLine(s, r))
}

// summaryLine is the last line: what was proved, or what is left.
func (o *ValuesOptions) summaryLine(s *ValuesSubject, r *ValuesReport) string {
	if n := len(r.Unresolved); n > 0 {
		return fmt.Sprintf("not pulled from %s with %s: %s", s.Registry.Registry, r.Chart, plural.Count(n, "reference"))
	}
	var b strings.Builder
	switch n := len(r.Changes); {
	case n == 0:
		b.WriteString("nothing to change")
	case o.write:
		b.WriteString(plural.Count(n, "setting") + " changed")
	default:
		b.WriteString(plural.Count(n, "setting") + " to change")
	}
	if o.imageOnly == "" {
		fmt.Fprintf(&b, "; rendered with %s, all images (%d) come from %s", r.Chart, len(r.Images), s.Registry.Registry)
	}
	if n := len(r.NotInBundle); n > 0 {
		fmt.Fprintf(&b, ", %d of them not in the bundle", n)
	}
	return b.String()
}
