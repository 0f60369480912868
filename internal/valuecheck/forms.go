package valuecheck

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kind says what is in the place of a value.
type Kind int

// The kinds, the surest first.
const (
	// None is a value.
	None Kind = iota
	// Encrypted is ciphertext. Nothing that Helm renders to can use it.
	Encrypted
	// Reference is resolved by a secret manager before, or in rare setups
	// after, Helm renders.
	Reference
	// Expression is replaced by a pre-processor: a variable or a template.
	Expression
	// Variable is $(NAME), which the kubelet expands in environment variables,
	// commands and arguments, and a pre-processor elsewhere.
	Variable
	// Masked is what tools, this one included, show in the place of a secret.
	Masked
	// FillIn is a placeholder. It may have become the value.
	FillIn
	// Spaced is a credential with white space around it.
	Spaced
)

// Form is what a text was recognized as. The zero value is a value.
type Form struct {
	Kind Kind
	// Name is for people: "a SOPS ciphertext".
	Name string
	// Resolve is the command that makes values of a file of this form; its
	// last word is to be the file. Empty where there is no one command.
	Resolve string
}

type rule struct {
	form    Form
	pattern *regexp.Regexp
}

// schemes are those of addresses that name a secret in a secret manager. They
// are no addresses that a setting of a chart holds.
const schemes = `vault|hashivault|openbao|bao|aws-?sm|aws-?ssm|awssecrets?|awssecretsmanager|awsparameterstore|awskms|` +
	`gcp-?sm|gcpsecrets?|gcpsecretmanager|gcpkms|sm|berglas|azkv|azure-?key-?vault|azurekms|akv|keyvault|keepass|keepassxc|` +
	`doppler|bw|bws|bitwarden|infisical|conjur|akeyless|delinea|cyberark|secrets?|ssm|kms|gopass|pass|lastpass|lpass|dl|tss|k8s|onepassword`

// resolvers are the commands that resolve a form, by its name.
func resolvers() map[string]string {
	return map[string]string{
		sopsText: "sops -d", ansibleText: "ansible-vault view", "a reference that vals resolves": "vals eval -f",
		"a reference that the Argo CD Vault plugin resolves": "argocd-vault-plugin generate",
		"a reference that 1Password resolves":                "op inject -i", replacedVariable: "envsubst <",
	}
}

const (
	sopsText         = "a SOPS ciphertext"
	ansibleText      = "an Ansible Vault ciphertext"
	replacedVariable = "an unreplaced variable"
	spacedText       = "text with white space or invisible characters around it, which become part of the credential"
	printed          = "what a program prints where it has no text"
)

// whole is a rule for texts that have a form from their first character to
// their last.
func whole(kind Kind, name, pattern string) rule {
	return rule{Form{kind, name, resolvers()[name]}, regexp.MustCompile(`(?s)^(?:` + pattern + `)$`)}
}

func rules() []rule {
	return []rule{
		whole(Encrypted, sopsText, `ENC\[AES256_GCM,.*\]`),
		whole(Encrypted, "a ciphertext", `ENC\[[A-Z0-9_]+,.*\]|ENC\([A-Za-z0-9+/=_-]+\)|DEC(?:\(\d+\))?::[A-Z0-9_]+\[.*\]!?|EJ\[\d:.*\]|`+
			`\{(?i:cipher|aes[\w-]*|enc(?:rypted)?|kms|gcm|rsa)\}.+`),
		whole(Encrypted, ansibleText, `\$ANSIBLE_VAULT;.*`),
		whole(Encrypted, "an age ciphertext", `-----BEGIN AGE ENCRYPTED FILE-----.*|age-encryption\.org/v1.*`),
		whole(Encrypted, "a PGP ciphertext", `-----BEGIN PGP MESSAGE-----.*`),
		whole(Encrypted, "a ciphertext", `-----BEGIN (?:PKCS7|CMS|ENCRYPTED MESSAGE)-----.*|U2FsdGVkX1[A-Za-z0-9+/=\s]{20,}|vault:v\d+:[A-Za-z0-9+/=]+`),

		whole(Reference, "a reference that vals resolves", `(?:secret)?ref\+[a-z0-9]+://.*|secrets?\+[a-z0-9+-]+://.*|!(?:ref|secret|env|vault)\s+\S.*`),
		whole(Reference, "a reference that the Argo CD Vault plugin resolves", `<(?:path|vault|secret):[^<>]+>`),
		whole(Reference, "a reference that Bank-Vaults resolves", `(?:>>)?vault:[\w./-]+#.+|\$\{(?:>>)?vault:[^{}]+\}`),
		whole(Reference, "a reference that 1Password resolves", `op://\S.*`),
		whole(Reference, "a reference that a secret manager resolves", `(?:`+schemes+`)://\S+|arn:aws[a-z-]*:(?:secretsmanager|ssm|kms):\S+|projects/[^/\s]+/secrets/[^/\s]+(?:/versions/\S+)?|@Microsoft\.KeyVault\(.*\)`),

		whole(Masked, "the mark of a redacted value", `(?i)[\[<(*]*(?:redacted|masked|hidden|sensitive|sensitive value)[\])>*]+|redacted|\*{3,}|•{3,}`),

		whole(Variable, replacedVariable, `\$\([A-Za-z_][\w.-]*\)`),
		whole(Expression, replacedVariable, `\$?\$\{[A-Za-z_].*\}|`+joined(`\$\{\{.*?\}\}`)+`|\$\{\{.*\}\}|`+
			`\$[A-Z_][A-Z0-9_]{2,}|`+joined(`%[A-Z_][A-Z0-9_]*%`)+`|%%[A-Za-z_]\w*%%|%\{[A-Za-z_][^{}]*\}|%\([A-Za-z_]\w*\)s|`+
			`@@[A-Za-z_][\w.-]*@@|@[A-Za-z_][\w.-]*@|__[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*__|#\{[A-Za-z_][^{}]*\}#?|\$\[[A-Za-z_][^\[\]]*\]|`+
			`\{[A-Z_][A-Z0-9_]{2,}\}|<<[A-Za-z][^<>]*>>|\$<[A-Za-z][^<>]*>|&\{[A-Za-z][^{}]*\}|%\[[A-Za-z][^\[\]]*\]`),
		whole(Expression, "a command that no shell ran", `\$\([^()\s]+\s.*\)`),
		whole(Expression, "an unexpanded template", joined(`\{\{.*?\}\}`)+`|\{\{.*\}\}|\{[%#].*[%#]\}|<%.*%>|\(\([A-Za-z_/][^()]*\)\)|\$?\[\[.*\]\]`),
		whole(Expression, printed, `map\[.*\]|\[map\[.*\]|\[object \w+\]`),
		whole(Expression, "a placeholder", `<[A-Za-z][^<>]*>`),

		whole(FillIn, "a placeholder", `(?i)(?:please[-_ ]?)?change[-_ ]?(?:me|this|it)(?:[-_ ](?:now|please))?[!1-9]*|`+
			`(?:please[-_ ]?)?replace[-_ ]?(?:me|this|with[-_ ].*)[!1-9]*|(?:to[-_ ]?do|fixme|tbd|placeholder)[:!]?|x{3,}|`+
			`(?:your|insert|enter|put|fill[-_ ]in)[-_ ](?:your[-_ ])?[\w -]*(?:password|secret|key|token|license|user|here)[\w -]*`),
	}
}

// joined is one form, or several with only punctuation between them: a login
// "${USER}:${PASSWORD}" is as little a value.
func joined(form string) string { return form + `(?:[-_.:/@]` + form + `)*` }

// marks are the characters of which each form holds one, but for those that are
// words.
const marks = "$%{<[(@_#>!:/+"

// recognizer tells placeholders from values. It is safe for concurrent use.
type recognizer struct{ rules, credentials []rule }

// newRecognizer gives the one recognizer: compiling its rules takes longer than
// most values files.
var newRecognizer = sync.OnceValue(func() *recognizer { return &recognizer{rules(), credentialRules()} })

// plainText is a text without what only looks different: full-width letters and
// signs are as the usual ones, and characters that take no space are left out.
func plainText(text string) string {
	ascii := func(r rune) bool { return r < utf8.RuneSelf }
	if strings.IndexFunc(text, func(r rune) bool { return !ascii(r) }) < 0 {
		return strings.TrimSpace(text)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return strings.TrimSpace(text)
}

// recognize says what a text is by its whole form; white space around it does
// not count.
func (r *recognizer) recognize(text string) Form {
	t := plainText(text)
	if t == "" {
		return Form{}
	}
	if with := encryption([]byte(t)); with != "" {
		return Form{Kind: Encrypted, Name: "ciphertext of " + with}
	}
	words := !strings.ContainsAny(t, marks)
	for _, one := range r.rules {
		if words && one.form.Kind != FillIn && one.form.Kind != Masked {
			continue
		}
		if one.pattern.MatchString(t) {
			return one.form
		}
	}
	return Form{}
}

var (
	ciphertext = regexp.MustCompile(`ENC\[(?:AES256_GCM|PKCS7|GPG|GKMS|KMS),[^\]\s]+\]|\$ANSIBLE_VAULT;\d|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----`)
	// environmentReference is what KES replaces by a variable of its process.
	environmentReference = regexp.MustCompile(`^\$\{[A-Za-z_]\w*\}$`)
	expression           = regexp.MustCompile("`|<<|" + `%!|\$\([A-Za-z_][^()]*\)|\$[A-Za-z_]\w*|%[A-Za-z_]\w+%|\$\{[A-Za-z_][^{}]*\}|\{\{.*?\}\}|\$\([A-Za-z_][\w.-]*\)|%[A-Z_][A-Z0-9_]+%|@@[A-Za-z_][\w.-]*@@|<[A-Za-z][^<>]*>|(?:^|[/:.-])__[A-Za-z]\w*__(?:$|[/:.-])|\$[A-Z_][A-Z0-9_]{2,}`)
)

// embedded are forms that stand for a value also in the middle of a text: they
// are too long to turn up in a random password.
var embedded = []rule{
	{Form{Expression, replacedVariable, "envsubst <"}, regexp.MustCompile(`\$\{[A-Z_][A-Z0-9_]{2,}(?::?[-=?+][^{}]*)?\}`)},
	{Form{Variable, replacedVariable, "envsubst <"}, regexp.MustCompile(`\$\([A-Z_][A-Z0-9_]{2,}\)`)},
	{Form{Expression, "an unexpanded template", ""}, regexp.MustCompile(`\{\{-? *\.?[A-Za-z$][\w.$ |"'()-]*\}\}`)},
	{Form{Reference, "a reference that vals resolves", "vals eval -f"}, regexp.MustCompile(`(?:secret)?ref\+[a-z0-9]+://`)},
	{Form{Reference, "a reference that the Argo CD Vault plugin resolves", "argocd-vault-plugin generate"}, regexp.MustCompile(`<path:[^<>]+>`)},
	{Form{Expression, replacedVariable, ""}, regexp.MustCompile(`<<[A-Z][A-Z0-9_]{2,}>>|@@[A-Z][A-Z0-9_]{2,}@@`)},
	{Form{Expression, "a command that no shell ran", ""}, regexp.MustCompile(`\$\([a-z][\w./-]* [^()]+\)`)},
	{Form{Expression, printed, ""}, regexp.MustCompile(`<nil>|<no value>|%!\w?\((?:<nil>|MISSING|BADINDEX|NOVERB|PANIC=|EXTRA |[\w.*\[\]{}]+=)[^()]*\)`)},
}

// part is what a part of a text was recognized as.
func (r *recognizer) part(text string) Form {
	if text = plainText(text); strings.ContainsAny(text, marks) {
		for _, one := range embedded {
			if one.pattern.MatchString(text) {
				return Form{one.form.Kind, "text with " + one.form.Name + " in it", one.form.Resolve}
			}
		}
	}
	return Form{}
}

// holdsCiphertext reports whether a text holds ciphertext anywhere.
func holdsCiphertext(text string) bool { return ciphertext.MatchString(text) }

// within says what a text holds anywhere that only a pre-processor
// would have left. It is for texts that cannot hold such characters as values:
// names, hosts, paths and image references.
func (r *recognizer) within(text string) Form {
	if f := r.recognize(text); f.Kind != None {
		return f
	}
	switch {
	case ciphertext.MatchString(text):
		return Form{Kind: Encrypted, Name: "a ciphertext"}
	case expression.MatchString(plainText(text)):
		return Form{Kind: Expression, Name: "an unreplaced variable or template"}
	}
	return Form{}
}
