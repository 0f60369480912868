package redact

import "strings"

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
	if end > at && (s[end-1] == '"' || s[end-1] == '\'') {
		for end--; end > at && separator-end < farthest && s[end-1] == '\\'; {
			end--
		}
		return end, true
	}
	return end, false
}

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

// findFlag finds a flag before a value of its own word.
func findFlag(s string, at int) (assignment, bool) {
	for i := at; ; {
		j := strings.Index(s[i:], "--")
		if j < 0 {
			return assignment{}, false
		}
		begin := i + j
		end := begin + 2
		for end < len(s) && nameByte(s[end]) && end-begin < farthest {
			end++
		}
		value := skipBlanks(s, end)
		first := strings.TrimLeft(s[begin:end], "-")
		if first != "" && (first[0] >= 'a' && first[0] <= 'z' || first[0] >= 'A' && first[0] <= 'Z') && value > end && value < len(s) {
			return assignment{all: s, name: begin, nameEnd: end, sep: " ", value: value}, true
		}
		i = end
	}
}

// findVariable finds name and value of an environment variable.
func findVariable(s string, at int) (assignment, bool) {
	m := variable.FindStringSubmatchIndex(s[at:])
	if m == nil {
		return assignment{}, false
	}
	return assignment{all: s, name: at + m[2], nameEnd: at + m[3], quoted: m[5] > m[4], sep: ":", value: at + m[1], variable: true}, true
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
