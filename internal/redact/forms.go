package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
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

// isSearchable reports whether a value can be taken out of texts at all: one of
// three letters, a common word or a small number would destroy the text, and
// give itself away by what is missing.
func isSearchable(v string) bool {
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

// formsOf are the notations in which a value may turn up. Templates change the
// case of what they print, so that it counts only where letters of both cases
// mean different bytes, and for short values.
func formsOf(v string) []form {
	digits := strings.Trim(v, "0123456789") == ""
	word := len(v) < shortValue || digits && len(v) < 12
	var list []form
	add := func(f form, texts ...string) {
		for _, text := range texts {
			f.text = lowerCase(text)
			if f.exact = ""; f.blob != nil || word {
				f.exact = text
			}
			list = append(list, f)
		}
	}
	add(form{wholeWord: word}, v)
	for _, text := range quotedForms(v) {
		if text != v {
			add(form{wholeWord: word}, text)
		}
	}
	asHex := hex.EncodeToString([]byte(v))
	add(form{blob: isHex}, asHex, strings.ToUpper(asHex))
	add(form{blob: isBase64}, base64Forms(v)...)
	add(form{blob: isBase64}, base64Forms(base64.StdEncoding.EncodeToString([]byte(v)))...)
	if word {
		return list
	}
	add(form{}, byteForms(v)...)
	for _, text := range base32Forms(v) {
		add(form{blob: isBase64}, text, strings.ToLower(text))
	}
	if len(v) >= 2*cutForm && looksSecret(v) && !strings.Contains(v, "://") { // a template may cut it off
		add(form{blob: isBase64}, v[:len(v)/2])
	}
	return list
}

// cutForm is the length from which the beginning of a value is searched for too.
const cutForm = 16

// quotedForms are what JSON, URLs, HTML, Go and shells make of a value.
func quotedForms(v string) []string {
	quoted, _ := json.Marshal(v)
	goQuoted := strconv.Quote(v)
	inner := string(quoted[1 : len(quoted)-1])
	twice, _ := json.Marshal(inner)
	return []string{
		inner, string(twice[1 : len(twice)-1]), strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(inner), goQuoted[1 : len(goQuoted)-1], html.EscapeString(v),
		url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(v, "'", `'\''`), strings.ReplaceAll(v, "'", "''"),
	}
}

// byteForms are a value backwards, and what programs print of single bytes.
func byteForms(v string) []string {
	backwards := []rune(v)
	slices.Reverse(backwards)
	list := []string{string(backwards)}
	if len(v) > maxForm/8 {
		return list
	}
	for _, c := range []struct{ verb, between string }{{"%d", " "}, {"%d", ","}, {"%d", ", "}, {"%02x", ":"}, {"%02x", " "}, {`\x%02x`, ""}, {"%%%02x", ""}, {"0x%02x", ", "}, {"0x%x", ","}} {
		bytes := make([]string, len(v))
		for i := range len(v) {
			bytes[i] = fmt.Sprintf(c.verb, v[i])
		}
		list = append(list, strings.Join(bytes, c.between))
	}
	return list
}

// base32Forms are [base64Forms] of base32, where four bytes may stand before.
func base32Forms(v string) []string {
	var list []string
	for before := range 5 {
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(strings.Repeat("\x00", before) + v))
		list = append(list, text[(before*8+4)/5:(before+len(v))*8/5])
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
