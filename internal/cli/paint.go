package cli

import (
	"io"
	"strings"
	"unicode"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// painter is a stream that shows colours. Each stream is judged by itself:
// standard output may be a file while errors go to a terminal.
type painter struct{ io.Writer }

// addColour gives root and all its commands colours, and the flag against them.
func (p *Program) addColour(root *cobra.Command) {
	root.PersistentFlags().BoolVar(&p.noColor, "no-color", false, "show no colours; NO_COLOR in the environment does the same")
	root.PersistentPreRun = func(*cobra.Command, []string) { p.Out, p.ErrOut = p.paper(p.Out), p.paper(p.ErrOut) }
}

// paper is stream, as a [painter] where it shows colours: a terminal whose user
// did not ask for none. Below it everything writes to an io.Writer.
func (p *Program) paper(stream io.Writer) io.Writer {
	if !p.fancy(stream) || p.Getenv("NO_COLOR") != "" || p.noColor {
		return stream
	}
	return painter{stream}
}

// tint gives text a colour where w shows any. A colour never says what the
// text does not say too.
func tint(w io.Writer, attribute color.Attribute, text string) string {
	if _, ok := w.(painter); !ok || attribute == 0 {
		return text
	}
	c := color.New(attribute)
	c.EnableColor()
	return c.Sprint(text)
}

// colourOf is the colour of an outcome; 0 is none.
func colourOf(s preflight.Status) color.Attribute {
	switch s {
	case preflight.Fail, preflight.Error:
		return color.FgRed
	case preflight.Warn:
		return color.FgYellow
	case preflight.Pass:
		return color.FgGreen
	}
	return color.Faint
}

// printable makes text from a cluster or a registry safe for a terminal:
// control characters could move the cursor and fake what is read, and
// characters that change the direction of writing could reorder it. They are
// shown in the way of kubectl, ^[ for an escape; breaks become spaces.
func printable(s string) string {
	if !strings.ContainsFunc(s, moves) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r == '\r':
		case r < 0x20 || r == 0x7f:
			b.WriteByte('^')
			b.WriteRune(r ^ 0x40)
		case moves(r):
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func moves(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f
}
