package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes text that comes from outside harmless on one line: line breaks,
// control characters, escape sequences, and characters that are invisible or
// change the direction of writing are shown as Go escapes, such as \n, \x1b and
// \u202e. A tab becomes a space. Text that holds none of them is returned as it is.
func Line(s string) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case isUnsafe(r):
			b.WriteString(escaped(r))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// Block is [Line] for text whose line breaks are part of a format, such as a
// diff or a file: they stay, with a carriage return before them, and so do tabs;
// everything else is escaped.
func Block(s string) string {
	if !needsEscape(s) {
		return s
	}
	var b strings.Builder
	for l := range strings.Lines(s) {
		body := strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r")
		for i, cell := range strings.Split(body, "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(Line(cell))
		}
		if end := l[len(body):]; end != "\r" {
			b.WriteString(end)
		} else {
			b.WriteString(`\r`)
		}
	}
	return b.String()
}

// IsSafe reports whether text has nothing that [Line] would change, so that it
// can stand in a name or a table as it is.
func IsSafe(s string) bool { return !needsEscape(s) }

func needsEscape(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r == '\t' || isUnsafe(r) })
}

// isUnsafe reports whether a character moves the cursor, breaks a line, reorders
// text or is not seen at all. Unicode's format characters (Cf) hold the
// bidirectional controls and the zero-width characters; fillers and joiners of
// other categories are listed as ignorable.
func isUnsafe(r rune) bool {
	if r < utf8.RuneSelf {
		return r < 0x20 || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs,
		unicode.Other_Default_Ignorable_Code_Point) || r == 0x2800
}

// escaped is a character as Go writes it between double quotes.
func escaped(r rune) string {
	if r < 0x100 && r >= 0x80 { // strconv leaves what is printable as it is
		return fmt.Sprintf(`\u%04x`, r)
	}
	q := strconv.QuoteRuneToASCII(r)
	return q[1 : len(q)-1]
}
