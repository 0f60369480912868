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
	quoted                    bool // the name stands in quotes
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
	case a.sep != ":" && fileName.MatchString(value) && !strings.Contains(bare(name), "pass") && !strings.Contains(bare(name), "secret"):
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

var (
	// fileName is what flags for keys and certificates take.
	fileName = regexp.MustCompile("^[A-Za-z0-9._~/-]+\\.(?:pub|key|pem|crt|cer|ya?ml|json|txt|gpg|asc|minisig|license|lic|jwt|jks|p12|pfx)[`'\"]?$")
	// flagTypes stand behind flags in usages.
	flagTypes = []string{"string", "strings", "stringArray", "stringSlice", "file", "int", "duration"}
	// licenseSentence is said of a license, which itself is one word.
	licenseSentence = regexp.MustCompile(`^license: (?:the )?[a-z]+ [a-z]+ [a-z0-9]`)
	// hostName and portOnly are the address of a service called after a secret.
	hostName = regexp.MustCompile(`^[a-z0-9]+(?:[.-][a-z0-9]+)+$`)
	portOnly = regexp.MustCompile(`^[0-9]{2,5}(?:[/ \n]|$)`)
	// missingKey ends what kubelet says of a key that a Secret does not have.
	missingKey = regexp.MustCompile(`non-existent (?:secret |config )$`)
	// wrapped ends the text before what an error could not be done with.
	wrapped = regexp.MustCompile(`(?i)(?:failed|unable|cannot|could not|error|while) (?:to )?[a-z]+ (?:[a-z]+ )?$`)
	// outcome begins the line of a check, whose ID may have any words in it.
	outcome = regexp.MustCompile(`(?:pass|fail|warn|error|skip|waived)\x1b?(?:\[0m)?[ \t]+$`)
)

// line is where the value's line begins, and what stands in it before a name
// or the word "value".
func (a assignment) line() (begin int, before string) {
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

// leads reports whether the assignment begins its line, so that all of the
// line is its value.
func (a assignment) leads() bool {
	_, before := a.line()
	return leading.MatchString(before)
}

// foreign tells what only looks like an assignment: the tag of an image, the
// scheme of a URL, and a name that a sentence quotes before its colon.
func (a assignment) foreign() bool {
	rest := a.all[a.value:]
	if strings.HasPrefix(rest, "//") {
		return true
	}
	if a.variable {
		return false
	}
	before := a.all[:a.name]
	if a.sep == ":" && (a.saysStatus() || missingKey.MatchString(before[max(0, len(before)-40):])) {
		return true
	}
	if a.sep == ":" && outcome.MatchString(before[max(0, len(before)-24):]) {
		return true
	}
	if a.sep == ":" && a.all[a.value-1] == ':' && (strings.HasSuffix(before, "/") || hostName.MatchString(a.all[a.name:a.nameEnd]) && portOnly.MatchString(rest[:min(len(rest), 8)]) && !a.leads()) {
		return true
	}
	if first, more, ok := strings.Cut(rest[:min(len(rest), 32)], " "); ok && a.sep == ":" && !a.quoted && !a.leads() && more != "" &&
		(slices.Contains(statusWords, strings.ToLower(strings.TrimRight(first, ":,"))) || wrapped.MatchString(before[max(0, len(before)-80):]) && more[0] == '"') {
		return true
	}
	if licenseSentence.MatchString(a.all[a.name:min(len(a.all), a.value+64)]) {
		return true
	}
	if !a.quoted || a.sep != ":" || a.leads() || strings.HasPrefix(strings.TrimLeft(rest, `\`), `"`) {
		return false
	}
	if !strings.HasSuffix(before, `"`) && !strings.HasSuffix(before, "'") {
		return true
	}
	opened := strings.TrimRight(strings.TrimRight(before, `\"'`), " \t\r\n")
	return opened != "" && !strings.ContainsAny(opened[len(opened)-1:], "{,[")
}

// saysStatus reports whether the rest of the line says how it is with a secret.
func (a assignment) saysStatus() bool {
	if !isStatus(a.all[a.value:max(a.value, a.end)]) {
		return false
	}
	_, more := a.below(max(a.value, a.end), false)
	return more == 0 // a password may begin with such a word, and go on below
}

// extent is where the secret part of the value begins and ends.
func (a assignment) extent() (from, to int) {
	rest := a.all[a.value:]
	line := a.all[a.value:max(a.end, a.value)]
	bareLine := strings.TrimSpace(line)
	switch {
	case block.MatchString(line):
		return a.below(a.value+len(line), true)
	case bareLine == "" || strings.HasPrefix(bareLine, "#") && a.sep == ":":
		if a.sep != ":" || !a.leads() {
			return 0, 0
		}
		return a.below(a.value+len(line), false)
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
	if quote := opening(rest); quote != "" {
		return a.inQuotes(quote)
	}
	if end := a.flowEnd(line); end > 0 {
		return a.value, a.value + end
	}
	if !a.leads() || a.sep == " " {
		return a.value, a.value + word(rest)
	}
	to = a.value + len(strings.TrimRight(line, " \t\r"))
	if a.sep == ":" {
		if _, more := a.below(a.value+len(line), false); more > to {
			to = more
		}
	}
	return a.value, to
}

// flowEnd is the length of a value in the flow style of YAML, which may be of
// several words: 0 where the line is none.
func (a assignment) flowEnd(line string) int {
	_, before := a.line()
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

// below are the lines after the one that ends at end which are indented
// deeper than the name. A scalar block takes them all; else a line with a key
// of its own ends them.
func (a assignment) below(end int, scalar bool) (from, to int) {
	_, before := a.line()
	depth := len(before) - len(strings.TrimLeft(before, " \t+-")) // what leads, quotes and words apart
	for end < len(a.all) {
		next := a.all[end+1:]
		line, _, more := strings.Cut(next, "\n")
		content := strings.TrimLeft(line, " \t+-")
		switch {
		case strings.TrimSpace(content) == "" && strings.Trim(line, "+- \t\r") == "" && (scalar || from > 0):
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

// opening is the quote that a value begins with, with the backslashes before
// it where the text stands in quotes itself.
func opening(s string) string {
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
		if !strings.HasPrefix(a.all[at:], quote) || !single && escaped(a.all[from:at], quote) {
			continue
		}
		after := a.all[at+len(quote):]
		switch {
		case single && strings.HasPrefix(after, quote): // a doubled quote
			at += 2*len(quote) - 1
		case over(after):
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

// over reports whether a value ends where s begins: what follows a closing
// quote is no part of it, and at most the quote around it all.
func over(s string) bool {
	const stops = " \t\r\n,;:}])#\\"
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		s = s[1:]
	}
	return s == "" || strings.ContainsAny(s[:1], stops)
}

// escaped reports whether a quote after s belongs to the value.
func escaped(s, quote string) bool {
	n := len(s) - len(strings.TrimRight(s, `\`))
	return n%2 == 1 || n > 0 && len(quote) > 1
}

// word is the length of a value that ends with its word, and of two where the
// first only says how to authorize.
func word(s string) int {
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
			return n + 1 + word(s[n+1:])
		}
	}
	trimmed := strings.TrimRight(first, ",;}])\\")
	if strings.HasSuffix(trimmed, strings.TrimSuffix(Mask, "]")) {
		trimmed += "]"
	}
	return len(trimmed)
}
