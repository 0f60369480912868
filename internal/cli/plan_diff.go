package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"github.com/aistor-upgrade/aistor-upgrade/internal/diff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
)

// mostDiffLines is how many lines of one object's diff are shown to people: a
// definition may have thousands.
const mostDiffLines = 120

// printDiff writes what would change as people read it.
func printDiff(w io.Writer, d *diff.Document) {
	for _, r := range d.Releases {
		name := "release " + r.Key
		if r.Store != "" {
			name += " (object store " + r.Store + ")"
		}
		line(w, "\n%s: %s to %s", printable(name), printable(r.From.String()), printable(r.To.String()))
		for _, o := range r.Objects {
			printObjectDiff(w, o)
		}
		line(w, "%s, %d unchanged", words.Do(len(r.Objects), "object", "change"), r.Same)
	}
}

func printObjectDiff(w io.Writer, o diff.Object) {
	what := fmt.Sprintf("%s %s", o.Action, o.String())
	if o.Plus+o.Minus > 0 {
		what += fmt.Sprintf(" (+%d -%d)", o.Plus, o.Minus)
	}
	line(w, "\n%s", printable(what))
	lines := strings.Split(strings.TrimRight(o.Diff, "\n"), "\n")
	for i, l := range lines {
		if i == mostDiffLines {
			line(w, "… and %d more lines; -o json has them", len(lines)-i)
			return
		}
		if l != "" {
			line(w, "%s", tint(w, colourOfLine(l), strings.ReplaceAll(printable(l), "\t", "  ")))
		}
	}
}

func colourOfLine(l string) color.Attribute {
	switch {
	case strings.HasPrefix(l, "+"):
		return color.FgGreen
	case strings.HasPrefix(l, "-"):
		return color.FgRed
	}
	return 0
}
