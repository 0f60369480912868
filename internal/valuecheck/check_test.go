package valuecheck

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSettingsThatAreNotFinal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		values string
		want   []string
	}{
		"credentials":          {"secrets: {accessKey: '${A}', secretKey: 'x'}\n", []string{"secrets.accessKey"}},
		"the license":          {"license: TODO\nglobal: {license: 'ref+vault://x#y'}\n", []string{"global.license", "license"}},
		"hosts and paths":      {"repositories: {aistor: {hostname: 'registry.${D}', pathPrefix: 'a/{{ x }}/'}}\n", []string{"repositories.aistor.hostname", "repositories.aistor.pathPrefix"}},
		"images":               {"images: {mc: 'aistor/mc:${TAG}'}\nobjectStore: {image: {repository: r/minio, tag: '%TAG%'}}\n", []string{"images.mc", "objectStore.image.tag"}},
		"names in lists":       {"repositories: {aistor: {imagePullSecrets: [{name: '<pull-secret>'}]}}\n", []string{"repositories.aistor.imagePullSecrets.0.name"}},
		"an env credential":    {"objectStore: {env: [{name: MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD, value: '${P}'}]}\n", []string{"objectStore.env.0.value"}},
		"kubelet expands it":   {"objectStore: {env: [{name: MINIO_ROOT_PASSWORD, value: '$(P)'}, {name: X, value: 'a $(Y)'}]}\n", nil},
		"an env setting":       {"objectStore: {env: [{name: MINIO_DOMAIN, value: '${D}'}, {name: Y, value: 'a ${D}'}]}\n", []string{"objectStore.env.0.value"}},
		"annotations":          {"annotations: {a: '${A}', b: '{{ x }}'}\nobjectStore: {pools: [{annotations: {c: '<x>'}}]}\n", nil},
		"ciphertext anywhere":  {"annotations: {a: 'ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]'}\n", []string{"annotations.a"}},
		"commands":             {"objectStore: {sideCars: {containers: [{args: ['${X}'], command: [sh, -c, 'echo {{ x }}']}]}}\n", nil},
		"templates pass":       {"extraResources: ['{{ .Release.Name }}', {kind: X, password: '{{ .Values.p }}'}]\n", nil},
		"ciphertext in them":   {"extraResources: [{kind: Secret, stringData: {a: 'ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]'}}]\n", []string{"extraResources.0.stringData.a"}},
		"an operator decrypts": {"extraResources: [{kind: SopsSecret, sops: {mac: x}, data: {a: 'ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]'}}]\n", nil},
		"KES expands it":       {"objectStore: {kes: {configuration: \"admin:\\n  identity: ${KES_ADMIN}\\nkeystore: {x: {token: '${T}', y: 'a {{ z }}'}}\\n\"}}\n", nil},
		"KES, not replaced":    {"objectStore: {kes: {configuration: \"keystore: {x: {token: '<token>'}}\\n\"}}\n", []string{"objectStore.kes.configuration"}},
		"a part of one":        {"secrets: {accessKey: 'admin-${ENV_NAME}', secretKey: 'a{{ .x }}b'}\n", []string{"secrets.accessKey", "secrets.secretKey"}},
		"a part of a URL":      {"objectStore: {env: [{name: MINIO_SERVER_URL, value: 'https://${HOST}/'}, {name: X, value: 'https://$(HOST)/'}]}\n", []string{"objectStore.env.0.value"}},
		"a name":               {"repositories: {'${REPOSITORY}': {}}\n", []string{"repositories.${REPOSITORY}"}},
		"odd passwords":        {"secrets: {accessKey: 'a${b}c', secretKey: '$ecret<>{}%'}\n", nil},
		"other settings":       {"objectStore: {pools: [{size: '${SIZE}', storageClassName: 'x'}]}\n", []string{"objectStore.pools.0.size"}},
		"a masked backup":      {"secrets: {accessKey: '[redacted]', secretKey: '[redacted]'}\n", []string{"secrets.accessKey", "secrets.secretKey"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := Check(Input{Values: parsed(t, tc.values)})
			var got []string
			for _, f := range found {
				got = append(got, f.Name())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindingsSayFileAndLine(t *testing.T) {
	t.Parallel()
	base := values.Source{Name: "base.yaml", Data: []byte("secrets:\n  accessKey: ${A}\n  secretKey: ${B}\n")}
	over := values.Source{Name: "-", Data: []byte("# comment\nsecrets: {secretKey: '${C}'}\n")}
	merged := parsed(t, "secrets: {accessKey: '${A}', secretKey: '${C}', token: '${D}'}")
	found, _ := Check(Input{Values: merged, Sources: []values.Source{base, over}, Set: parsed(t, "secrets: {token: x}")})
	err := &NotFinalError{Of: `release "team-a/primary"`, Findings: found, Command: "helm aistor plan --store-values team-a/primary=-", Key: "team-a/primary:"}
	want := "reading the values of release \"team-a/primary\": they are not final values\n" +
		"  secrets.accessKey (base.yaml line 2) is an unreplaced variable\n" +
		"  secrets.secretKey (standard input line 2) is an unreplaced variable\n" +
		"  secrets.token (set on the command line) is an unreplaced variable"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	hint := "envsubst < base.yaml | helm aistor plan --store-values team-a/primary=- supplies final values on standard input; " +
		"--literal-value team-a/primary:secrets.accessKey if the text is the literal value"
	if diff := cmp.Diff(hint, err.Hint()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLiteralAndInstalledTextsStay(t *testing.T) {
	t.Parallel()
	v := parsed(t, "secrets: {accessKey: '${A}', secretKey: changeme}")
	found, accepted := Check(Input{Values: v, Literal: []string{"secrets.accessKey"}, Installed: v})
	if len(found) > 0 || len(accepted) != 2 {
		t.Errorf("found %d, accepted %d", len(found), len(accepted))
	}
	if found, _ = Check(Input{Values: v, Installed: v}); len(found) != 1 {
		t.Errorf("a variable is refused also where it is installed: %d", len(found))
	}
}

func TestRenderedSecretsAreFinal(t *testing.T) {
	t.Parallel()
	secret := func(name, key, text string) images.Object {
		return images.Object{"kind": "Secret", "metadata": map[string]any{"name": name}, "stringData": map[string]any{key: text}}
	}
	objects := []images.Object{
		secret("env", "config.env", "export MINIO_ROOT_USER=\"admin\"\nexport MINIO_ROOT_PASSWORD=\"${P}\"\n"),
		secret("creds", "MINIO_ROOT_PASSWORD", "<path:secret/data/minio#password>"),
		secret("mail", "alertmanager.yaml", "text: '{{ template \"x\" . }}'\nsmtp_auth_password: '%PASS%'\n"),
		secret("fine", "config.env", "export MINIO_ROOT_PASSWORD=\"a${b}c\"\n"),
		secret("same", "password", "changeme"),
		{"kind": "Secret", "metadata": map[string]any{"name": "b64"}, "data": map[string]any{"password": "JHtQfQ=="}},
	}
	var got []string
	for _, f := range CheckRendered(objects, objects[4:5], nil) {
		got = append(got, strings.TrimSpace(f.Name()+" "+f.Within))
	}
	want := []string{
		`"Secret/env"."config.env" MINIO_ROOT_PASSWORD`, "Secret/creds.MINIO_ROOT_PASSWORD", `Secret/mail."alertmanager.yaml" smtp_auth_password`, "Secret/b64.password",
	}
	want[0] = `Secret/env."config.env" MINIO_ROOT_PASSWORD`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left := CheckRendered(objects[:1], nil, Accepted{"${P}"}); len(left) > 0 {
		t.Errorf("an accepted text is refused: %v", left)
	}
}

func TestFilesThatHoldNoValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ data, want string }{
		"SOPS":                  {"a: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]\nsops:\n    mac: x\n    version: 3.9.0\n", "encrypted with SOPS"},
		"SOPS, in part":         {"a: clear\nsops:\n  lastmodified: x\n", "encrypted with SOPS"},
		"SOPS, comments alone":  {"a: clear # ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:comment]\n", "encrypted with SOPS"},
		"SOPS in JSON":          {`{"data":"ENC[AES256_GCM,x]","sops":{"mac":"y"}}`, "encrypted with SOPS"},
		"SOPS in flow":          {"{a: b, sops: {age: []}}\n", "encrypted with SOPS"},
		"SOPS dotenv":           {"A=ENC[x]\nsops_version=3.9.0\n", "encrypted with SOPS"},
		"SOPS, broken YAML":     {"a: [\nsops:\n  mac: x\n", "encrypted with SOPS"},
		"Ansible Vault":         {"$ANSIBLE_VAULT;1.1;AES256\n3030\n", "encrypted with Ansible Vault"},
		"Ansible Vault, a part": {"a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  30\n", "encrypted in part with Ansible Vault"},
		"age":                   {"age-encryption.org/v1\n-> X\n", "encrypted with age"},
		"armored age":           {"-----BEGIN AGE ENCRYPTED FILE-----\n", "encrypted with age"},
		"PGP":                   {"-----BEGIN PGP MESSAGE-----\n", "encrypted with PGP"},
		"binary PGP":            {"\x85\x01\x0c\x03\xff\xfe", "encrypted with PGP"},
		"git-crypt":             {"\x00GITCRYPT\x00\x01", "encrypted with git-crypt"},
		"a sealed Secret":       {"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n", "an object of kind SealedSecret"},
		"an external Secret":    {"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n", "an object of kind ExternalSecret"},
		"no YAML, a template":   {"a: b\nsecrets:\n  accessKey: {{ root_user }}\n", "a template; this line contains an unexpanded template"},
		"no YAML, a variable":   {"secrets:\n  accessKey: @@ROOT_USER@@\n", "a template; this line contains an unreplaced variable"},
		"no YAML, control":      {"{% if x %}\na: b\n{% endif %}\n", "a template; this line contains an unexpanded template"},
		"no YAML":               {"a: [\n", ""},
		"a tag":                 {"a:\n  b: !ref x\n", "written for a program that resolves the tag !ref"},
		"a standard tag":        {"a: !!str 5\nb: ! c\n", ""},
		"values":                {"secrets: {accessKey: a}\nsops: false\n", ""},
		"nothing":               {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckSource(values.Source{Name: "values.yaml", Data: []byte(tc.data)}, "helm aistor values -f -")
			var e *EncryptedError
			if errors.As(err, &e); tc.want == "" && err != nil || tc.want != "" && (e == nil || e.What != tc.want) {
				t.Errorf("received %v, want %q", err, tc.want)
			}
		})
	}
}

func TestTheHintDecrypts(t *testing.T) {
	t.Parallel()
	err := CheckSource(values.Source{Name: "my store.yaml", Data: []byte("a: b\nsops:\n  mac: x\n")}, "helm aistor values -f -")
	var e *EncryptedError
	if !errors.As(err, &e) || e.Line != 3 && e.Line != 2 || !strings.HasPrefix(e.Hint(), "sops -d 'my store.yaml' | helm aistor values -f - ") {
		t.Errorf("%v", err)
	}
}

func TestCredentialsThatAreNoText(t *testing.T) {
	t.Parallel()
	file := "secrets:\n  accessKey: 0123\n  secretKey: 123456789012\nlicense: yes\na:\n  - password: 1.10\nserviceAccount: {automountServiceAccountToken: false}\nb: {secretKey: 'quoted 1'}\nc: {secretKey: 9007199254740993}\nd: {secretKey: 2024-01-01}\n"
	list := CredentialsNotText(Input{Values: parsed(t, file), Sources: []values.Source{{Name: "v.yaml", Data: []byte(file)}}})
	var got []string
	for _, n := range list {
		got = append(got, n.Describe())
		if n.Name() != "license" && strings.Contains(n.Describe(), n.Rendered) || strings.Contains(n.Describe(), n.Written) {
			t.Errorf("%s shows the value", n.Name())
		}
	}
	other := ", which Helm renders in another form than it is written"
	want := []string{
		"a.0.password (v.yaml line 6) is a number with a decimal point" + other,
		"c.secretKey (v.yaml line 9) is a number with more digits than Helm keeps" + other,
		"license (v.yaml line 4) is a word that YAML reads as true or false" + other,
		"secrets.accessKey (v.yaml line 2) is a number with a leading zero, which YAML reads as octal" + other,
		"secrets.secretKey (v.yaml line 3) is a number" + other,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if i := slices.IndexFunc(list, func(n NotText) bool { return n.Name() == "secrets.secretKey" }); list[i].Rendered != "1.23456789012e+11" {
		t.Errorf("Helm renders %s", list[i].Rendered)
	}
}

func TestAddressesOfHelmSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"secrets://store.yaml":                             "helm secrets decrypt store.yaml | helm aistor values -f - ",
		"secrets+gpg-import:///keys/key.asc?my store.yaml": "helm secrets decrypt 'my store.yaml' | ",
		"store.yaml": "", "https://example.com/store.yaml": "", "-": "",
	} {
		err := CheckName(name, "helm aistor values -f -")
		var e *EncryptedError
		if errors.As(err, &e); want == "" && err != nil || want != "" && (e == nil || !strings.HasPrefix(e.Hint(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	annotations, settings := map[string]any{}, map[string]any{}
	for i := range 20000 {
		annotations[strconv.Itoa(i)] = "some text of an annotation"
		settings["key"+strconv.Itoa(i)] = "some text of a setting"
	}
	in := Input{Values: map[string]any{"annotations": annotations, "objectStore": settings}}
	for b.Loop() {
		if found, _ := Check(in); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
