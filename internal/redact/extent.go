package redact

import "strings"

// secretRange is where the secret part of the value begins and ends.
func (a assignment) secretRange() (from, to int) {
	rest := a.all[a.value:]
	line := a.all[a.value:max(a.end, a.value)]
	bareLine := strings.TrimSpace(line)
	switch {
	case block.MatchString(line):
		return a.indentedBlock(a.value+len(line), true)
	case bareLine == "" || strings.HasPrefix(bareLine, "#") && a.sep == ":":
		if a.sep != ":" || !a.startsLine() {
			return 0, 0
		}
		return a.indentedBlock(a.value+len(line), false)
	case strings.HasPrefix(rest, Mask), strings.HasPrefix(rest, "["+Mask+"]"):
		return 0, 0
	case rest[0] == '{' && a.sep == ":":
		return 0, 0 // the names within count
	case strings.HasPrefix(rest, "[]"): // a list as Go writes it
		if begin := strings.IndexByte(rest[:min(len(rest), 32)], '{') + 1; begin > 0 {
			end := strings.IndexByte(rest[begin:], '}')
			return a.value + begin, a.value + begin + max(end, 0)
		}
		return 0, 0
	case rest[0] == '[' && a.sep == ":":
		if end := strings.IndexByte(rest, ']'); end > 0 {
			return a.value + 1, a.value + end
		}
		return a.value, a.value + len(line)
	}
	if quote := openingQuote(rest); quote != "" {
		return a.inQuotes(quote)
	}
	if end := a.flowEnd(line); end > 0 {
		return a.value, a.value + end
	}
	if !a.startsLine() || a.sep == " " {
		return a.value, a.value + valueLength(rest)
	}
	to = a.value + len(strings.TrimRight(line, " \t\r"))
	if a.sep == ":" {
		if _, more := a.indentedBlock(a.value+len(line), false); more > to {
			to = more
		}
	}
	return a.value, to
}

// flowEnd is the length of a value in the flow style of YAML, which may be of
// several words: 0 where the line is none.
func (a assignment) flowEnd(line string) int {
	_, before := a.lineStart()
	before = strings.TrimRight(before, ` "'\`)
	if a.sep != ":" || !strings.HasSuffix(before, "{") && !(strings.HasSuffix(before, ",") && strings.Contains(before, "{")) {
		return 0
	}
	end := strings.IndexAny(line, ",}")
	if end < 0 {
		return 0
	}
	return len(strings.TrimRight(line[:end], ` \`))
}

// indentedBlock are the lines after the one that ends at end which are indented
// deeper than the name. A scalar block takes them all; else a line with a key
// of its own ends them.
func (a assignment) indentedBlock(end int, scalar bool) (from, to int) {
	_, before := a.lineStart()
	depth := len(before) - len(strings.TrimLeft(before, " \t+-")) // what leads, quotes and words apart
	for end < len(a.all) {
		next := a.all[end+1:]
		line, _, more := strings.Cut(next, "\n")
		content := strings.TrimLeft(line, " \t+-")
		switch {
		case strings.TrimSpace(content) == "" && strings.Trim(line, "+- \t\r") == "":
		case strings.TrimSpace(line) == "", len(line)-len(content) <= depth, !scalar && entry.MatchString(line):
			return from, to
		}
		if strings.TrimSpace(content) != "" {
			if from == 0 {
				from = end + 1 + len(line) - len(content)
			}
			to = end + 1 + len(strings.TrimRight(line, " \t\r"))
		}
		if !more {
			break
		}
		end += 1 + len(line)
	}
	return from, to
}

// openingQuote is the quote that a value begins with, with the backslashes before
// it where the text is in quotes itself.
func openingQuote(s string) string {
	n := len(s) - len(strings.TrimLeft(s, `\`))
	if n < len(s) && (s[n] == '"' || s[n] == '\'') {
		return s[:n+1]
	}
	return ""
}

// inQuotes is what stands between quotes. Quotes that nobody closes hold all
// the rest, and what follows a closing quote at once belongs to the value.
func (a assignment) inQuotes(quote string) (from, to int) {
	from = a.value + len(quote)
	single := strings.HasSuffix(quote, "'")
	for at := from; at < len(a.all); at++ {
		if !strings.HasPrefix(a.all[at:], quote) || !single && isEscapedQuote(a.all[from:at], quote) {
			continue
		}
		after := a.all[at+len(quote):]
		switch {
		case single && strings.HasPrefix(after, quote): // a doubled quote
			at += 2*len(quote) - 1
		case isValueEnd(after):
			return from, at
		default:
			rest := strings.IndexAny(after, " \t\r\n")
			if rest < 0 {
				rest = len(after)
			}
			return from, at + len(quote) + rest
		}
	}
	return from, len(a.all)
}

// isValueEnd reports whether a value ends where s begins: what follows a closing
// quote is no part of it, and at most the quote around it all.
func isValueEnd(s string) bool {
	const stops = " \t\r\n,;:}])#\\"
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		s = s[1:]
	}
	return s == "" || strings.ContainsAny(s[:1], stops)
}

// isEscapedQuote reports whether a quote after s belongs to the value.
func isEscapedQuote(s, quote string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1 || n > 0 && len(quote) > 1
}

// valueLength is the length of a value that ends with its word, and of two where the
// first only says how to authorize.
func valueLength(s string) int {
	n := 0
	for n < len(s) && !strings.ContainsRune(" \t\r\n", rune(s[n])) {
		if s[n] == '"' || s[n] == '\'' {
			before := n > 0 && strings.IndexByte(",{:", s[n-1]) >= 0
			if before || n+1 == len(s) || strings.IndexByte(" \t\r\n,}])", s[n+1]) >= 0 || strings.HasPrefix(s[n+1:], ": ") {
				break
			}
		}
		n++
	}
	first := s[:n]
	for _, scheme := range []string{"bearer", "basic", "digest", "negotiate", "token"} {
		if strings.EqualFold(first, scheme) && n < len(s) && s[n] == ' ' {
			return n + 1 + valueLength(s[n+1:])
		}
	}
	trimmed := strings.TrimRight(first, ",;}])\\")
	if strings.HasSuffix(trimmed, strings.TrimSuffix(Mask, "]")) {
		trimmed += "]"
	}
	return len(trimmed)
}
