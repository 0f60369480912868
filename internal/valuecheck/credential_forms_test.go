package valuecheck

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// standIns are texts that stand for a credential and are none.
var standIns = []string{
	// Other programs' references.
	"file:///run/secrets/root-password", "file://secret.txt", "env:ROOT_PASSWORD", "env://ROOT_PASSWORD", "ENV['ROOT_PASSWORD']", "process.env.ROOT_PASSWORD",
	"os.environ['ROOT_PASSWORD']", "ref+vault://secret/data/minio#/password", "vault:secret/data/minio#password", "vault:secret/minio", "secret/data/minio#password",
	"ssm:///minio/root-password", "ssm:/minio/root-password", "op://vault/minio/password", "arn:aws:secretsmanager:eu-central-1:1:secret:minio-AbCdEf",
	"https://store.vault.azure.net/secrets/minio", "((minio-root-password))", "((vault:minio.password))", "data:text/plain;base64,cGFzc3dvcmQ=",
	// Ciphertext.
	"{cipher}AQA3bGc5ZmVhMzQ1", "{aes256}WGj2t4znULHT1IRv", "enc:v1:WGj2t4znULHT1IRveMEd", sealed("AgA", 700), sealed("AgB", 700), sealed("AQICAH", 200), sealed("gAAAAAB", 120),
	"eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKo.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9.XFBoMYUZodetZdvTiFvSkQ",
	// Templates and variables.
	"<<ROOT_PASSWORD>>", "<<root password>>", "$(cat /run/secrets/root-password)", "$(op read op://minio/root/password)", "`cat root-password.txt`", "`pass show minio`",
	"%password%", "%RootPassword%", "%root_password%", "$root_password", "$password", "$rootPassword", "$env:ROOT_PASSWORD", "＄{ROOT_PASSWORD}", "＄｛ROOT_PASSWORD｝", "$\u200b{ROOT_PASSWORD}",
	"#{RootPassword}#", "#{RootPassword}", "@@ROOT_PASSWORD@@", "@@root_password@@", "__ROOT_PASSWORD__", "[[ .RootPassword ]]", "<% root_password %>", "<%= root_password %>", "{# password #}",
	"##ROOT_PASSWORD##", "~~ROOT_PASSWORD~~", "||ROOT_PASSWORD||", "!ROOT_PASSWORD!", "[ROOT_PASSWORD]", "(ROOT_PASSWORD)", "::ROOT_PASSWORD::", "$[[ inputs.password ]]", "$[variables.password]",
	"$<ROOT_PASSWORD>", "&{ROOT_PASSWORD}", "%[root_password]",
	// What programs print of nothing, or of what is not a text.
	"%!s(<nil>)", "%!s(MISSING)", "%!v(PANIC=String method: nil)", "%!d(string=secret)", "<nil>", "<no value>", "map[PASSWORD:<nil>]", "map[]", "[map[name:x key:y]]", "[object Object]", "undefined", "null", "None", "nil",
	// Words.
	"PASSWORD_HERE", "password-goes-here", "ROOT_PASSWORD_PLACEHOLDER", "PLACEHOLDER_ROOT_PASSWORD", "my-placeholder-password", "CHANGEME_PLEASE", "changeme0", "change_this_password", "TO_BE_CHANGED", "to-be-replaced",
	"FILL_ME_IN", "SET_ME", "setme", "REPLACEME", "TODO: ask storage team", "FIXME", "???", "...", "…", "MINIO_ROOT_PASSWORD", "ROOT_SECRET_KEY",
}

// sealed is what begins as a ciphertext of a known program does.
func sealed(start string, length int) string {
	return start + strings.Repeat("y3i4OJSWK+PiTySYZZA9rO43cGDEq/", length/30+1)[:length-len(start)]
}

func TestStandInsAreNoCredentials(t *testing.T) {
	t.Parallel()
	for _, text := range standIns {
		for _, v := range []map[string]any{
			{"secrets": map[string]any{"secretKey": text}},
			{"secrets": map[string]any{"secretKey": "  " + text + "\n"}},
			{"objectStore": map[string]any{"env": []any{map[string]any{"name": "MINIO_IDENTITY_LDAP_LOOKUP_BIND_PASSWORD", "value": text}}}},
		} {
			if found, _ := Check(Input{Values: v}); len(found) != 1 {
				t.Errorf("%q: %d settings found in %v", text, len(found), v)
			}
		}
	}
}

func TestHostsAndImagesHoldNoShellVariables(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"$registry_host", "$registry", "registry.$domain:5000", "<<registry>>", "$(hostname -f)", "`hostname`", "registry.%domain%", "＄{REGISTRY}", "%!s(<nil>)"} {
		found, _ := Check(Input{Values: map[string]any{"repositories": map[string]any{"aistor": map[string]any{"hostname": text}}}})
		if len(found) != 1 {
			t.Errorf("%q is accepted as a host", text)
		}
	}
}

// alphabets are those of password generators.
var alphabets = []string{
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*",
	"abcdefghijklmnopqrstuvwxyz0123456789$%{}<>",
	"0123456789abcdef",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
}

func TestRandomPasswordsAreValues(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	lengths := []int{8, 12, 16, 20, 24, 32, 40, 64}
	refused := 0
	for i := range 20_000 {
		var text string
		length := lengths[random.IntN(len(lengths))]
		if alphabet := i % (len(alphabets) + 1); alphabet < len(alphabets) {
			b := make([]byte, length)
			for j := range b {
				b[j] = alphabets[alphabet][random.IntN(len(alphabets[alphabet]))]
			}
			text = string(b)
		} else {
			b := make([]byte, length)
			for j := range b {
				b[j] = byte(random.UintN(256))
			}
			text = base64.StdEncoding.EncodeToString(b)
		}
		found, _ := Check(Input{Values: map[string]any{"secrets": map[string]any{"accessKey": "admin", "secretKey": text}}})
		if len(found) > 0 {
			refused++
			t.Errorf("%q is %s", text, found[0].Form.Name)
		}
	}
	if refused > 0 {
		t.Errorf("%d of 20,000 random passwords are refused", refused)
	}
}

// chosen are made as people make passwords out of a word, with the characters
// that forms are recognized by.
func chosen() []string {
	shapes := []string{
		"$%s2024", "%s$$", "%s%%100", "{%s}7", "<3%s", "%s<3", "%s{}", "50%%%s", "$%s!", "%s_$1", "my$%s%%", "{%s", "%s}", "<%s", "%s>", "(%s)", "[%s]9", "%s@home", "@%s", "#%s#1",
		"%s & %s", "%s=%s", "%s:%s/", "!%s!", "*%s*",
	}
	words := []string{"Summer", "dragon", "Wolfsburg", "correct horse", "Pa55w0rd", "tr0ub4dor", "S3cur3", "München"}
	var list []string
	for _, shape := range shapes {
		for _, word := range words {
			list = append(list, fmt.Sprintf(strings.ReplaceAll(shape, "%s", "%[1]s"), word))
		}
	}
	return append(list, "$ecret", "$uperman", "$uperuser1", "$monkey", "pa$$w0rd", "P@$$w0rd!", "%41%42", "50%OFF%", "100%sure", "a<b>c", "<3minio", "I<3MinIO", "{a:1}", "{SSHA}Zm9v", "{CRYPT}x", "$2y$10$abcdefghijklmnopqrstuv",
		"$6$rounds=5000$saltsalt$hash", "meet-me-here", "mapping[1]", "map", "env", "environment:1", "file", "vault", "Agatha Christie", "AgBellis", "nothing", "nullpointer", "None of your business", "todo-list-2024", "who?", "C:\\secret", "a/b#c",
		"T`ick`s", "`", "``", "`x`y", "$(", "$()", "()", "<<", ">>", "<<>>", "a<<b>>c", "%%", "%", "$", "{}", "[]", "{{", "}}", "##", "@@", "__", "~~wow~~", "!!wow!!", "**wow**", "||", "MY_DOG_REX", "WORDS_WITH_LINES", "x!s(y)", "100%!s")
}

func TestChosenPasswordsAreValues(t *testing.T) {
	t.Parallel()
	list := chosen()
	if len(list) < 250 {
		t.Fatalf("only %d passwords", len(list))
	}
	for _, text := range list {
		found, _ := Check(Input{Values: map[string]any{"secrets": map[string]any{"secretKey": text}}})
		if len(found) > 0 {
			t.Errorf("%q is %s", text, found[0].Form.Name)
		}
	}
}

func TestWhiteSpaceAroundACredential(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   Input
		want int
	}{
		"a newline from a file":  {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n"), Set: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n")}, 1},
		"a blank before it":      {Input{Values: parsed(t, "secrets: {accessKey: ' admin'}\n")}, 1},
		"a no-break space":       {Input{Values: parsed(t, "secrets: {accessKey: \"admin\\u00a0\"}\n")}, 1},
		"a byte order mark":      {Input{Values: parsed(t, "secrets: {accessKey: \"\\ufeffadmin\"}\n")}, 1},
		"a zero-width space":     {Input{Values: parsed(t, "secrets: {accessKey: \"admin\\u200b\"}\n")}, 1},
		"a carriage return":      {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\r\"}\n")}, 1},
		"a block scalar":         {Input{Values: parsed(t, "mail:\n  smtpPassword: |\n    correct\n")}, 1},
		"blanks alone":           {Input{Values: parsed(t, "secrets: {secretKey: '  '}\n")}, 1},
		"a variable":             {Input{Values: parsed(t, "objectStore: {env: [{name: MINIO_IDENTITY_OPENID_CLIENT_SECRET, value: \"x\\n\"}]}\n")}, 1},
		"inside":                 {Input{Values: parsed(t, "secrets: {secretKey: 'correct horse'}\n")}, 0},
		"installed just so":      {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n"), Installed: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n")}, 0},
		"installed without":      {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n"), Installed: parsed(t, "secrets: {secretKey: correct}\n")}, 1},
		"the live login has it":  {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n"), Login: map[string]string{"secretKey": "correct\n"}}, 0},
		"said to be literal":     {Input{Values: parsed(t, "secrets: {secretKey: \"correct\\n\"}\n"), Literal: []string{"secrets.secretKey"}}, 0},
		"a license":              {Input{Values: parsed(t, "license: |\n  eyJhbGciOiJFUzM4NCJ9.e30.sig\n")}, 0},
		"a key of several lines": {Input{Values: parsed(t, "tls:\n  privateKey: |\n    -----BEGIN PRIVATE KEY-----\n    MC4C\n    -----END PRIVATE KEY-----\n")}, 0},
		"an annotation":          {Input{Values: parsed(t, "annotations: {password: \"x\\n\"}\n")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := Check(tc.in)
			if len(found) != tc.want {
				t.Errorf("found %d: %v", len(found), found)
			}
		})
	}
}

func TestReferencesToSecretsAreNoCredentials(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"objectStore: {env: [{name: MINIO_ROOT_PASSWORD, valueFrom: {secretKeyRef: {name: login, key: ROOT_PASSWORD}}}]}\n",
		"objectStore: {env: [{name: MINIO_ROOT_PASSWORD_FILE, value: 'file:///run/secrets/password'}]}\n",
		"objectStore: {env: [{name: MINIO_KMS_KES_KEY_FILE, value: \"/run/key\\n\"}]}\n",
		"secrets: {existingSecret: null, passwordKey: ROOT_PASSWORD}\n",
		"objectStore: {configuration: {name: null}}\nmonitoring: {tokenSecret: TOKEN_SECRET}\n",
		"imagePullSecrets: [{name: undefined}]\n",
		"logging: {format: '%message%', source: 'file:///var/log/x'}\n",
	} {
		if found, _ := Check(Input{Values: parsed(t, text)}); len(found) > 0 {
			t.Errorf("%s is %s in %s", found[0].Name(), found[0].Form.Name, text)
		}
	}
}
