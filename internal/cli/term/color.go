package term

import (
	"io"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// ColorWriter is a stream that supports colors. Each stream is tested separately:
// standard output may be a file while errors go to a terminal.
type ColorWriter struct{ io.Writer }

// AddColorFlag gives root and all its commands colours, and the flag against them.
func (p *Program) AddColorFlag(root *cobra.Command) {
	root.PersistentFlags().BoolVar(&p.noColor, "no-color", false, "disable colors (same as NO_COLOR)")
	root.PersistentPreRun = func(*cobra.Command, []string) { p.Out, p.ErrOut = p.withColor(p.Out), p.withColor(p.ErrOut) }
}

// withColor is stream, as a [painter] where it shows colours: a terminal whose user
// did not ask for none. Below it everything writes to an io.Writer.
func (p *Program) withColor(stream io.Writer) io.Writer {
	if !p.IsTTY(stream) || p.Getenv("NO_COLOR") != "" || p.noColor {
		return stream
	}
	return ColorWriter{stream}
}

// Colorize gives text a colour where w shows any. A colour never says what the
// text does not say too.
func Colorize[T ~string](w io.Writer, attribute color.Attribute, text T) message.Layout {
	safe := message.Layout(text)
	if given, ok := any(text).(string); ok {
		safe = message.Layout(message.Line(given))
	}
	if _, ok := w.(ColorWriter); !ok || attribute == 0 {
		return safe
	}
	c := color.New(attribute)
	c.EnableColor()
	return message.Layout(c.Sprint(string(safe)))
}

// OutcomeColor is the colour of an outcome; 0 is none.
func OutcomeColor(s preflight.Status) color.Attribute {
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

// SanitizeText makes text from outside safe for a line: see [message.Line].
func SanitizeText(s string) string { return message.Line(s) }
