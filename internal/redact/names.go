package redact

import (
	"slices"
	"strings"
	"unicode"
)

// strength is how much a name says about the value below it.
type strength int

const (
	// harmless names say nothing.
	harmless strength = iota
	// suspect names hold secrets among other things: what looks like one is.
	suspect
	// certain names hold secrets, whatever the value looks like.
	certain
)

// IsSecretName reports whether a key, variable or flag of this name holds a
// secret. A secret word counts anywhere in a name, also before the ID of a
// target (MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_PRIMARY). Names of Secrets
// ("existingSecret", "imagePullSecrets") and settings about secrets
// ("passwordPolicy", "tokenExpirationSeconds") are none.
func IsSecretName(name string) bool { return strengthOf(name) == certain }

func strengthOf(name string) strength {
	words := wordsOf(name)
	if len(words) == 0 {
		return harmless
	}
	last := words[len(words)-1]
	if slices.Contains(settingWords, last) && !slices.Contains(words, "hash") && !endsInTarget(name) || refersTo(words) && !envName.MatchString(name) {
		return harmless
	}
	found := harmless
	for i, w := range words {
		s := strengthOfWord(w)
		if w == "secrets" && (i == 0 || !slices.Contains(secretsOf, words[i-1])) {
			s = harmless // the names of several
		}
		if (w == "key" || w == "keys") && holdsKey(words, i) {
			s = certain
		}
		found = max(found, s)
	}
	if joined := strings.Join(words, ""); found != certain && slices.ContainsFunc(compounds, func(c string) bool { return strings.Contains(joined, c) }) {
		return certain
	}
	return found
}

// endsInTarget reports whether a name may end in the ID of a target, which can be
// any word.
func endsInTarget(name string) bool {
	return strings.HasPrefix(name, "MINIO_") || strings.HasPrefix(name, "KES_")
}

func strengthOfWord(w string) strength {
	switch {
	case slices.Contains(publicWords, w):
		return harmless
	case slices.Contains(secretWords, w), strings.HasSuffix(w, "s") && slices.Contains(secretWords, w[:len(w)-1]) && len(w) > 3, slices.ContainsFunc(secretParts, func(p string) bool { return strings.Contains(w, p) }),
		slices.ContainsFunc(secretEnds, func(e string) bool { return strings.HasSuffix(w, e) }):
		return certain
	case slices.Contains(suspectWords, w):
		return suspect
	}
	return harmless
}

// holdsKey reports whether the word "key" at i is a key to something, and not
// one by which things are looked up.
func holdsKey(words []string, i int) bool {
	if i == 0 || slices.Contains(lookupWords, words[i-1]) {
		return false
	}
	return i+1 == len(words) || !slices.Contains(keySettings, words[i+1])
}

// refersTo reports whether a name ends in a Secret's name: "existingSecret",
// "tlsSecret", "secrets".
func refersTo(words []string) bool {
	n := len(words)
	switch words[n-1] {
	case "secret":
		return n > 1 && slices.Contains(referenceWords, words[n-2])
	case "existingsecret", "pullsecret", "imagepullsecret", "imagepullsecrets", "pullsecrets":
		return true
	}
	return false
}

// describes reports whether an entry of this name, in a map that is called after
// a secret, says something about the secret and is none itself.
func describes(name string) bool {
	words := wordsOf(name)
	if len(words) == 0 {
		return true
	}
	last := words[len(words)-1]
	return slices.Contains(settingWords, last) || slices.Contains(describingWords, last) || refersTo(words)
}

// isPluralName reports whether a name speaks of several secrets, or counts them.
func isPluralName(name string) bool {
	words := wordsOf(name)
	return len(words) > 0 && strings.HasSuffix(words[len(words)-1], "s") && !strings.HasSuffix(words[len(words)-1], "pass")
}

// wordsOf parts a name at separators, digits behind a word, and humps.
func wordsOf(name string) []string {
	var words []string
	begin := -1
	runes := []rune(name)
	end := func(i int) {
		if begin >= 0 && i > begin {
			w := strings.ToLower(string(runes[begin:i]))
			if short := strings.TrimRight(w, "0123456789"); short != "" {
				w = short
			}
			words = append(words, w)
		}
		begin = -1
	}
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end(i)
			continue
		}
		hump := begin >= 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if hump {
			end(i)
		}
		if begin < 0 {
			begin = i
		}
	}
	end(len(runes))
	return words
}

// normalizeName is a name's letters and digits alone, in lower case.
func normalizeName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}
