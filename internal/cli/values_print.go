package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// formatDiff is a unified diff: what rewriting would change.
const formatDiff = "diff"

// valuesReport is what -o json says of a rewriting. It holds no secrets.
type valuesReport struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Release    string              `json:"release,omitempty"`
	Chart      string              `json:"chart"`
	Registry   plan.SiteRegistry   `json:"registry"`
	Files      []valuesFileReport  `json:"files"`
	Changes    []values.Change     `json:"changes"`
	Images     []string            `json:"images,omitempty"`
	Unresolved []values.Unresolved `json:"unresolved,omitempty"`
	// NotInBundle has to be in the registry already.
	NotInBundle []absent     `json:"notInBundle,omitempty"`
	StalePins   []values.Pin `json:"stalePins,omitempty"`
	Warnings    []string     `json:"warnings,omitempty"`
}

type valuesFileReport struct {
	Name    string `json:"name"`
	Changes int    `json:"changes"`
	Backup  string `json:"backup,omitempty"`
}

func newValuesReport(s *valuesSubject, result *values.Result, files []editedFile) *valuesReport {
	mask := s.mask(result)
	r := &valuesReport{
		APIVersion: plan.APIVersion, Kind: "ValuesReport", Chart: s.chart.ID(), Registry: s.registry,
		Unresolved: result.Unresolved, Changes: []values.Change{},
	}
	for _, at := range result.Idle {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s has no effect in %s", at, s.chart.ID()))
	}
	r.Warnings = append(r.Warnings, result.Warnings...)
	if s.release.Name != "" {
		r.Release = s.release.Key()
	}
	for _, f := range files {
		r.Files = append(r.Files, valuesFileReport{Name: f.name, Changes: f.edits})
	}
	for _, c := range result.Changes {
		c.Old, c.New = mask(c.Old), mask(c.New)
		r.Changes = append(r.Changes, c)
	}
	for _, i := range result.Images {
		r.Images = append(r.Images, i.Ref.String())
	}
	if s.bundle != nil {
		r.NotInBundle = absentOf(result, s.bundle.Images, s.registry)
	}
	for _, p := range result.Pins {
		if p.Stale() {
			r.StalePins = append(r.StalePins, p)
		}
	}
	return r
}

// mask takes the user's secrets out of texts.
func (s *valuesSubject) mask(result *values.Result) func(string) string {
	for _, v := range []map[string]any{s.user, s.release.Values, result.Values} {
		s.redactor.AddObject(v)
	}
	return s.redactor.Text
}

// learnRendered tells the redactor what the chart renders into Secrets, where
// any setting may end: with the values as they were and as they become.
func (s *valuesSubject) learnRendered(result *values.Result) {
	objects := result.Objects
	if len(s.set) > 0 {
		given := map[string]any{}
		for _, f := range s.files {
			given = values.Merge(given, f.values)
		}
		if before, err := s.chart.Render(s.options(given)); err == nil {
			objects = slices.Concat(objects, before.Plain())
		}
	}
	for _, o := range objects {
		if o["kind"] == "Secret" {
			s.redactor.AddObject(map[string]any(o))
		}
	}
}

// show writes what was asked for to stdout, and to stderr what a person should
// know besides.
func (o *valuesOptions) show(s *valuesSubject, result *values.Result, files []editedFile, r *valuesReport) error {
	switch o.format {
	case "json":
		return o.print(o.Out, r, nil)
	case "yaml":
		if err := printValues(verbatim(o.Out), result, files); err != nil {
			return err
		}
	default:
		mask := s.mask(result)
		for _, f := range files {
			fmt.Fprint(o.Out, message.Block(mask(values.Diff(f.data, f.after, f.name))))
		}
	}
	o.printRemarks(s, r)
	return nil
}

// printValues writes one file as it becomes, or several as Helm merges them.
// They are the user's own, whole, so that they can be used.
func printValues(w io.Writer, result *values.Result, files []editedFile) error {
	data := files[0].after
	if len(files) > 1 {
		var err error
		if data, err = message.YAML(result.Values); err != nil {
			return fmt.Errorf("writing values: %w", err)
		}
	}
	_, err := w.Write(data)
	return err
}

func (o *valuesOptions) printRemarks(s *valuesSubject, r *valuesReport) {
	for _, w := range r.Warnings {
		line(o.ErrOut, "warning: %s", wrap(printable(w), 70, "         "))
	}
	for _, p := range r.StalePins {
		line(o.ErrOut, "warning: %s pins %s,\n         older than the chart's own %s", p.Path, p.Pinned.Tag, p.Default.Tag)
	}
	for _, u := range r.Unresolved {
		line(o.ErrOut, "unresolved: %s", printable(u.Ref.String()))
		line(o.ErrOut, "  at    %s", printable(strings.TrimSpace(u.Reason.Object+" "+u.Reason.Path)))
		line(o.ErrOut, "  why   %s", printable(u.Why))
		line(o.ErrOut, "  fix   %s", printable(orDash(u.Fix)))
	}
	for _, a := range r.NotInBundle {
		line(o.ErrOut, "not in the bundle: %s", printable(a.Ref.String()))
		line(o.ErrOut, "  at    %s", printable(strings.TrimSpace(a.Reason.Object+" "+a.Reason.Path)))
		line(o.ErrOut, "  fix   have it in the registry, or carry it: helm aistor bundle create --image SOURCE")
	}
	for _, f := range r.Files {
		if f.Backup != "" {
			line(o.ErrOut, "%s changed, %s is what it was", f.Name, f.Backup)
		}
	}
	line(o.ErrOut, "%s", o.verdict(s, r))
}

// verdict is the last line: what was proved, or what is left.
func (o *valuesOptions) verdict(s *valuesSubject, r *valuesReport) string {
	if n := len(r.Unresolved); n > 0 {
		return fmt.Sprintf("not from %s with %s: %s", s.registry.Registry, r.Chart, words.Count(n, "reference"))
	}
	var b strings.Builder
	switch n := len(r.Changes); {
	case n == 0:
		b.WriteString("nothing to change")
	case o.write:
		b.WriteString(words.Count(n, "setting") + " changed")
	default:
		b.WriteString(words.Count(n, "setting") + " to change")
	}
	if o.imageOnly == "" {
		fmt.Fprintf(&b, "; rendered with %s, all images (%d) come from %s", r.Chart, len(r.Images), s.registry.Registry)
	}
	if n := len(r.NotInBundle); n > 0 {
		fmt.Fprintf(&b, ", %d of them not in the bundle", n)
	}
	return b.String()
}
