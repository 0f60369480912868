package valuecheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

// NotFinalError says which settings hold text that stands for a value and is
// none.
type NotFinalError struct {
	// Of names the values: `release "team-a/primary"`.
	Of       string
	Findings []Finding
	// Command takes the values on standard input, such as "helm aistor values
	// -f -"; FileFlag takes them from a file.
	Command, FileFlag string
	// SetFile is the file that --set-file takes the first finding from, empty
	// where it comes from elsewhere.
	SetFile string
	// Instead is what helps where no values can be given.
	Instead string
	// Key is what stands before a setting in --literal-value, with its colon;
	// empty where one release alone is intended.
	Key string
}

// mostListed is how many settings an error names.
const mostListed = 20

// Error lists the settings with file and line, never their text.
func (e *NotFinalError) Error() string {
	var b strings.Builder
	b.WriteString(message.Sprintf("reading the values of %s: they are not final values", e.Of))
	for _, f := range e.Findings[:min(len(e.Findings), mostListed)] {
		b.WriteString("\n  " + message.Line(f.describe()))
	}
	if more := len(e.Findings) - mostListed; more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return b.String()
}

// Lines implements [message.Liner].
func (e *NotFinalError) Lines() []string { return strings.Split(e.Error(), "\n") }

// describe is a sentence without a colon after the setting: what follows
// "password:" is taken for one, and hidden.
func (f Finding) describe() string {
	var about []string
	switch {
	case f.Set:
		about = append(about, "set on the command line")
	case f.File != "":
		about = append(about, fmt.Sprintf("%s line %d", f.File, f.Line))
	}
	if f.Within != "" {
		about = append(about, "in it "+f.Within)
	}
	name := f.Name()
	if len(about) > 0 {
		name += " (" + strings.Join(about, ", ") + ")"
	}
	return name + " is " + f.Form.Name
}

// Hint is how to give final values, and how to say that a text is one.
func (e *NotFinalError) Hint() string {
	first := e.Findings[0]
	literal := "--literal-value " + shellquote.Quote(e.Key+first.Name()) + " if the text is the literal value"
	if e.Instead != "" {
		return e.Instead + ", or " + literal
	}
	if first.Form.Kind == Spaced {
		return e.trimHint(first) + ", or " + strings.Replace(literal, "the text is the value itself", "the white space is part of it", 1)
	}
	i := slices.IndexFunc(e.Findings, func(f Finding) bool { return f.Form.Resolve != "" })
	if i < 0 || first.File == "" || first.File == "standard input" {
		return "supply final values with " + e.FileFlag + ", or " + literal
	}
	return e.Findings[i].Form.Resolve + " " + shellquote.Quote(first.File) + " | " + e.Command + " supplies final values on standard input; " + literal
}

// trimHint is how to give a credential without the white space around it.
func (e *NotFinalError) trimHint(f Finding) string {
	switch {
	case e.SetFile != "":
		return shellquote.Command("printf %%s \"$(cat %s)\" > %s", e.SetFile, e.SetFile+".new") + " writes a file without the newline at its end: give that with --set-file"
	case f.File != "":
		return message.Sprintf("take the white space out of %s, line %d", f.File, f.Line)
	}
	return "give it without white space with " + e.FileFlag
}
