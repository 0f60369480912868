package valuecheck

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// EncryptedError says that a file holds no values but what they are made from.
type EncryptedError struct {
	// File is its name for people; Path is it for a shell, empty for standard
	// input.
	File, Path string
	// What says what the file is: "encrypted with SOPS".
	What string
	// Line is where that shows, 0 for the entire file.
	Line int
	// Command takes the values on standard input, such as "helm aistor values
	// -f -".
	Command string
	// Decrypt is the command that writes the values to standard output, empty
	// where it is not known.
	Decrypt string
}

// Error names the file and what it is, never its content.
func (e *EncryptedError) Error() string {
	at := ""
	if e.Line > 0 {
		at = fmt.Sprintf(", line %d", e.Line)
	}
	return fmt.Sprintf("reading values file %q%s: it is %s, not values that Helm can render",
		e.File, at, e.What)
}

// Hint is how to give the values that are meant.
func (e *EncryptedError) Hint() string {
	decrypt := e.Decrypt
	if decrypt == "" {
		decrypt = "DECRYPT " + shellquote.Quote(cmp.Or(e.Path, "FILE"))
	}
	return decrypt + " | " + e.Command + " supplies the final values on standard input; the file is not changed"
}

var helmSecretsAddress = regexp.MustCompile(`^secrets?(?:\+[a-z-]+)?://(?:[^?]*\?)?(.*)$`)

// CheckName refuses an address of helm-secrets in the place of a file's name:
// its downloader runs for Helm's own verbs alone.
func CheckName(name, command string) error {
	m := helmSecretsAddress.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	return &EncryptedError{
		File: name, What: "an address that helm-secrets resolves", Path: m[1], Command: command,
		Decrypt: "helm secrets decrypt " + shellquote.Quote(m[1]),
	}
}

// CheckSource refuses a file that is encrypted as a whole or in part, that
// needs another program to resolve its tags, or that is an object which a
// controller turns into a Secret. command takes values on standard input; it is
// for the hint.
func CheckSource(s values.Source, command string) error {
	path := s.Name
	if s.Label() != s.Name {
		path = ""
	}
	e := &EncryptedError{File: s.Label(), Path: path, Command: command}
	if with := encryption(s.Data); with != "" {
		e.What, e.Decrypt = "encrypted with "+with, decryptCommand(with, path)
		e.Line = s.Line(values.Path{"sops"})
		return e
	}
	var doc map[string]any
	if yaml.Unmarshal(s.Data, &doc) != nil {
		if e.What, e.Line, e.Decrypt = templateLine(s); e.What != "" {
			return e
		}
	} else {
		if what := metadata(doc); what != "" {
			e.What = what
			if what == "encrypted with SOPS" {
				e.Decrypt, e.Line = decryptCommand("SOPS", path), s.Line(values.Path{"sops"})
			}
			return e
		}
	}
	if tag, line := s.LocalTag(); tag != "" {
		e.What, e.Line = "written for a program that resolves tags, which Helm ignores (text that begins with ! goes in quotes)", line
		if slices.Contains(knownTags(), tag) { // any other may be a password that nobody quoted
			e.What = "written for a program that resolves the tag " + tag
		}
		if tag == "!vault" {
			e.What = "encrypted in part with Ansible Vault"
		}
		return e
	}
	return nil
}

// templateLine is the first line of a file that is no YAML whose value a
// pre-processor was to replace: without quotes few forms of these are YAML.
func templateLine(s values.Source) (what string, line int, resolve string) {
	r := newRecognizer()
	for text := range strings.Lines(string(s.Data)) {
		line++
		_, value, ok := strings.Cut(text, ":")
		if !ok {
			value = text
		}
		f := r.recognize(value)
		switch f.Kind {
		case Encrypted, Reference, Expression, Variable:
			if resolve = f.Resolve; resolve != "" && s.Label() == s.Name {
				resolve += " " + shellquote.Quote(s.Name)
			}
			return "a template; this line contains " + f.Name, line, resolve
		}
	}
	return "", 0, ""
}

func decryptCommand(with, path string) string {
	if path == "" {
		return ""
	}
	switch with {
	case "SOPS":
		return "sops -d " + shellquote.Quote(path)
	case "age":
		return "age -d -i KEY " + shellquote.Quote(path)
	case "PGP":
		return "gpg -d " + shellquote.Quote(path)
	case "Ansible Vault":
		return "ansible-vault view " + shellquote.Quote(path)
	case "git-crypt":
		return "git-crypt unlock && cat " + shellquote.Quote(path)
	}
	return ""
}

// knownTags are those of programs that resolve secrets or references.
func knownTags() []string {
	return []string{"!ref", "!secret", "!vault", "!env", "!include", "!file", "!reference", "!var", "!Ref", "!Sub", "!GetAtt", "!ImportValue", "!Env", "!KeyVault"}
}
