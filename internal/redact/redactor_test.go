package redact

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// spelt are the notations in which nobody may find a value.
func spelt(v string) map[string]string {
	quoted, _ := json.Marshal(v)
	forms := map[string]string{
		"raw": v, "JSON": string(quoted), "JSON in JSON": fmt.Sprintf("%q", quoted), "hex": hex.EncodeToString([]byte(v)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(v))),
		"query": url.QueryEscape(v), "path": url.PathEscape(v), "HTML": html.EscapeString(v), "Go": fmt.Sprintf("%q", v), "shell": "'" + strings.ReplaceAll(v, "'", `'\''`) + "'",
		"in base64 twice": base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(v)))),
	}
	for before := range 4 {
		for after := range 3 {
			text := strings.Repeat("x", before) + v + strings.Repeat("y", after)
			forms[fmt.Sprintf("base64 %d %d", before, after)] = base64.StdEncoding.EncodeToString([]byte(text))
			forms[fmt.Sprintf("base64 of URLs %d %d", before, after)] = base64.RawURLEncoding.EncodeToString([]byte(text))
		}
	}
	return forms
}

func TestKnownValuesAreHiddenInEveryNotation(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"correct horse/battery+staple", `quo"ted\and<tagged>&'`, "sword", "plainletters", "zwölf-Böxkämpfer", "with\ttab and space", "a+b/c=d?e&f#g%h"} {
		r := New()
		r.AddValue(value)
		for name, text := range spelt(value) {
			for _, around := range []string{"%s", "before %s after", "key=%s\n", `{"a":"%s"}`} {
				got := r.Text(fmt.Sprintf(around, text))
				if strings.Contains(got, text) || !strings.Contains(got, Mask) {
					t.Errorf("%q as %s: %q becomes %q", value, name, fmt.Sprintf(around, text), got)
				}
				if again := r.Text(got); again != got {
					t.Errorf("a second time %q becomes %q", got, again)
				}
			}
		}
	}
}

// What templates make of a value on its way into an error or an annotation.
func TestKnownValuesAreHiddenInWhatTemplatesMakeOfThem(t *testing.T) {
	t.Parallel()
	const value = "Correct-horse/battery+Staple"
	r := New()
	r.AddValue(value, "TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0NCS2N3Z2dTakFnRUFBb0lCQVFDN1ZKVFV0OVVzOGNLag==")
	backwards := []rune(value)
	slices.Reverse(backwards)
	for name, text := range map[string]string{
		"upper": strings.ToUpper(value), "lower": strings.ToLower(value), "title": "Correct-Horse/Battery+Staple", "untitle": "correct-horse/battery+staple", "swapcase": "cORRECT-HORSE/BATTERY+sTAPLE",
		"reversed": string(backwards), "padded": "   " + value + "   ", "quoted": strconv.Quote(value), "nospace": "x" + value + "x", "repeated": value + value,
		"base32": base32.StdEncoding.EncodeToString([]byte(value)), "base32 behind": base32.StdEncoding.EncodeToString([]byte("xyz" + value + "\n")), "base32, lower": strings.ToLower(base32.StdEncoding.EncodeToString([]byte("a" + value))),
		"bytes": fmt.Sprint([]byte(value)), "bytes in JSON": strings.ReplaceAll(fmt.Sprint([]byte(value)), " ", ","), "Go bytes": fmt.Sprintf("%#v", []byte(value)), "hex, spaced": fmt.Sprintf("% x", value), "hex, escaped": strings.ReplaceAll(fmt.Sprintf(" % x", value), " ", `\x`),
		"upper hex": fmt.Sprintf("%X", value), "URL, all": strings.ReplaceAll(fmt.Sprintf(" % x", value), " ", "%"), "URL, lower": strings.ToLower(url.QueryEscape(value)), "upper, quoted in JSON": `{"a":"` + strings.ToUpper(value) + `"}`,
		"wrapped": value[:14] + "\n" + value[14:], "wrapped, indented": "a: |\n    " + value[:14] + "\n    " + value[14:], "wrapped, escaped": value[:20] + `\n` + value[20:], "wrapped twice": value[:9] + "\r\n" + value[9:19] + "\r\n" + value[19:],
		"wrapped in a diff": "+  " + value[:14] + "\n+  " + value[14:], "wrapped base64": base64.StdEncoding.EncodeToString([]byte(value))[:20] + "\n  " + base64.StdEncoding.EncodeToString([]byte(value))[20:],
		"cut off": "TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0NCS2N3Z2dTakFnRUFBb0lCQV",
	} {
		got := r.Text("nested: " + text + " end")
		if strings.Contains(got, text) || !strings.Contains(got, Mask) || strings.Contains(strings.ToLower(got), "horse") || strings.Contains(got, "TUlJ") {
			t.Errorf("%s: %q becomes %q", name, text, got)
		}
		if again := r.Text(got); again != got {
			t.Errorf("a second time %q becomes %q", got, again)
		}
	}
}

func TestValuesThatOverlapAreHiddenAsOne(t *testing.T) {
	t.Parallel()
	r := New()
	r.AddValue("planted-one-two", "one-two-three", "planted", "planted-one-two-longer")
	for text, want := range map[string]string{
		"a planted-one-two-three b":  "a [redacted] b",
		"a planted-one-two-longer b": "a [redacted] b",
		"a planted b":                "a [redacted] b",
		"plantedone-two-three":       "planted[redacted]",
		"one-two-three-planted x":    "[redacted]-[redacted] x",
		"a xplanted-onex b":          "a xplanted-onex b", // seven letters count as a word of their own
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q: received %q, expected %q", text, got, want)
		}
	}
}

func TestShortAndCommonValuesDontDestroyTexts(t *testing.T) {
	t.Parallel()
	r := New()
	r.KeepNames("primary", "team-a")
	r.AddValue("", "a", "abc", "true", "minio", "9000", "primary", "team-a", "----", "pass1", "[redacted]", "redact")
	const text = "a abc true minio 9000 primary team-a ---- compass1 trueminio primary-pool-0"
	if got := r.Text(text); got != text {
		t.Errorf("received %q", got)
	}
	if got := r.Text("login pass1, \x1b[31mpass1\x1b[0m, pass12"); got != "login [redacted], \x1b[31m[redacted]\x1b[0m, pass12" {
		t.Errorf("received %q", got)
	}
	if got := r.Text("[redacted]"); got != Mask {
		t.Errorf("received %q", got)
	}
}

func TestSecretsAreLearnedFromWhereTheyLie(t *testing.T) {
	t.Parallel()
	r := New()
	r.AddSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "store-env"}, Data: map[string][]byte{
		"config.env":     []byte("export MINIO_ROOT_USER=\"planted-user\"\nexport MINIO_ROOT_PASSWORD='planted-password'\nexport MINIO_REGION=\"eu-central-1\"\nexport ODD=planted-odd-1\n"),
		"anything":       []byte("planted-anything"),
		"config.yaml":    []byte("keystore:\n  kes:\n    approle: {id: planted-id, secret: planted-approle}\naddress: 0.0.0.0:7373\n"),
		"auth":           []byte(`{"auths":{"reg.example.com":{"username":"robot","password":"planted-registry","auth":"cm9ib3Q6cGxhbnRlZC1yZWdpc3RyeQ=="}}}`),
		"tls.crt":        []byte(certificate),
		"tls.key":        []byte(privateKey),
		"namespace":      []byte("tenant"),
		"odd":            []byte("planted: words"),
		"plain.yaml":     []byte("region: us-east-2"),
		"users.htpasswd": []byte("planted-first-line\nplanted-second-line"),
	}})
	r.AddObject(map[string]any{"spec": map[string]any{"env": []any{map[string]any{"name": "A_TOKEN", "value": "planted-variable"}}, "url": "https://me:planted-in-url@host"}})
	for _, secret := range []string{"planted-user", "planted-password", "planted-odd-1", "planted-anything", "planted-approle", "planted-registry", "robot:planted-registry",
		"TUlJ" + planted + "1", "planted-first-line", "planted-second-line", "planted: words", "planted-variable", "planted-in-url"} {
		if got := r.Text("it says " + secret + "."); strings.Contains(got, secret) {
			t.Errorf("%q is left: %q", secret, got)
		}
	}
	for _, word := range []string{"eu-central-1", "region: us-east-2", "tenant", "store-env", "MIIBpubl", "robot", "reg.example.com"} {
		if got := r.Text("it says " + word + "."); !strings.Contains(got, word) {
			t.Errorf("%q is hidden: %q", word, got)
		}
	}
}

func TestDocumentsKeepTheirOrderAndStayJSON(t *testing.T) {
	t.Parallel()
	r := New()
	r.AddValue("planted-value", "1234567890")
	got, err := r.JSON([]byte(`{"z":1234567890,"a":["planted-value","x planted-value y",{"password":5,"tokens":3,"planted-value":null}],"m":{"b":true,"secretKey":{"x":1}},"e":{},"l":[],"n":12345678901234567890.5}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "z": "[redacted]",
  "a": [
    "[redacted]",
    "x [redacted] y",
    {
      "password": "[redacted]",
      "tokens": 3,
      "[redacted]": null
    }
  ],
  "m": {
    "b": true,
    "secretKey": {
      "x": 1
    }
  },
  "e": {},
  "l": [],
  "n": 12345678901234567890.5
}`
	if string(got) != want {
		t.Errorf("received:\n%s", got)
	}
}

func TestErrorsAreRedactedAndKeepTheirType(t *testing.T) {
	t.Parallel()
	r := New()
	r.AddValue("planted-value")
	err := r.Error(fmt.Errorf("opening planted-value: %w", io.ErrUnexpectedEOF))
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, "planted") {
			t.Errorf("%s shows %s", verb, text)
		}
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if plain := errors.New("plain"); r.Error(plain) != plain || r.Error(nil) != nil {
		t.Error("an error without a secret is another one")
	}
}

func TestStreamsHideWhatComesInPieces(t *testing.T) {
	t.Parallel()
	r := New()
	r.AddValue("correct horse battery", "planted-value")
	const text = "one planted-value two\nthree correct horse battery\npassword: hunter2-Planted\n-----BEGIN PRIVATE KEY-----\nMIIplanted\n-----END PRIVATE KEY-----\nlast planted-value"
	for size := 1; size < 40; size++ {
		var out bytes.Buffer
		w := r.Writer(&out)
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			if n, err := w.Write([]byte(rest[:min(size, len(rest))])); err != nil || n != min(size, len(rest)) {
				t.Fatal(n, err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		const want = "one [redacted] two\nthree [redacted]\npassword: [redacted]\n[redacted]\nlast [redacted]"
		if out.String() != want {
			t.Errorf("in pieces of %d: received\n%s", size, out.String())
		}
	}
}

func TestQuestionsAndDrawingsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Carry this plan out? [y/N] ", "\rloading\x1b[K", "\x1b[3A\x1b[J", "a line\n", "\r"} {
		var out bytes.Buffer
		w := New().Writer(&out)
		_, _ = io.WriteString(w, text)
		if out.String() != text {
			t.Errorf("%q: %q is shown", text, out.String())
		}
	}
}

func TestWritersAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := New()
	var out bytes.Buffer
	w := r.Writer(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				r.AddValue(fmt.Sprintf("planted-%d-%d", i, j))
				fmt.Fprintf(w, "says planted-%d-%d here\n", i, j)
			}
		})
	}
	all.Wait()
	if strings.Contains(out.String(), "planted") || strings.Count(out.String(), Mask) != 400 {
		t.Errorf("received %q", out.String()[:200])
	}
}

// Time is proportional to the text also where whoever wrote it wants more.
func TestHostileTextsTakeNoLongerThanOthers(t *testing.T) {
	t.Parallel()
	r := New()
	for i := range 400 {
		r.AddValue(strings.Repeat("a", 40) + fmt.Sprintf("%03d", i))
		r.AddValue(strings.Repeat("ab", 120) + fmt.Sprint(i))
	}
	for name, unit := range map[string]string{
		"letters": "a", "pairs": "ab", "assignments": "password:", "quotes": `password:"`, "open": "secret=\"a ", "names": "name: A_TOKEN value: ", "URLs": "://", "logins": "a:b@", "PEM": "-----BEGIN A-----",
		"flags": "--password ", "braces": "{[", "slashes": "/", "at": "@", "colons": ":", "lines": "password:\n  ", "secrets": "kind: Secret\ndata:\n", "dashes": "-", "equals": "a=", "escapes": `\"`,
		"minio": "mc alias set ", "tokens": "eyJaaaaaaaaa.", "query": "?sig=", "documents": "kind: Secret\n---\ndata:\n",
		"commands": "mysql openssl curl zip ldapsearch ", "echoes": "echo x ", "values": `{"value":`, "values behind": `"value":"a","name":`, "explicit": "? a\n", "wraps": `\n`, "XML": "<password>", "lists": "[[", "torn": `{"a":1 `, "arrows": "token->", "flow": "{a: {", "spaces": " ", "flow values": "{password: a ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			r.Text(strings.Repeat(unit, 100_000/len(unit)))
			if took := time.Since(begin); took > time.Minute { // a square of it takes longer
				t.Errorf("%s for 100 kB", took)
			}
		})
	}
}

// FuzzWriter plants a known value anywhere, and cuts the text anywhere.
func FuzzWriter(f *testing.F) {
	f.Add("before ", " after", "correct horse", 3)
	f.Add("\n\r", "\x1b[K", "\"quoted\\", 1)
	f.Add("-----BEGIN ", "-----END ", "planted-value", 7)
	f.Fuzz(func(t *testing.T, before, after, value string, size int) {
		value = strings.TrimSpace(value)
		if size <= 0 || len(value) < shortValue || !isSearchable(value) || strings.Trim(value, "0123456789") == "" || len(valueLines(value)) > 1 || strings.Contains(before+after, value) {
			t.Skip()
		}
		r := New()
		r.AddValue(value)
		text := before + value + after
		if strings.Contains(r.Text(text), value) {
			t.Errorf("%q is left in %q", value, r.Text(text))
		}
		var out bytes.Buffer
		w := r.Writer(&out)
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			_, _ = w.Write([]byte(rest[:min(size, len(rest))]))
		}
		if err := w.Flush(); err != nil || strings.Contains(out.String(), value) {
			t.Errorf("in pieces of %d %q is left in %q (%v)", size, value, out.String(), err)
		}
	})
}
