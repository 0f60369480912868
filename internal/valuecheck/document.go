package valuecheck

import (
	"bytes"
	"regexp"
	"strings"
)

var (
	sopsComment = regexp.MustCompile(`ENC\[AES256_GCM,data:[^\]\s]*,iv:[^\]\s]*,tag:[^\]\s]*,type:\w+\]`)
	sopsDotenv  = regexp.MustCompile(`(?m)^\s*(?:sops_(?:mac|version|lastmodified)\s*=|\[sops\])`)
	sopsYAML    = regexp.MustCompile(`(?m)^sops:[ \t]*(?:#.*)?\r?\n(?:[ \t]+.*\r?\n|\r?\n|#.*\r?\n)*[ \t]+(?:mac|version|lastmodified):`)
)

// encryption says with what a whole file is encrypted, by its bytes: "SOPS",
// "git-crypt" and so on; empty where it is not. A file that SOPS encrypted in
// part, or in its comments alone, counts.
func encryption(data []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, form := range []struct{ start, name string }{
		{"\x00GITCRYPT\x00", "git-crypt"},
		{"age-encryption.org/v1", "age"},
		{"-----BEGIN AGE ENCRYPTED FILE-----", "age"},
		{"-----BEGIN PGP MESSAGE-----", "PGP"},
		{"-----BEGIN PKCS7-----", "PKCS #7"},
		{"-----BEGIN CMS-----", "CMS"},
		{"$ANSIBLE_VAULT;", "Ansible Vault"},
		{"Salted__", "OpenSSL"},
		{"U2FsdGVkX1", "OpenSSL"},
		{"# STRONGBOX ENCRYPTED RESOURCE", "Strongbox"},
	} {
		if bytes.HasPrefix(text, []byte(form.start)) {
			return form.name
		}
	}
	if sopsComment.Match(data) || sopsDotenv.Match(data) || sopsYAML.Match(data) {
		return "SOPS"
	}
	if binaryPGP(data) {
		return "PGP"
	}
	return ""
}

// binaryPGP reports whether data begins with a packet of an encrypted session
// key, as "gpg --encrypt" without --armor writes: no text begins so.
func binaryPGP(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	switch data[0] {
	case 0x84, 0x85, 0x8c, 0xc1, 0xc3:
		return bytes.IndexFunc(data[:min(len(data), 64)], func(r rune) bool { return r == '\uFFFD' }) >= 0
	}
	return false
}

// metadata says what a parsed document is that holds no values: encrypted by
// SOPS, or an object that a controller turns into a Secret; empty for values.
func metadata(doc map[string]any) string {
	if sops, ok := doc["sops"].(map[string]any); ok {
		for _, key := range []string{"mac", "version", "lastmodified", "age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "key_groups"} {
			if _, has := sops[key]; has {
				return "encrypted with SOPS"
			}
		}
	}
	kind, _ := doc["kind"].(string)
	version, _ := doc["apiVersion"].(string)
	if version != "" && (strings.Contains(kind, "Secret") || kind == "OnePasswordItem") {
		return "an object of kind " + kind
	}
	return ""
}
