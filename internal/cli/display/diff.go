package display

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/diff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// maxDiffLines is how many lines of one object's diff are shown to people: a
// definition may have thousands.
const maxDiffLines = 120

// PrintDiff writes what would change as people read it.
func PrintDiff(w io.Writer, d *diff.Document) {
	for _, r := range d.Releases {
		name := "release " + r.Key
		if r.Store != "" {
			name += " (object store " + r.Store + ")"
		}
		term.PrintLine(w, "\n%s: %s to %s", term.SanitizeText(name), term.SanitizeText(r.From.String()), term.SanitizeText(r.To.String()))
		for _, o := range r.Objects {
			printObjectDiff(w, o)
		}
		term.PrintLine(w, "%s, %d unchanged", plural.CountDoes(len(r.Objects), "object", "change"), r.Same)
	}
}

func printObjectDiff(w io.Writer, o diff.Object) {
	what := fmt.Sprintf("%s %s", o.Action, o.String())
	if o.Plus+o.Minus > 0 {
		what += fmt.Sprintf(" (+%d -%d)", o.Plus, o.Minus)
	}
	term.PrintLine(w, "\n%s", term.SanitizeText(what))
	lines := strings.Split(strings.TrimRight(o.Diff, "\n"), "\n")
	for i, l := range lines {
		if i == maxDiffLines {
			term.PrintLine(w, "… and %d more lines; use -o json to see all", len(lines)-i)
			return
		}
		if l != "" {
			term.PrintLine(w, "%s", term.Colorize(w, diffLineColor(l), strings.ReplaceAll(term.SanitizeText(l), "\t", "  ")))
		}
	}
}

func diffLineColor(l string) color.Attribute {
	switch {
	case strings.HasPrefix(l, "+"):
		return color.FgGreen
	case strings.HasPrefix(l, "-"):
		return color.FgRed
	}
	return 0
}
