package redact

import (
	"regexp"
	"slices"
	"strings"
)

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

// combinedEvents is what client-go's event correlator puts before the message of
// events that it took together.
const combinedEvents = "(combined from similar events): "

// isFalseMatch tells what only looks like an assignment: the scheme of a URL, the
// port of a host, and what a sentence says of a secret.
func (a assignment) isFalseMatch() bool {
	rest := a.all[a.value:]
	switch {
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, combinedEvents):
		return true
	case a.variable:
		return false
	case licenseSentence.MatchString(a.all[a.name:min(len(a.all), a.value+64)]):
		return true
	case a.sep != ":":
		return false
	case a.quoted:
		return a.saysStatus() || a.quotes()
	}
	before := a.all[max(0, a.name-80):a.name]
	return a.saysStatus() || missingKey.MatchString(before) || outcome.MatchString(before) || a.isAddress(before) || !a.startsLine() && a.explains(before)
}

// isAddress reports whether a colon stands before the tag of an image or the
// port of a host that is called after a secret.
func (a assignment) isAddress(before string) bool {
	if a.all[a.value-1] != ':' {
		return false
	}
	port := a.all[a.value:min(len(a.all), a.value+8)]
	return strings.HasSuffix(before, "/") || hostName.MatchString(a.all[a.name:a.nameEnd]) && portOnly.MatchString(port) && !a.startsLine()
}

// explains reports whether the cause of an error follows: "reading token: no
// such file", `failed to fetch token: serviceaccounts "x" is forbidden`.
func (a assignment) explains(before string) bool {
	first, more, ok := strings.Cut(a.all[a.value:min(len(a.all), a.value+32)], " ")
	if !ok || more == "" {
		return false
	}
	return slices.Contains(statusWords, strings.ToLower(strings.TrimRight(first, ":,"))) || wrapped.MatchString(before) && more[0] == '"'
}

// quotes reports whether a sentence quotes a name before its colon, unlike a
// document that has names in quotes.
func (a assignment) quotes() bool {
	if a.startsLine() || strings.HasPrefix(strings.TrimLeft(a.all[a.value:], `\`), `"`) {
		return false
	}
	before := a.all[:a.name]
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
	_, more := a.indentedBlock(max(a.value, a.end), false)
	return more == 0 // a password may begin with such a word, and continue below
}

// showable reports whether a value may be seen though its name is a secret's: it
// gives nothing away, says which license there is, or where a file lies.
func showable(name, value string) bool {
	if isHarmless(value) {
		return true
	}
	words := wordsOf(name)
	if len(words) == 0 {
		return false
	}
	switch last := words[len(words)-1]; {
	case strings.HasPrefix(last, "licen"):
		first, _, _ := strings.Cut(strings.ToLower(value), " ")
		return slices.Contains(editions, first)
	case last == "file" || last == "path" || last == "dir":
		return strings.HasPrefix(value, "/") && placeValue.MatchString(value) && !looksSecret(value)
	}
	return false
}

// status are other ways to say something of a secret: its length, and the answer
// of a server.
var status = regexp.MustCompile(`^(?:[0-9]+ bytes|[1-5][0-9]{2} [A-Za-z].*)$`)

// isStatus reports whether a value is nothing but words that say how it is with
// a secret: "not readable", "401 Unauthorized", "must be at least 8 characters".
func isStatus(value string) bool {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 200 {
		return false
	}
	if status.MatchString(value) {
		return true
	}
	said := false
	for w := range strings.FieldsSeq(value) {
		w = strings.ToLower(strings.Trim(w, ".,:;()"))
		if slices.Contains(statusWords, w) {
			said = true
		} else if len(w) > 10 || strings.Trim(w, "0123456789-") != "" {
			return false
		}
	}
	return said
}

// expansion is what a shell or a template replaces by a value.
var expansion = regexp.MustCompile(`^(?:\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$\(.*|<[a-z -]+>|<set to the key '.*|(?:[a-z0-9.-]+-)?token-[a-z0-9]{5}|%[svqd])$`)

// isHarmless reports whether s gives nothing away, whatever its name.
func isHarmless(s string) bool {
	t := strings.Trim(strings.TrimSpace(s), "`")
	if expansion.MatchString(t) {
		return true
	}
	switch strings.ToLower(t) {
	case "", "true", "false", "null", "~", Mask:
		return true
	}
	// What hints and usages have in the place of a value.
	switch t {
	case "…", "...", "FILE", "KEY", "NAME", "PASSWORD", "SECRET", "TOKEN", "URL", "VALUE", "USER", "***":
		return true
	}
	return false
}
