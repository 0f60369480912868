package valuecheck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// NotText is a credential that the values give as a number or a switch: charts
// refuse it, or render it in a form that is not as it was written.
type NotText struct {
	Finding
	// Type says what it is: "a whole number".
	Type string
	// Written is the text in the file and Rendered what a template makes of
	// the value; both are secret. Written is empty where no file has it.
	Written, Rendered string
}

// CredentialsNotText are the credentials among the values that are no text, in
// the order of their names.
func CredentialsNotText(in Input) []NotText {
	var list []NotText
	notText(nil, in.Values, func(at values.Path, v any) {
		n := NotText{Finding: Finding{Path: at}, Rendered: fmt.Sprint(v)}
		in.locate(&n.Finding)
		if s, _ := values.Locate(in.Sources, at); s != nil && !n.Set {
			n.Written, _ = s.Literal(at)
		}
		n.Type = typeOf(v, n.Written)
		list = append(list, n)
	})
	return list
}

func notText(at values.Path, v any, found func(values.Path, any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			notText(child(at, k), v[k], found)
		}
	case []any:
		for i, e := range v {
			notText(child(at, strconv.Itoa(i)), e, found)
		}
	case nil, string:
	default:
		if len(at) > 0 && isCredentialSetting(at[len(at)-1]) {
			found(slices.Clone(at), v)
		}
	}
}

// isCredentialSetting reports whether a setting of this name can be nothing but
// a credential. Others, such as automountServiceAccountToken, are switches.
func isCredentialSetting(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains([]string{"accesskey", "secretkey", "license"}, lower) || strings.HasSuffix(lower, "password")
}

func typeOf(v any, written string) string {
	if _, isSwitch := v.(bool); isSwitch {
		return "a word that YAML reads as true or false"
	}
	digits := strings.TrimLeft(written, "+-")
	f, _ := v.(float64)
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0b"), strings.HasPrefix(digits, "0o"):
		return "a number that is not written in decimal digits"
	case len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_") == "":
		return "a number with a leading zero, which YAML reads as octal"
	case strings.ContainsAny(digits, "eE"):
		return "a number with an exponent"
	case strings.Contains(digits, "."):
		return "a number with a decimal point"
	case f >= 1<<53 || f <= -(1<<53):
		return "a number with more digits than Helm keeps"
	}
	return "a number"
}

// NotTextError says which credentials a chart refuses because they are no text.
type NotTextError struct {
	// Of names what is rendered: `release "team-a/primary"`.
	Of   string
	List []NotText
	// Notes say, setting by setting, what quoting does to the login.
	Notes []string
	// Next is the hint.
	Next string
	// Err is the chart's refusal, with Helm's message Message.
	Err     error
	Message string
}

// Error names the settings and Helm's own message, never a value.
func (e *NotTextError) Error() string {
	var b strings.Builder
	b.WriteString(message.Sprintf("rendering %s: credentials in the values are not text", e.Of))
	for i, n := range e.List {
		b.WriteString("\n  " + message.Line(n.describe()))
		if i < len(e.Notes) && e.Notes[i] != "" {
			b.WriteString("\n    " + message.Line(e.Notes[i]))
		}
	}
	b.WriteString(message.Sprintf("\nreceived: %s (Helm's message)\nexpected: text in quotes", e.Message))
	return b.String()
}

// Lines implements [message.Liner].
func (e *NotTextError) Lines() []string { return strings.Split(e.Error(), "\n") }

func (n NotText) describe() string {
	f := n.Finding
	f.Form.Name = n.Type
	if n.Written != n.Rendered {
		f.Form.Name += ", which Helm renders in another form than it is written"
	}
	return f.describe()
}

// Describe is one setting with its place and type, for people.
func (n NotText) Describe() string { return n.describe() }

// Unwrap gives the chart's refusal.
func (e *NotTextError) Unwrap() error { return e.Err }

// Hint is how to go on.
func (e *NotTextError) Hint() string { return e.Next }
