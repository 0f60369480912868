package redact

import (
	"regexp"
	"slices"
	"strings"
)

// assignment is a name in a text with a value behind it.
type assignment struct {
	all string
	// name and nameEnd are where the name begins and ends, value is where the
	// value begins, and end where its line ends.
	name, nameEnd, value, end int
	quoted                    bool // the name is in quotes
	sep                       string
	// variable says name and value are two entries of one map.
	variable bool
}

// strengthIn is how much the name says about the value. A variable whose name
// is not known to be harmless may be a secret too, and in a sentence the word
// before a name belongs to it: "license key: …", "pull secret: …".
func (w *walker) strengthIn(a assignment, name string) strength {
	s := w.strength(name)
	switch {
	case a.variable:
		if s == harmless && envName.MatchString(name) {
			return suspect
		}
	case a.sep == ":" && !a.quoted && a.name > 1 && a.all[a.name-1] == ' ' && isLetter(a.all[a.name-2]) && (s == certain || keyWord.MatchString(name)):
		before := a.all[nameBegin(a.all, 0, a.name-1) : a.name-1]
		if slices.Contains(secretsAreNamed, strings.ToLower(before)) && strings.EqualFold(strings.TrimSuffix(name, "s"), "secret") {
			return suspect
		}
		if s == certain || w.strength(before) == certain || slices.Contains(secretEnds, strings.ToLower(before+strings.TrimSuffix(name, "s"))) {
			return certain
		}
	}
	return s
}

// keyWord is a name that says nothing without the word before it.
var keyWord = regexp.MustCompile(`^(?i:keys?|code|word|phrase)$`)

// hides reports whether a value of this strength is masked.
func (a assignment) hides(name string, s strength, value string) bool {
	switch {
	case showable(name, value):
		return false
	case a.sep != ":" && fileName.MatchString(value) && !strings.Contains(normalizeName(name), "pass") && !strings.Contains(normalizeName(name), "secret"):
		return false
	case a.sep == " " && slices.Contains(flagTypes, value):
		return false
	case s == certain:
		return true
	case a.variable:
		return EnvValue(name, value) != value
	}
	return looksSecret(value)
}

// lineStart is where the value's line begins, and what is in it before a name
// or the word "value".
func (a assignment) lineStart() (begin int, before string) {
	at := a.name
	if a.variable {
		at = strings.LastIndex(a.all[:a.value], "alue") - 1
	}
	far := max(0, at-farthest)
	if begin = strings.LastIndexByte(a.all[far:at], '\n') + 1 + far; begin == far && far > 0 {
		return begin, "…" // too far away to lead
	}
	return begin, a.all[begin:at]
}

// startsLine reports whether the assignment begins its line, so that all of the
// line is its value.
func (a assignment) startsLine() bool {
	_, before := a.lineStart()
	return linePrefix.MatchString(before)
}
