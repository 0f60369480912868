package cli

import (
	"io"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
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
func tint[T ~string](w io.Writer, attribute color.Attribute, text T) message.Layout {
	safe := message.Layout(text)
	if given, ok := any(text).(string); ok {
		safe = message.Layout(message.Line(given))
	}
	if _, ok := w.(painter); !ok || attribute == 0 {
		return safe
	}
	c := color.New(attribute)
	c.EnableColor()
	return message.Layout(c.Sprint(string(safe)))
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

// printable makes text from outside safe for a line: see [message.Line].
func printable(s string) string { return message.Line(s) }
