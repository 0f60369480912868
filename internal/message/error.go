package message

import (
	"fmt"
	"strings"
)

// Liner is an error that is written on several lines. Each of them is this
// program's own: text from outside in it went through [Line].
type Liner interface {
	error
	// Lines are the lines of the error, without line ends; the first says what
	// failed. Error is the same, joined by line breaks.
	Lines() []string
}

// Lines are the lines in which err is shown to people. Only what a [Liner] in
// the chain calls a line is one; line breaks of other errors are escaped. An
// error that wraps a Liner keeps its lines where it quotes it last, as "%w" at
// the end of a format does, and so does errors.Join.
func Lines(err error) []string {
	switch e := err.(type) { //nolint:errorlint // each level decides for itself
	case nil:
		return nil
	case Liner:
		return e.Lines()
	case interface{ Unwrap() error }:
		return wrapped(err.Error(), []error{e.Unwrap()})
	case interface{ Unwrap() []error }:
		return wrapped(err.Error(), e.Unwrap())
	}
	return []string{Line(err.Error())}
}

// wrapped are the lines of text, the message of an error that wraps causes.
func wrapped(text string, causes []error) []string {
	if len(causes) > 1 && text == joined(causes) {
		var lines []string
		for _, c := range causes {
			lines = append(lines, Lines(c)...)
		}
		return lines
	}
	if last := len(causes) - 1; last >= 0 && causes[last] != nil {
		if before, ok := strings.CutSuffix(text, causes[last].Error()); ok {
			lines := append([]string(nil), Lines(causes[last])...)
			if len(lines) > 0 {
				lines[0] = Line(before) + lines[0]
				return lines
			}
		}
	}
	return []string{Line(text)}
}

// joined is what errors.Join makes of causes.
func joined(causes []error) string {
	texts := make([]string, len(causes))
	for i, c := range causes {
		if c != nil {
			texts[i] = c.Error()
		}
	}
	return strings.Join(texts, "\n")
}

// Text is err as people read it: its [Lines], joined.
func Text(err error) string { return strings.Join(Lines(err), "\n") }

// Errorf is fmt.Errorf for an error of several lines: the line breaks of format
// stay, those of its arguments are escaped. A "%w" at the end of a line keeps
// the lines of its error, which then come after the line it is in.
func Errorf(format string, args ...any) error {
	return &lineError{error: fmt.Errorf(format, args...), lines: strings.Split(Sprintf(format, args...), "\n")}
}

// Layout is text that this program laid out itself, on several lines or with
// colours. Given text in it went through [Line].
type Layout string

// Sprintf is fmt.Sprintf with arguments that cannot add a line: strings, errors
// and what else has a text of its own are escaped, but for a [Layout] and the lines
// of a [Liner].
func Sprintf(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, a := range args {
		safe[i] = safeArgument(a)
	}
	return fmt.Sprintf(strings.ReplaceAll(format, "%w", "%v"), safe...)
}

func safeArgument(a any) any {
	switch v := a.(type) {
	case string:
		return Line(v)
	case error:
		return Text(v)
	case fmt.Stringer:
		return Line(v.String())
	case []string:
		safe := make([]string, len(v))
		for i, s := range v {
			safe[i] = Line(s)
		}
		return safe
	case []byte:
		return Line(string(v))
	}
	return a
}

// lineError is an error with lines of its own that keeps what it wraps.
type lineError struct {
	error
	lines []string
}

func (e *lineError) Error() string   { return strings.Join(e.lines, "\n") }
func (e *lineError) Lines() []string { return e.lines }

// Unwrap is the error that fmt.Errorf made, which wraps the causes.
func (e *lineError) Unwrap() error { return e.error }

// Mask is err with mask applied to its text; its chain and its lines stay.
func Mask(err error, mask func(string) string) error {
	lines := Lines(err)
	if len(lines) == 1 { // mask may know text by its line breaks
		return &lineError{error: err, lines: []string{Line(mask(err.Error()))}}
	}
	for i, l := range lines {
		lines[i] = mask(l)
	}
	return &lineError{error: err, lines: lines}
}

// List is one line of a message for each item, with separator between them.
func List(items []string, separator string) Layout {
	safe := make([]string, len(items))
	for i, s := range items {
		safe[i] = Line(s)
	}
	return Layout(strings.Join(safe, separator))
}
