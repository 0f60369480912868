package redact

import (
	"slices"
	"strings"
)

// IsSecretName reports whether a key, variable or flag of this name holds a
// secret. Names of Secrets ("existingSecret", "imagePullSecrets") are none.
func IsSecretName(name string) bool {
	n := strings.TrimRight(bare(name), "0123456789")
	if endsIn(n, referenceEnds()) {
		return false
	}
	if strings.Contains(n, "password") || strings.Contains(n, "passwd") || strings.Contains(n, "passphrase") {
		return !endsIn(n, settingEnds())
	}
	return endsIn(n, secretEnds()) || plural(name) && endsIn(strings.TrimSuffix(n, "s"), secretEnds())
}

// plural reports whether a name speaks of several secrets, or counts them.
// "secrets" are names of Secrets.
func plural(name string) bool {
	n := strings.TrimRight(bare(name), "0123456789")
	return strings.HasSuffix(n, "s") && !strings.HasSuffix(n, "secrets")
}

// bare is a name's letters and digits alone, in lower case.
func bare(name string) string {
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

func endsIn(n string, ends []string) bool {
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(n, end) })
}

func secretEnds() []string {
	return []string{
		"secret", "pwd", "token", "license", "licence", "credential",
		"accesskey", "accesskeyid", "secretkey", "secretid", "apikey", "privatekey", "licensekey", "tlskey",
		"encryptionkey", "signingkey", "masterkey", "sharedkey", "accountkey",
		"rootuser", "dsnstring", "connectionstring", "dockerconfigjson", "dockercfg", "authorization",
	}
}

// referenceEnds are keys that hold the name of a Secret.
func referenceEnds() []string {
	return []string{
		"existingsecret", "pullsecret", "tlssecret", "certsecret", "kessecret",
		"configsecret", "configurationsecret", "credssecret", "licensesecret",
	}
}

// settingEnds are what follows "password" in plain settings.
func settingEnds() []string {
	return []string{"name", "ref", "file", "path", "stdin", "policy", "length", "type", "enabled", "secret", "secretkeyname"}
}
