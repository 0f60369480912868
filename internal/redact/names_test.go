package redact

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// lines are those of a file in testdata, without its comments.
func lines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSpace(string(b)), "\n")
	return slices.DeleteFunc(list, func(l string) bool { return strings.HasPrefix(l, "#") })
}

func TestNamesOfSecretsHideTheirValuesEverywhere(t *testing.T) {
	t.Parallel()
	names := lines(t, "secret-names.txt")
	if len(names) < 200 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if got := EnvValue(name, planted); strings.Contains(got, planted) {
			t.Errorf("the variable %s shows %s", name, got)
		}
		values := Values(map[string]any{name: planted})
		if values[name] != Mask {
			t.Errorf("the key %s shows %v", name, values[name])
		}
		if found := FindSecrets(map[string]any{name: planted}); !slices.Contains(found, planted) {
			t.Errorf("the value of %s is not remembered", name)
		}
		for _, text := range []string{name + "=" + planted, "export " + name + "='" + planted + "'", name + ": " + planted,
			`{"` + name + `":"` + planted + `"}`, "- name: " + name + "\n  value: " + planted} {
			if got := Text(text); strings.Contains(got, planted) {
				t.Errorf("%q becomes %q", text, got)
			}
		}
	}
}

func TestPlainNamesShowTheirValues(t *testing.T) {
	t.Parallel()
	for _, name := range lines(t, "plain-names.txt") {
		if values := Values(map[string]any{name: "primary-one"}); values[name] != "primary-one" {
			t.Errorf("the key %s shows %v", name, values[name])
		}
		if IsSecretName(name) {
			t.Errorf("%s is taken for the name of a secret", name)
		}
		if text := name + ": primary-one"; Text(text) != text {
			t.Errorf("%q becomes %q", text, Text(text))
		}
	}
}

func TestVariablesAreHiddenUnlessTheyAreKnownToBeHarmless(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ANYTHING_ELSE": Mask, "FOO": Mask, "JAVA_OPTS": Mask, "MINIO_SOMETHING_NEW": Mask, "foo": Mask, "MINIO_NOTIFY_WEBHOOK_ENDPOINT_PRIMARY": Mask,
		"MINIO_NOTIFY_KAFKA_TOPIC_K1_TOKEN": Mask, "MINIO_STORAGE_CLASS_PASSWORD": Mask, "RELATED_IMAGE_PULL_TOKEN": Mask, "OTEL_EXPORTER_OTLP_HEADERS": Mask,
		"TZ": "Abc/De-Fgh", "MINIO_REGION": "Abc/De-Fgh", "MINIO_STORAGE_CLASS_RRS": Mask, "MINIO_NOTIFY_KAFKA_TOPIC_K1": "Abc/De-Fgh", "no_proxy": "Abc/De-Fgh",
		"MINIO_IDENTITY_OPENID_CONFIG_URL_KEYCLOAK": "Abc/De-Fgh", "MINIO_BROWSER_REDIRECT_URL": "Abc/De-Fgh", "MINIO_PROMETHEUS_AUTH_TYPE": "Abc/De-Fgh",
	} {
		if got := EnvValue(name, "Abc/De-Fgh"); got != want {
			t.Errorf("%s: received %q, expected %q", name, got, want)
		}
	}
	for value, want := range map[string]string{
		"true": "true", "off": "off", "": "", "30s": "30s", "12": "12", "512Mi": "512Mi", "EC:4": "EC:4", "debug": "debug", "$(POD_NAME)": "$(POD_NAME)",
		"1234": Mask, "abcd": Mask, "https://example.com/": Mask, "correct horse": Mask,
	} {
		if got := EnvValue("UNKNOWN_SETTING", value); got != want {
			t.Errorf("value %q: received %q, expected %q", value, got, want)
		}
	}
	for name, value := range map[string]string{"HTTPS_PROXY": "http://user:" + planted + "@proxy:3128", "MINIO_SERVER_URL": "https://s3.example.com/?sig=" + planted} {
		if got := EnvValue(name, value); strings.Contains(got, planted) || !strings.HasPrefix(got, "http") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestDigestsCountUnknownVariablesAndNoSecrets(t *testing.T) {
	t.Parallel()
	of := func(name, value string) string {
		b, _ := json.Marshal(Certain(map[string]any{"env": []any{map[string]any{"name": name, "value": value}}, "args": []any{"--" + strings.ToLower(name), value}}))
		return string(b)
	}
	if of("ANYTHING", "one") == of("ANYTHING", "two") {
		t.Error("an unknown variable does not count")
	}
	if of("A_PASSWORD", "one") != of("A_PASSWORD", "two") || of("ANYTHING", planted+"1") != of("ANYTHING", planted+"2") {
		t.Error("a secret counts")
	}
}
