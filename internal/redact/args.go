package redact

import (
	"regexp"
	"slices"
	"strings"
)

// args hides what stands behind flags that are not known to be harmless, in a
// container's command line; names of flags stay. What the line as a whole gives
// away, such as `vault login TOKEN`, is hidden too.
func (w *walker) args(list []any) []any {
	out := make([]any, len(list))
	flag, given := "", secretArguments(list)
	for i, e := range list {
		s, isText := e.(string)
		switch {
		case !isText:
			out[i], flag = w.redactValue(flag, e), ""
		case slices.Contains(given, s):
			out[i], flag = w.maskSecret(s), ""
		case strings.HasPrefix(s, "-") && len(s) > 1 && !strings.ContainsAny(s, " \n"):
			out[i], flag = w.flag(s)
		case flag != "":
			out[i], flag = w.argument(flag, s), ""
		default:
			out[i] = w.script(s)
		}
		if isText && out[i] == e {
			out[i] = w.withoutAny(s, given)
		}
	}
	return out
}

// secretArguments are the secrets that a command line shows as a whole.
func secretArguments(list []any) []string {
	line := make([]string, 0, len(list))
	for _, e := range list {
		if s, ok := e.(string); ok && !strings.ContainsAny(s, " \n") {
			line = append(line, s)
		} else {
			line = append(line, "_")
		}
	}
	w := new(walker)
	w.shapes(strings.Join(line, " "))
	return w.found
}

// withoutAny masks a secret that s ends in.
func (w *walker) withoutAny(s string, secrets []string) any {
	for _, secret := range secrets {
		if begin, ok := strings.CutSuffix(s, secret); ok && len(secret) >= least {
			return begin + w.maskSecret(secret)
		}
	}
	return s
}

// flag is a word that begins with a dash, and its name where the next word is
// its value.
func (w *walker) flag(s string) (shown, waits string) {
	if name, value, ok := strings.Cut(s, "="); ok {
		return name + "=" + w.argument(name, value), ""
	}
	if m := passAttached.FindStringSubmatch(s); m != nil && noPlace("", m[1]) {
		return "-p" + w.maskSecret(m[1]), ""
	}
	return w.known.maskKnown(s), s
}

// passAttached is -p with a password behind it that is not a name of a flag.
var passAttached = regexp.MustCompile(`^-p([^=]*[^a-z0-9=-][^=]*)$`)

// argument is the value of a flag.
func (w *walker) argument(flag, value string) string {
	name := strings.ToLower(strings.TrimLeft(flag, "-"))
	strength := strengthOf(name)
	switch {
	case isHarmless(value):
		return value
	case strings.Contains(value, " ") && (name == "c" || name == "e"):
		return w.script(value) // of a shell
	case userFlags[strings.TrimLeft(flag, "-")] && strings.Contains(value, ":"):
		return w.maskLogin(value)
	case strength != certain && slices.Contains(harmlessFlags, name):
		return w.redactText(w.known.maskKnown(value))
	case pathTo(name, value), numbered(name, value):
		return value
	case strength != certain && (settingValue.MatchString(value) || placeValue.MatchString(value)) && !looksSecret(value):
		return w.redactText(w.known.maskKnown(value))
	case strength == certain:
		return w.maskSecret(value)
	}
	return w.unknown(value)
}

// placeValue is a path in a container or an address without a login.
var placeValue = regexp.MustCompile(`^(?:/[A-Za-z0-9._/{}-]*|:[0-9]{1,5}|[a-z0-9.-]+:[0-9]{1,5}|unix:///[A-Za-z0-9._/-]+|https?://[a-z0-9.-]+(?::[0-9]{1,5})?/?)$`)

// pathTo reports whether a flag for a key, a license or a token is given the
// file that holds it. Passwords may look like paths.
func pathTo(name, value string) bool {
	n := normalizeName(name)
	return strings.HasPrefix(value, "/") && strings.Count(value, "/") > 1 && placeValue.MatchString(value) && !looksSecret(value) &&
		!strings.Contains(n, "pass") && !strings.Contains(n, "secret") && !strings.Contains(n, "pwd")
}

// numbered reports whether a name says that its value is a number, and it is.
func numbered(name, value string) bool {
	words := wordsOf(name)
	return len(words) > 0 && slices.Contains(numberWords, words[len(words)-1]) && strings.Trim(value, "0123456789") == ""
}

// userFlags take user:password.
var userFlags = map[string]bool{"u": true, "user": true, "proxy-user": true, "U": true, "creds": true, "src-creds": true, "dest-creds": true}

// scriptFlag finds a flag and its value in a line of a shell.
var scriptFlag = regexp.MustCompile(`(^|[\s;|&("'])(--?[A-Za-z][A-Za-z0-9.-]*)(=|[ \t]+)("[^"\n]*"|'[^'\n]*'|[^\s"';|&<>()-][^\s"';|&<>()]*)`)

// script hides the values of flags in a line, or several, of a shell.
func (w *walker) script(s string) string {
	s = w.known.maskKnown(s)
	if !strings.ContainsAny(s, " \n") {
		return w.redactText(s)
	}
	s = w.redactText(s)
	return scriptFlag.ReplaceAllStringFunc(s, func(hit string) string {
		m := scriptFlag.FindStringSubmatch(hit)
		value, quote := m[4], ""
		if value[0] == '"' || value[0] == '\'' {
			quote, value = value[:1], value[1:len(value)-1]
		}
		if strings.HasPrefix(m[2], "--") || scriptSecretFlags[m[2]] {
			value = w.argument(m[2], value)
		}
		return m[1] + m[2] + m[3] + quote + value + quote
	})
}

// scriptSecretFlags are flags of one letter whose values are hidden in scripts:
// there, others mean too many things.
var scriptSecretFlags = map[string]bool{"-p": true, "-u": true, "-P": true, "-k": true, "-U": true, "-a": true}

// holdsArgs reports whether a list below this key is a command line.
func holdsArgs(key string) bool {
	k := normalizeName(key)
	return strings.HasSuffix(k, "args") || strings.HasSuffix(k, "arguments") || k == "command" || k == "cmd" || k == "entrypoint" || strings.HasSuffix(k, "flags")
}
