package shellquote

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// Command is a line to paste into a shell: format as [fmt.Sprintf] takes it, each
// string argument one word of the line. What an object store calls its pull
// secret or what an event is about is whatever the owner of one namespace wrote,
// and must not become a command that an administrator runs.
func Command(format string, args ...any) string {
	words := make([]any, len(args))
	for i, a := range args {
		words[i] = a
		if s, ok := a.(string); ok {
			words[i] = Word(s)
		}
	}
	return fmt.Sprintf(format, words...)
}

// Word is a name as one word of a line, quoted where need be. No name begins with
// a hyphen, so that what does is no name but a flag: it is left to the reader.
func Word(s string) string {
	if strings.HasPrefix(s, "-") {
		return "NAME"
	}
	return Quote(s)
}

// Quote quotes s where a shell would read more than one plain word. It is for what
// a person typed, flags among it; names from elsewhere are for [Word].
func Quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	if !message.IsSafe(s) { // a line break or an invisible character shows, and is still pasted as it is
		return "$'" + message.Line(strings.NewReplacer(`\`, `\\`, "'", `\'`, "\t", `\t`).Replace(s)) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func special(r rune) bool {
	plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-", r)
	return !plain
}
