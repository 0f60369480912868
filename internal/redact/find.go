package redact

import (
	"regexp"
	"strings"
)

// A finder finds the next assignment in s at or behind at. The walk over a text
// is linear, unlike that of a pattern with a name of any length in it.
type finder func(s string, at int) (a assignment, ok bool)

// farthest bounds what is looked back for a name.
const farthest = 256

// findAssigned finds a name and whatever makes the rest its value, as shells,
// YAML, JSON and logs write it.
func findAssigned(s string, at int) (assignment, bool) {
	for i := at; ; {
		j := strings.IndexAny(s[i:], ":=")
		if j < 0 {
			return assignment{}, false
		}
		j += i
		a := assignment{all: s, sep: s[j : j+1]}
		if two := s[j:min(j+2, len(s))]; two == ":=" || two == "=>" {
			a.sep = two
		}
		a.value = skipBlanks(s, j+len(a.sep))
		a.nameEnd, a.quoted = nameEnd(s, at, j)
		a.name = nameBegin(s, at, a.nameEnd)
		if a.name < a.nameEnd {
			return a, true
		}
		i = j + len(a.sep)
	}
}

// nameEnd is where the name before a separator ends, which may stand in quotes,
// themselves quoted.
func nameEnd(s string, at, separator int) (end int, quoted bool) {
	end = separator
	for end > at && separator-end < farthest && (s[end-1] == ' ' || s[end-1] == '\t') {
		end--
	}
	if end > at && s[end-1] == '\n' { // YAML may have "? name" on a line of its own
		line := strings.TrimRight(s[max(at, end-farthest):end], " \t\r\n")
		if explicit.MatchString(line[strings.LastIndexByte(line, '\n')+1:]) {
			end = max(at, end-farthest) + len(line)
		}
	}
	if end > at+1 && s[end-1] == ']' && (s[end-2] == '"' || s[end-2] == '\'') { // as in os.environ["NAME"]
		end--
	}
	if end > at && (s[end-1] == '"' || s[end-1] == '\'') {
		for end--; end > at && separator-end < farthest && s[end-1] == '\\'; {
			end--
		}
		return end, true
	}
	return end, false
}

// explicit is a line of YAML with nothing but a name.
var explicit = regexp.MustCompile(`^[ \t+-]*\?[ \t]+["']?[A-Za-z0-9_.-]+["']?$`)

// nameBegin is where the name that ends at end begins. It does not begin with a
// digit.
func nameBegin(s string, at, end int) int {
	begin := end
	for begin > at && end-begin < farthest && nameByte(s[begin-1]) {
		begin--
	}
	for begin < end && s[begin] >= '0' && s[begin] <= '9' {
		begin++
	}
	return begin
}

// findFlag finds a flag before a value of its own word. One dash is enough for
// a name of four letters or more.
func findFlag(s string, at int) (assignment, bool) {
	for i := at; ; {
		j := strings.IndexByte(s[i:], '-')
		if j < 0 {
			return assignment{}, false
		}
		begin := i + j
		name := begin
		for name < len(s) && s[name] == '-' && name < begin+2 {
			name++
		}
		end := name
		for end < len(s) && nameByte(s[end]) && end-begin < farthest {
			end++
		}
		value := skipBlanks(s, end)
		i = max(end, begin+1)
		double := name == begin+2
		if !double && (end-name < 4 || begin > 0 && s[begin-1] != ' ' && s[begin-1] != '\t') {
			continue
		}
		if name < end && isLetter(s[name]) && value > end && value < len(s) {
			return assignment{all: s, name: begin, nameEnd: end, sep: " ", value: value}, true
		}
	}
}

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// nameBefore ends the text before a value that stands behind its name, and
// nameBehind begins what follows a value that stands before its name.
var (
	nameBefore = regexp.MustCompile(`(?i)\b(?:name|key)\\*["']?[ \t]*:[ \t]*\\*["']?([A-Za-z0-9_.-]+)(\\*["'])?[ \t]*,?(?:[ \t]*\r?\n[ \t+-]*|[ \t]*)\\*["']?$`)
	nameBehind = regexp.MustCompile(`(?i)^(?:\\*"[^"\n]*?\\*"|'[^'\n]*'|[^\s"',{}\[\]][^,\n{}]*)[ \t]*,?(?:[ \t]*\r?\n[ \t+]*|[ \t]*)\\*["']?(?:name|key)\\*["']?[ \t]*:[ \t]*\\*["']?([A-Za-z0-9_.-]+)`)
)

// findVariable finds the value of a pair of entries, one with a name and one
// with its value, in either order.
func findVariable(s string, at int) (assignment, bool) {
	for i := at; ; {
		begin := nextValue(s, i)
		if begin < 0 {
			return assignment{}, false
		}
		i = begin + len("value")
		end, _, _ := strings.Cut(s[i:min(len(s), i+16)], ":")
		if strings.Trim(end, "\\\"' \t") != "" || i+len(end) >= len(s) || s[i+len(end)] != ':' {
			continue
		}
		a := assignment{all: s, sep: ":", value: skipBlanks(s, i+len(end)+1), variable: true}
		far := max(at, begin-farthest/2)
		if m := nameBefore.FindStringSubmatchIndex(s[far:begin]); m != nil {
			a.name, a.nameEnd, a.quoted = far+m[2], far+m[3], m[5] > m[4]
			return a, true
		}
		if m := nameBehind.FindStringSubmatchIndex(s[a.value:min(len(s), a.value+farthest)]); m != nil {
			a.name, a.nameEnd, a.quoted = a.value+m[2], a.value+m[3], true
			return a, true
		}
	}
}

// nextValue is where the next word "value" begins, in any case; -1 is nowhere.
func nextValue(s string, at int) int {
	for i := at; ; i++ {
		j := strings.IndexAny(s[i:], "vV")
		if j < 0 {
			return -1
		}
		if i += j; len(s)-i >= len("value") && strings.EqualFold(s[i:i+len("value")], "value") {
			return i
		}
	}
}

func skipBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '.' || b == '-'
}
