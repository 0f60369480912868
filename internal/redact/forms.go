package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strconv"
	"strings"
)

const (
	// longest bounds what is searched for as one; longer values are searched for
	// in pieces.
	longest = 512
	// maxForm bounds a piece in any notation.
	maxForm = 8 * longest
	// shortValue is the length from which a value is taken out also amid other
	// letters; a shorter one counts as a word of its own only.
	shortValue = 8
	// least is the length below which a value is not searched for.
	least = 4
)

// commonWords are values that say nothing and are everywhere.
var commonWords = []string{
	"admin", "aistor", "certificate", "changeme", "config", "console", "credentials", "default", "disabled", "enabled", "example",
	"false", "info", "kubernetes", "latest", "localhost", "minio", "none", "null", "operator", "opaque", "password", "public",
	"readonly", "readwrite", "redacted", "root", "secret", "server", "test", "token", "true", "user", "username",
}

// searchable reports whether a value can be taken out of texts at all: one of
// three letters, a common word or a small number would destroy the text, and
// give itself away by what is missing.
func searchable(v string) bool {
	if len(v) < least || strings.Contains(Mask, v) || strings.Contains(v, Mask) {
		return false
	}
	if strings.Trim(v, "0123456789") == "" && len(v) < 6 {
		return false
	}
	if strings.IndexFunc(v, func(r rune) bool { return r < 0x80 && wordByte(byte(r)) || r >= 0x80 }) < 0 {
		return false // a line of dashes
	}
	lower := strings.ToLower(v)
	for _, w := range commonWords {
		if lower == w {
			return false
		}
	}
	return true
}

// formsOf are the notations in which a value may turn up.
func formsOf(v string) []form {
	digits := strings.Trim(v, "0123456789") == ""
	word := len(v) < shortValue || digits && len(v) < 12
	quoted, _ := json.Marshal(v)
	goQuoted := strconv.Quote(v)
	list := []form{{text: v, word: word}}
	inner := string(quoted[1 : len(quoted)-1])
	twice, _ := json.Marshal(inner)
	for _, text := range []string{
		inner, string(twice[1 : len(twice)-1]), strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(inner), goQuoted[1 : len(goQuoted)-1], html.EscapeString(v),
		url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(v, "'", `'\''`), strings.ReplaceAll(v, "'", "''"),
	} {
		if text != v {
			list = append(list, form{text: text, word: word})
		}
	}
	asHex := hex.EncodeToString([]byte(v))
	list = append(list, form{text: asHex, blob: isHex}, form{text: strings.ToUpper(asHex), blob: isHex})
	for _, text := range append(base64Forms(v), base64Forms(base64.StdEncoding.EncodeToString([]byte(v)))...) {
		list = append(list, form{text: text, blob: isBase64})
	}
	return list
}

// base64Forms are what base64 makes of a value behind no, one or two other
// bytes: the letters that depend on the value alone.
func base64Forms(v string) []string {
	var list []string
	for before := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + v))
			text = text[(before*8+5)/6 : (before+len(v))*8/6]
			list = append(list, text)
		}
	}
	return list
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

func isBase64(b byte) bool {
	return wordByte(b) && b < 0x80 || b == '+' || b == '/' || b == '-' || b == '='
}
