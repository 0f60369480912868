package redact

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestNamesThatHoldSecrets(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"secret", "client_secret", "clientSecret", "MINIO_IDENTITY_OPENID_CLIENT_SECRET", "password", "MINIO_ROOT_PASSWORD",
		"passwd", "rootPassword2", "token", "tokens", "AUTH_TOKEN", "license", "minio.license", "MINIO_LICENSE", "credential", "credentials",
		"accessKey", "secretKey", "api-key", "privateKey", "tls.key", "MINIO_NOTIFY_MYSQL_DSN_STRING_PRIMARY_DSN_STRING",
		"connectionString", "MINIO_NOTIFY_POSTGRES_CONNECTION_STRING", "--password", ".dockerconfigjson", "secrets.secretKey", "MINIO_ROOT_USER",
	} {
		if !IsSecretName(name) {
			t.Errorf("%s holds a secret", name)
		}
	}
	for _, name := range []string{
		"", "name", "secrets", "secretName", "existingSecret", "imagePullSecret", "imagePullSecrets", "pullSecret", "externalCertSecret",
		"kesSecret", "tokenValidation", "licenseExpires", "key", "topologyKey", "keyName", "passwordFile", "secrets.name", "monkey",
		"automountServiceAccountTokenProjection", "configuration", "username", "--accept-credentials-change", "credentials-kept",
	} {
		if IsSecretName(name) {
			t.Errorf("%s holds no secret", name)
		}
	}
}

const planted = "hunter2-Planted"

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBpubl\n-----END CERTIFICATE-----\n"

const privateKey = "-----BEGIN EC PRIVATE KEY-----\nTUlJ" + planted + "1\nTUlJ" + planted + "2==\n-----END EC PRIVATE KEY-----\n"

func TestTextsLoseTheirSecretsAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"shell":                {`export MINIO_ROOT_PASSWORD="hunter2-Planted"`, `export MINIO_ROOT_PASSWORD="[redacted]"`},
		"shell, bare":          {"export X_SECRET=hunter2-Planted\nexport TZ=UTC", "export X_SECRET=[redacted]\nexport TZ=UTC"},
		"shell, quoted twice":  {`A_PASSWORD="hun"'hunter2-Planted'`, `A_PASSWORD="[redacted]`},
		"quote in the value":   {`password: "a\"hunter2-Planted"`, `password: "[redacted]"`},
		"doubled quote":        {"password: 'a''hunter2-Planted'", "password: '[redacted]'"},
		"quote not closed":     {"x: 1\npassword: \"hunter2-Planted\nhunter2-Planted", "x: 1\npassword: \"[redacted]"},
		"words":                {"secret: correct hunter2-Planted staple\nname: x", "secret: [redacted]\nname: x"},
		"folded":               {"a:\n  password: one\n    hunter2-Planted\n  b: c", "a:\n  password: [redacted]\n  b: c"},
		"on the next line":     {"a:\n  password:\n    hunter2-Planted\n  b: c", "a:\n  password:\n    [redacted]\n  b: c"},
		"a map below":          {"license:\n  enabled: true", "license:\n  enabled: true"},
		"a list below":         {"tokens:\n  - hunter2-Planted\n  - hunter2-Planted\nb: c", "tokens:\n  - [redacted]\nb: c"},
		"a list in brackets":   {"tokens: [hunter2-Planted, hunter2-Planted]\nb: c", "tokens: [[redacted]]\nb: c"},
		"block":                {"clientSecret: |-\n  hunter2-Planted\n\n  x: hunter2-Planted\nb: c", "clientSecret: |-\n  [redacted]\nb: c"},
		"private key":          {"privateKey: |\n  " + strings.ReplaceAll(strings.TrimSpace(privateKey), "\n", "\n  ") + "\nb: c", "privateKey: |\n  [redacted]\nb: c"},
		"private key, bare":    {"see " + privateKey + "b", "see [redacted]\nb"},
		"private key, cut off": {privateKey[:60], "[redacted]"},
		"certificate":          {"ca: |\n" + certificate, "ca: |\n" + certificate},
		"private key, encoded": {"key: " + base64.StdEncoding.EncodeToString([]byte(privateKey)), "key: [redacted]"},
		"certificate, encoded": {"caBundle: " + base64.StdEncoding.EncodeToString([]byte(certificate)), "caBundle: " + base64.StdEncoding.EncodeToString([]byte(certificate))},
		"URL":                  {"amqp://user:hunter2-Planted@host:5672/x", "amqp://user:[redacted]@host:5672/x"},
		"URL with a token":     {"https://hunter2-Planted@host/x", "https://[redacted]@host/x"},
		"URLs":                 {"http://a:hunter2-Planted@b,http://c:hunter2-Planted@d", "http://a:[redacted]@b,http://c:[redacted]@d"},
		"URL, slash":           {"nats://u:p/hunter2-Planted@h:1", "nats://u:[redacted]@h:1"},
		"URL by digest":        {"oci://reg:5000/a/b@sha256:abc https://host/p?mail=a@b.c", "oci://reg:5000/a/b@sha256:abc https://host/p?mail=a@b.c"},
		"no URL":               {"hostname: bob:hunter2-Planted@reg.example.com", "hostname: bob:[redacted]@reg.example.com"},
		"no URL, a digest":     {"image: minio:v1@sha256:abc by root@jump:7 at 10:30:00", "image: minio:v1@sha256:abc by root@jump:7 at 10:30:00"},
		"database":             {"dsn root:hunter2-Planted@tcp(db:3306)/x", "dsn root:[redacted]@tcp(db:3306)/x"},
		"JSON":                 {`say {"password":"hunter2-Planted","pin_token":12345678,"a":1}`, `say {"password":"[redacted]","pin_token":"[redacted]","a":1}`},
		"JSON in JSON":         {`{"x":"{\"secretKey\":\"hunter2-Planted\",\"a\":1}" `, `{"x":"{\"secretKey\":\"[redacted]\",\"a\":1}" `},
		"flow":                 {"{name: x, password: hunter2-Planted, n: 1}", "{name: x, password: [redacted], n: 1}"},
		"variable":             {"env:\n- name: X_SECRET\n  value: hunter2-Planted\n- name: TZ\n  value: UTC", "env:\n- name: X_SECRET\n  value: [redacted]\n- name: TZ\n  value: UTC"},
		"variable in a diff":   {"+  - name: X_SECRET\n+    value: hunter2-Planted\n   - name: TZ\n     value: UTC", "+  - name: X_SECRET\n+    value: [redacted]\n   - name: TZ\n     value: UTC"},
		"variable in JSON":     {`[{"name":"X_SECRET","value":"hunter2-Planted"},{"name":"TZ","value":"UTC"}] .`, `[{"name":"X_SECRET","value":"[redacted]"},{"name":"TZ","value":"UTC"}] .`},
		"variable in flow":     {"- {name: X_SECRET, value: hunter2-Planted}", "- {name: X_SECRET, value: [redacted]}"},
		"log":                  {"level=info password=hunter2-Planted user=bob", "level=info password=[redacted] user=bob"},
		"log in quotes":        {`msg="failed token=hunter2-Planted" a=1`, `msg="failed token=[redacted]" a=1`},
		"settings of MinIO":    {"identity_openid client_id=a client_secret=hunter2-Planted config_url=https://x", "identity_openid client_id=a client_secret=[redacted] config_url=https://x"},
		"connection string":    {`notify connection_string="host=a password=hunter2-Planted port=1" x=1`, `notify connection_string="[redacted]" x=1`},
		"flag":                 {"mc --password hunter2-Planted --json", "mc --password [redacted] --json"},
		"flag with =":          {"mc --set secrets.secretKey=hunter2-Planted --json", "mc --set secrets.secretKey=[redacted] --json"},
		"header":               {"got Authorization: Bearer hunter2-Planted there", "got Authorization: [redacted] there"},
		"bearer":               {"sent bearer abcdefgh" + planted, "sent bearer [redacted]"},
		"comment":              {"# secretKey: hunter2-Planted", "# secretKey: [redacted]"},
		"token":                {"see eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJ4In0.c2ln there", "see [redacted] there"},
		"names of Secrets":     {"imagePullSecret: site\nsecretName: x\nexistingSecret: true\nsecrets: {name: y}", "imagePullSecret: site\nsecretName: x\nexistingSecret: true\nsecrets: {name: y}"},
		"empty":                {"license: \"\"\npassword: null\nsecret:\nb: c\nX_TOKEN=\nY=1", "license: \"\"\npassword: null\nsecret:\nb: c\nX_TOKEN=\nY=1"},
		"an image's tag":       {"image: reg/x/license:1.2", "image: reg/x/license:1.2"},
		"a quoted subject":     {`reading secret "store-secret": not found`, `reading secret "store-secret": not found`},
		"plain words":          {"secret minio-license in aistor is missing", "secret minio-license in aistor is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Text(c.text)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("redacted (-want +got):\n%s", diff)
			}
			if again := Text(got); again != got {
				t.Errorf("a second time changes it:\n%s\n%s", got, again)
			}
		})
	}
}

func TestValuesLoseTheirSecretsAndKeepWhatIsPlain(t *testing.T) {
	t.Parallel()
	const before = `
license: hunter2-Planted
pin: {password: 12345678, maxTokens: 5}
secrets: {name: root-creds, accessKey: hunter2-Planted, secretKey: hunter2-Planted, existingSecret: true}
imagePullSecret: {name: private-repo-pull-secret}
imagePullSecrets: [a, {name: b}]
operators: {object-store: {tokenValidation: TokenReview}}
env:
- {name: MINIO_IDENTITY_OPENID_CLIENT_SECRET, value: hunter2-Planted}
- {name: AMQP_URL, value: "amqp://u:hunter2-Planted@host"}
- {name: X_PASSWORD, valueFrom: {secretKeyRef: {name: creds, key: password}}}
- {name: TZ, value: UTC}
password: {value: hunter2-Planted, from: here}
tokens: [hunter2-Planted, hunter2-Planted]
args: [--password, hunter2-Planted, --secret=hunter2-Planted, --json, x]
approle: {id: a, secret: hunter2-Planted}
config.env: |
  export MINIO_ROOT_USER="hunter2-Planted"
  export MINIO_STORAGE_CLASS_STANDARD="EC:4"
registry: {auth: aHVudGVyMjpodW50ZXIy, other: {auth: oidc}}
last-applied: '{"env":[{"name":"A_TOKEN","value":"hunter2-Planted"}],"n":12345678901234567890}'
object: {kind: Secret, metadata: {name: x}, stringData: {a: hunter2-Planted, b: ""}, data: {c: aHVudGVyMg==}}
`
	const after = `
license: "[redacted]"
pin: {password: "[redacted]", maxTokens: 5}
secrets: {name: root-creds, accessKey: "[redacted]", secretKey: "[redacted]", existingSecret: true}
imagePullSecret: {name: private-repo-pull-secret}
imagePullSecrets: [a, {name: b}]
operators: {object-store: {tokenValidation: TokenReview}}
env:
- {name: MINIO_IDENTITY_OPENID_CLIENT_SECRET, value: "[redacted]"}
- {name: AMQP_URL, value: "[redacted]"}
- {name: X_PASSWORD, valueFrom: {secretKeyRef: {name: creds, key: password}}}
- {name: TZ, value: UTC}
password: {value: "[redacted]", from: here}
tokens: ["[redacted]", "[redacted]"]
args: [--password, "[redacted]", "--secret=[redacted]", --json, x]
approle: {id: a, secret: "[redacted]"}
config.env: |
  export MINIO_ROOT_USER="[redacted]"
  export MINIO_STORAGE_CLASS_STANDARD="EC:4"
registry: {auth: "[redacted]", other: {auth: oidc}}
last-applied: '{"env":[{"name":"A_TOKEN","value":"[redacted]"}],"n":12345678901234567890}'
object: {kind: Secret, metadata: {name: x}, stringData: {a: "[redacted]", b: ""}, data: {c: "[redacted]"}}
`
	var in, want map[string]any
	if err := errors.Join(yaml.Unmarshal([]byte(before), &in), yaml.Unmarshal([]byte(after), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, Values(in)); diff != "" {
		t.Errorf("redacted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, Values(want)); diff != "" {
		t.Errorf("a second time changes it:\n%s", diff)
	}
	if in["license"] != planted {
		t.Error("the values themselves were changed")
	}
	found := strings.Join(FindSecrets(in), "\n")
	if n := strings.Count(found, planted); n != 15 {
		t.Errorf("found %d of 15 planted secrets:\n%s", n, found)
	}
}

// Types of other packages.
type (
	object map[string]any
	text   []byte
)

func TestDataOfOtherTypesIsRedactedToo(t *testing.T) {
	t.Parallel()
	got := Object([]any{
		object{"a": []map[string]string{{"name": "X_SECRET", "value": planted}}},
		map[any]any{"password": json.Number("12345678"), 1: "x"}, map[string]string{"license": planted},
		[]string{"a", "token: " + planted}, []byte(planted), text(planted), 7, nil, true,
	})
	want := []any{
		map[string]any{"a": []any{map[string]any{"name": "X_SECRET", "value": Mask}}},
		map[string]any{"password": Mask, "1": "x"}, map[string]any{"license": Mask},
		[]any{"a", "token: " + Mask}, Mask, Mask, 7, nil, true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("redacted (-want +got):\n%s", diff)
	}
}

func TestDefinitionsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	definition := map[string]any{"kind": "CustomResourceDefinition", "spec": map[string]any{"description": "Requires license: Enterprise"}}
	if diff := cmp.Diff(definition, Values(definition)); diff != "" {
		t.Errorf("redacted (-want +got):\n%s", diff)
	}
}

// FuzzRedact plants a secret in every shape amid any text.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", "a: b\n", "{", "\"", "'", "-----BEGIN X-----", "://", "[", "password:\n", "x: |\n  y", "\\\"", "eyJ", "name: A_TOKEN\n  value: ", "LS0tLS1CRUdJTi"} {
		f.Add(s, s, "CLIENT_SECRET")
	}
	f.Fuzz(func(t *testing.T, before, after, key string) {
		_ = Text(before + after)
		if strings.Contains(before+after+key, planted) {
			t.Skip()
		}
		values := map[string]any{
			before: after, "password": planted, "list": []any{before, map[string]any{"name": "X_SECRET", "value": planted}},
		}
		if IsSecretName(key) {
			values[key] = planted
		}
		for i, shape := range shapes() {
			values[fmt.Sprint("text", i)] = shape + "\n" + after
			if text := Text(shape + "\n" + after); strings.Contains(text, planted) {
				t.Errorf("before %q: the secret is left in %q", after, text)
			}
		}
		b, err := json.Marshal(Values(values))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), planted) {
			t.Errorf("a secret is left: %s", b)
		}
		for _, name := range []string{"MINIO_ROOT_PASSWORD", "client_secret"} {
			text := before + "\nexport " + name + "=" + planted + "\n" + after
			if got := Text(text); strings.Contains(got, planted) {
				t.Errorf("the secret of %q is left in %q", text, got)
			}
		}
	})
}

func shapes() []string {
	return []string{
		"export A_PASSWORD=\"" + planted + "\"", "secret: " + planted, "clientSecret: '" + planted + "'", "privateKey: |\n  " + planted,
		`{"token":"` + planted + `"}`, "- name: A_SECRET\n  value: " + planted, "http://u:" + planted + "@h", "--password " + planted,
		"x DSN_STRING=" + planted + " y", privateKey,
	}
}

func TestPasswordsInAddressesAreHidden(t *testing.T) {
	t.Parallel()
	digest := "sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for in, want := range map[string]string{
		`opening "https://user:pw@host:5000/x"`:                            `opening "https://user:[redacted]@host:5000/x"`,
		`opening "oci://user:p/w@host/x:y"`:                                `opening "oci://user:[redacted]@host/x:y"`,
		`"user:pw@host" and "robot$x:pw@other:1/y"`:                        `"user:[redacted]@host" and "robot$x:[redacted]@other:1/y"`,
		`fetching http://u:pw@h/a : 404; Get "http://u:[redacted]@h/a": x`: `fetching http://u:[redacted]@h/a : 404; Get "http://u:[redacted]@h/a": x`,
		`https://token@host/charts`:                                        `https://[redacted]@host/charts`,
		`oci://u:p@ss@reg:5000/a/b:v1@` + digest:                           `oci://u:[redacted]@reg:5000/a/b:v1@` + digest,
		`--mirror quay.io=u:pw@host`:                                       `--mirror quay.io=u:[redacted]@host`,
		`pushing "reg:5000/a/b:v1@` + digest + `": no`:                     `pushing "reg:5000/a/b:v1@` + digest + `": no`,
		`oci://reg:5000/a/b:v1@` + digest:                                  `oci://reg:5000/a/b:v1@` + digest,
		`oci://reg:5000/a@` + digest:                                       `oci://reg:5000/a@` + digest,
		`mail somebody@example.com: at 10:20`:                              `mail somebody@example.com: at 10:20`,
		"error: a\nreceived: b\nhint: c@d":                                 "error: a\nreceived: b\nhint: c@d",
	} {
		if got := Text(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}
