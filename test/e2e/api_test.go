package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// object is what the API server answers. Its accessors give zero values for
// what does not exist.
type object map[string]any

func (o object) at(path ...string) any {
	var v any = map[string]any(o)
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (o object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return s
}

func (o object) number(path ...string) int {
	n, _ := o.at(path...).(float64)
	return int(n)
}

// request speaks to the API server without a program in between, which takes a
// second of its own where many run at once.
func (s *site) request(method, path, body string) (object, int) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.env["LAB_APISERVER"]+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.env["LAB_TOKEN"])
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.http().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var o object
	if err := json.NewDecoder(answer.Body).Decode(&o); err != nil && err != io.EOF {
		o = object{"message": err.Error()} // not found is plain text where nobody serves a path
	}
	return o, answer.StatusCode
}

func (s *site) http() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
}

// api demands that a request succeeds; what it deletes may be gone already.
func (s *site) api(method, path, body string) object {
	s.t.Helper()
	o, code := s.request(method, path, body)
	if code >= 300 && (method != http.MethodDelete || code != http.StatusNotFound) {
		s.t.Fatalf("%s %s: %d %s", method, path, code, o.text("message"))
	}
	return o
}

// list returns a collection; nothing where nobody serves it.
func (s *site) list(path string) []object {
	s.t.Helper()
	o, code := s.request(http.MethodGet, path, "")
	if code == http.StatusNotFound {
		return nil
	}
	if code != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, code, o.text("message"))
	}
	items, _ := o["items"].([]any)
	var out []object
	for _, item := range items {
		m, _ := item.(map[string]any)
		out = append(out, m)
	}
	return out
}

func (s *site) has(path string) bool {
	s.t.Helper()
	_, code := s.request(http.MethodGet, path, "")
	return code == http.StatusOK
}

// until waits, for as long as a machine with much else to do may need.
func (s *site) until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !is(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited five minutes until %s", what)
		}
	}
}

// releaseIn decodes what Helm wrote into a Secret.
func releaseIn(t *testing.T, secret object) object {
	t.Helper()
	outer, err := base64.StdEncoding.DecodeString(secret.text("data", "release"))
	if err != nil {
		t.Fatal(err)
	}
	inner, err := base64.StdEncoding.DecodeString(string(outer))
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(inner))
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.NewDecoder(zipped).Decode(&o); err != nil {
		t.Fatal(fmt.Errorf("reading a release of Helm: %w", err))
	}
	return o
}
