package valuecheck

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// NotTextError says which credentials are no text.
type NotTextError struct {
	// Of names what is rendered: `release "team-a/primary"`.
	Of   string
	List []NotText
	// Notes say, setting by setting, what quoting does to the login.
	Notes []string
	// Next is the hint.
	Next string
	// Err is the chart's refusal, with Helm's message Message; nil where the
	// values are refused before a chart sees them.
	Err     error
	Message string
}

// Error names the settings and Helm's own message, never a value.
func (e *NotTextError) Error() string {
	var b strings.Builder
	b.WriteString(message.Sprintf("rendering %s: credentials in the values are not text", e.Of))
	for i, n := range e.List[:min(len(e.List), mostListed)] {
		b.WriteString("\n  " + message.Line(n.describe()))
		if i < len(e.Notes) && e.Notes[i] != "" {
			b.WriteString("\n    " + message.Line(e.Notes[i]))
		}
	}
	if more := len(e.List) - mostListed; more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	if e.Err != nil {
		b.WriteString(message.Sprintf("\nreceived: %s (Helm's message)", e.Message))
	}
	b.WriteString("\nexpected: text in quotes")
	return b.String()
}

// Lines implements [message.Liner].
func (e *NotTextError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Unwrap gives the chart's refusal.
func (e *NotTextError) Unwrap() error { return e.Err }

// Hint is how to continue.
func (e *NotTextError) Hint() string { return e.Next }
