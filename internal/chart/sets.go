package chart

import (
	"fmt"
	"os"
	"strings"
	"unicode"

	"helm.sh/helm/v3/pkg/strvals"
)

// SetFlags are settings given one by one, in the forms of Helm's flags. The zero
// value has none.
type SetFlags struct {
	// JSON is --set-json, Set is --set, String is --set-string, File is
	// --set-file and Literal is --set-literal.
	JSON, Set, String, File, Literal []string
}

// IsZero reports whether there are none.
func (s SetFlags) IsZero() bool {
	return len(s.JSON)+len(s.Set)+len(s.String)+len(s.File)+len(s.Literal) == 0
}

// ApplyTo is base with the settings put into it, in Helm's order whatever the
// order on the command line: --set-json, --set, --set-string, --set-file,
// --set-literal. base is not changed. An error names the setting and never
// quotes its value, which may be a credential.
func (s SetFlags) ApplyTo(base map[string]any) (map[string]any, error) {
	out := copyMap(base)
	for _, step := range []struct {
		flag  string
		given []string
		into  func(string, map[string]any) error
	}{
		{"--set-json", s.JSON, strvals.ParseJSON},
		{"--set", s.Set, strvals.ParseInto},
		{"--set-string", s.String, strvals.ParseIntoString},
		{"--set-file", s.File, parseSetFile},
		{"--set-literal", s.Literal, strvals.ParseLiteralInto},
	} {
		for _, given := range step.given {
			if err := parseSet(step.into, given, out); err != nil {
				return nil, fmt.Errorf("reading %s %q: %w", step.flag, SetName(given)+"=…", err)
			}
		}
	}
	return out, nil
}

// SetName is the setting that KEY=VALUE names first, without its value, also
// where the form is wrong.
func SetName(given string) string {
	end := strings.IndexFunc(given, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`._/\-[]`, r)
	})
	if end < 0 {
		end = len(given)
	}
	return given[:end]
}

// fileError is what keeps a file of --set-file from being read. It names the
// file, which is no secret.
type fileError struct{ error }

func (e fileError) Unwrap() error { return e.error }

// parseSet hides what the parser says, for it quotes values; and the parser is
// known to panic on some input.
func parseSet(into func(string, map[string]any) error, given string, out map[string]any) (err error) {
	bad := fmt.Errorf("not of the form the flag takes, KEY=VALUE")
	defer func() {
		if recover() != nil {
			err = bad
		}
	}()
	if !strings.Contains(given, "=") {
		return bad
	}
	err = into(given, out)
	if file, ok := err.(fileError); ok {
		return file
	}
	if err != nil {
		return bad
	}
	return nil
}

func parseSetFile(s string, into map[string]any) error {
	var unread error
	err := strvals.ParseIntoFile(s, into, func(path []rune) (any, error) {
		data, err := os.ReadFile(string(path))
		if err != nil {
			unread = fileError{err}
		}
		return string(data), err
	})
	if unread != nil {
		return unread
	}
	return err
}
