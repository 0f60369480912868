package valuecheck

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

func refusedNotText(t *testing.T, in Input) []string {
	t.Helper()
	var got []string
	for _, n := range CredentialsNotText(in) {
		if n.Refused {
			got = append(got, n.Describe())
		}
	}
	return got
}

func TestMapsAndListsAreNoCredentials(t *testing.T) {
	t.Parallel()
	const file = "secrets:\n  accessKey: [x]\n  secretKey: {PASSWORD}\nlicense:\n  a: b\nmail:\n  smtpPassword: - x\n" +
		"objectStore:\n  env:\n  - {name: MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD, value: {PASSWORD}}\n  - {name: MINIO_DOMAIN, value: {x: y}}\n" +
		"extraResources:\n- kind: ServiceMonitor\n  password: {name: login, key: password}\n"
	text := strings.Replace(file, "smtpPassword: - x", "smtpPassword:\n  - x", 1)
	got := refusedNotText(t, Input{Values: parsed(t, text), Sources: []values.Source{{Name: "v.yaml", Data: []byte(text)}}})
	want := []string{
		"license (v.yaml line 5) is a map, which text with a colon, or in braces without quotes, is to YAML",
		"mail.smtpPassword (v.yaml line 8) is a list, which text in brackets, or after a hyphen, is to YAML without quotes",
		"objectStore.env.0.value (v.yaml line 11) is a map, which text with a colon, or in braces without quotes, is to YAML",
		"secrets.accessKey (v.yaml line 2) is a list, which text in brackets, or after a hyphen, is to YAML without quotes",
		"secrets.secretKey (v.yaml line 3) is a map, which text with a colon, or in braces without quotes, is to YAML",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCredentialsThatHelmRendersInAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value, installed string
		refused          bool
	}{
		"a yes":                        {"yes", "", true},
		"an On":                        {"On", "", true},
		"true as it is written":        {"true", "", false},
		"a large number":               {"123456789012", "", true},
		"a small number":               {"12345", "", false},
		"octal":                        {"0123", "", true},
		"hexadecimal":                  {"0x1F", "", true},
		"a decimal":                    {"1.10", "", true},
		"an underscore":                {"123_456", "", true},
		"a time, which is text":        {"12:30:45", "", false},
		"null":                         {"null", "", true},
		"a tilde":                      {"~", "", true},
		"nothing":                      {"", "", true},
		"a date is text":               {"2024-01-01", "", false},
		"text":                         {"'yes'", "", false},
		"a number that is installed":   {"123456789012", "secrets: {secretKey: 123456789012}", false},
		"nothing where nothing was":    {"null", "secrets: {}", false},
		"nothing where something was":  {"null", "secrets: {secretKey: x}", true},
		"a map that is installed":      {"{x}", "secrets: {secretKey: {x: null}}", true},
		"binary, which Helm decodes":   {"!!binary aGVsbG8=", "", false},
		"a number tagged to be text":   {"!!str 123456789012", "", false},
		"text tagged to be a number":   {"!!float '1'", "", true},
		"a number in quotes and a tag": {"!!int '0123'", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "secrets:\n  secretKey: " + tc.value + "\n"
			in := Input{Values: parsed(t, text), Sources: []values.Source{{Name: "v.yaml", Data: []byte(text)}}}
			if tc.installed != "" {
				in.Installed = parsed(t, tc.installed)
			}
			got := refusedNotText(t, in)
			if len(got) > 0 != tc.refused {
				t.Errorf("received %v", got)
			}
			if len(got) > 0 && !strings.Contains(got[0], "secrets.secretKey (v.yaml line 2) is ") {
				t.Errorf("received %v", got)
			}
		})
	}
}

func TestJSONOnTheCommandLineIsNoText(t *testing.T) {
	t.Parallel()
	set := map[string]any{"secrets": map[string]any{"secretKey": 123456789012.0, "accessKey": int64(123456789012)}}
	if got := refusedNotText(t, Input{Values: set, Set: set}); len(got) != 1 || !strings.HasPrefix(got[0], "secrets.secretKey (set on the command line) is ") {
		t.Errorf("received %v", got)
	}
}
