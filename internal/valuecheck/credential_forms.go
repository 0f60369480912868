package valuecheck

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// variableName is a name in capitals of at least two words, as variables of
// deployment tools have.
const variableName = `[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+`

// secretWord is one by which people name a credential.
const secretWord = `(?:password|passwd|passphrase|secret|key|token|license|user(?:name)?|login|credentials?|value)`

const namedVariable = "the name of a variable and not its value"

// credentialRules are forms that stand for a value in the place of a credential
// and may be the value elsewhere: an address of a file, or a word.
func credentialRules() []rule {
	return []rule{
		// Sealed Secrets, AWS KMS and Fernet begin as their headers do.
		whole(Encrypted, "a ciphertext", `Ag[A-D][A-Za-z0-9+/]{120,}={0,2}|AQICAH[A-Za-z0-9+/]{60,}={0,2}|gAAAAA[A-Za-z0-9_/+-]{70,}={0,2}|`+
			`(?i:enc(?:rypted)?):[A-Za-z0-9+/=:_-]{16,}|eyJ[\w-]+(?:\.[\w-]*){4}`),
		whole(Reference, "an address of a file", `file://\S+|data:[\w./+-]*;base64,\S*`),
		whole(Reference, "a reference to an environment variable", `env:[A-Za-z_]\w*|env://\S+|ENV[.\[].+|(?:process\.env|os\.environ)[.\[]\S+|os\.getenv\(.*\)`),
		whole(Reference, "a reference that a secret manager resolves", `vault:[\w-]+(?:/[\w.-]+)+|[\w-]+/data/[\w./-]+[#:][\w.-]+|`+
			`(?:aws[-:])?(?:secretsmanager|ssm|parameterstore|keyvault|gsm):/{0,3}[\w./-]{3,}|https://[\w-]+\.vault\.azure\.net/\S+`),
		whole(Expression, "a command that no shell ran", "`[A-Za-z./][\\w./-]*(?:\\s+\\S.*)?[^`]`"),
		whole(Expression, replacedVariable, `%[A-Za-z][a-z]{2,}(?:[_.-]?[A-Z]?[a-z]+)*\d*%|\$(?:[a-z][a-z0-9]*_)+[a-z0-9_]+|\$env:\w+|`+
			`\$(?i:(?:minio|root|admin|aistor|store|s3)*(?:username|user|password|passwd|pass|secret|secretkey|accesskey|login|token|license|credentials?))|`+
			wrapped(`#{1,2}`, `~{1,2}`, `\|{1,2}`, `!{1,2}`, `:{1,2}`, `\^{1,2}`, `\*{1,2}`, `={1,2}`)+`|\[`+variableName+`\]|\(`+variableName+`\)`),
		whole(FillIn, namedVariable, `(?:[A-Z0-9]+_)+(?:PASSWORD|PASSWD|SECRET|TOKEN|KEY|USER|USERNAME|LICENSE)`),
		whole(FillIn, "a word for nothing", `null|nil|None|undefined|\?{3,}|\.{3,}|…+`),
		whole(FillIn, "a word that asks to be replaced", `(?i)(?:[\w -]*[-_ ])?placeholder(?:[-_ ][\w -]*)?|(?:[\w -]*[-_ ])?`+secretWord+`[-_ ](?:goes[-_ ]|comes[-_ ])?here|`+
			`(?:please[-_ ]?)?change[-_ ]?(?:me|this|it)(?:[-_ ][\w -]*)?[!0-9]*|(?:to[-_ ]be[-_ ])(?:changed|replaced|defined|done|set|filled(?:[-_ ]in)?)|`+
			`(?:fill|set|edit|update|replace|insert|enter)[-_ ]?me(?:[-_ ]?in)?[!0-9]*|(?-i:TODO|FIXME|TBD|TBA)\b.*`),
	}
}

// wrapped is the name of a variable between two equal marks.
func wrapped(marks ...string) string {
	list := make([]string, len(marks))
	for i, m := range marks {
		list[i] = m + variableName + m
	}
	return strings.Join(list, "|")
}

// keyName are names of settings that say under which key a credential is found.
var keyName = regexp.MustCompile(`(?i)(?:password|user|token|login|license)(?:key|secret)$`)

// namesFile are names of settings that say in which file a credential is.
var namesFile = regexp.MustCompile(`(?i)(?:file|path|dir)$`)

// recognizeCredential says what the text of a setting of this name is that no
// credential is.
func (r *recognizer) recognizeCredential(name, text string) Form {
	if namesFile.MatchString(name) {
		return Form{}
	}
	t := plainText(text)
	for _, one := range r.credentials {
		if one.form.Name == namedVariable && keyName.MatchString(name) {
			continue
		}
		if one.pattern.MatchString(t) {
			return one.form
		}
	}
	return Form{}
}

// filelike are the endings of names under which white space around the text is
// part of a file's content, or does no harm.
var filelike = regexp.MustCompile(`(?i)(?:license|file|path|dir|certs?|pem|jwks?)$`)

// spaced reports whether the text under a name has white space around it, or
// characters that take no space, which a login keeps and nobody types. Texts of
// several lines are the content of files.
func spaced(name, text string) bool {
	trimmed := strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
	return trimmed != text && !filelike.MatchString(name) && !strings.ContainsAny(trimmed, "\r\n")
}

// inUse reports whether a credential is in use as it is written, white space
// and all: in the values of the release, or as the live login.
func (in Input) inUse(f Finding) bool {
	if text, ok := values.Get(in.Installed, f.Path...); ok && text == f.raw {
		return true
	}
	login, ok := in.Login[f.Path[len(f.Path)-1]]
	return ok && login == f.raw
}
