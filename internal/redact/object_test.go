package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Each document holds PLANT where a secret is, and shown where none is.
func TestObjectsLoseSecretsInEveryNotation(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		"env: {MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_HOST: PLANT}",
		"extra: {MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_HOST: PLANT}",
		"extra: {MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_PORT: PLANT, MINIO_NOTIFY_NATS_TOKEN_MODE: PLANT, MINIO_AUDIT_KAFKA_SASL_PASSWORD_VERSION: PLANT}",
		"extra: {MINIO_IDENTITY_OPENID_CLIENT_SECRET_FILE: PLANT, MINIO_NOTIFY_NATS_TOKEN_NAME: PLANT, MINIO_NOTIFY_NATS_PASSWORD_PATH: PLANT, KES_API_KEY_DIR: PLANT}",
		"extra: {MINIO_ROOT_PASSWORD_FILE: /shown/password, MINIO_KMS_KES_KEY_NAME: shown}",
		"extraEnv: {foo: PLANT, ANYTHING: PLANT}", "EXTRA_ENV: {foo: PLANT}", "Environment: {a: PLANT}", "podEnvironment: {a: PLANT}", "envVars: {a: PLANT}", "extraVars: {a: PLANT}",
		"environmentVariables: {a: PLANT}", "env: [{name: shown, value: PLANT}]", "env: [{name: shown, valueFrom: {secretKeyRef: {name: shown, key: shown}}}]",
		"env: {open: {REGION: PLANT}, secret: {ANY: PLANT}}", "env: {ANY: {value: PLANT}}", "env: {ANY: {valueFrom: {fieldRef: {fieldPath: shown}}}}",
		"list: [{value: PLANT, name: PASSWORD}, {name: password, value: PLANT}, {key: password, value: PLANT}, {Key: password, Value: PLANT}, {Name: password, Value: PLANT}, {NAME: PASSWORD, VALUE: PLANT}]",
		"list: [{name: colour, value: shown}]",
		"passwords: {bob: PLANT}\ntokens: {a: PLANT, description: shown}\ncredentials: {username: shown, bob: PLANT}",
		"authorization: {type: shown, credentials: {name: shown, key: shown}}", "password: {name: shown, key: shown}", "privateKey: {algorithm: shown, encoding: shown, rotationPolicy: shown}",
		"volumes: [{secret: {secretName: shown, items: [{key: shown, path: shown}]}}, {projected: {sources: [{serviceAccountToken: {path: shown, audience: shown}}]}}]",
		"args: [-pPLANT, --json]", "command: [mysql, -uroot, -pPLANT]", "command: [redis-cli, -a, PLANT]", "args: [redis-cli, -a, PLANT, ping]", "command: [openssl, enc, -k, PLANT]",
		"command: [openssl, rsa, -passin, 'pass:PLANT']", "command: [curl, -u, 'a:PLANT']", "command: [curl, '-ua:PLANT']", "command: [helm, --set, PASSWORD, PLANT]", "command: [helm, --set, 'a.password=PLANT']",
		"command: [sshpass, -p, PLANT, ssh]", "command: [sshpass, -pPLANT, ssh]", "command: [env, PGPASSWORD=PLANT, psql]", "command: [vault, login, PLANT]", "command: [mc, alias, set, shown, 'https://shown', PLANT, PLANT]",
		"command: [mc, admin, user, add, shown, PLANT, PLANT]", "command: [rabbitmqctl, add_user, shown, PLANT]", "command: [ldapsearch, -w, PLANT]", "command: [keytool, -storepass, PLANT]", "command: [htpasswd, -bc, f, user, PLANT]",
		"command: [sh, -c, 'mysql -uroot -pPLANT']", "command: [sh, -c, 'PGPASSWORD=PLANT psql']", "command: [bash, -lc, 'redis-cli -a PLANT']", "command: [smbclient, -U, 'a%PLANT']", "command: [aws, configure, set, aws_secret_access_key, PLANT]",
		"command: [docker, run, -e, ANYTHING=PLANT, shown]", "command: [docker, login, -pPLANT]", "command: [zip, -P, PLANT]",
		"a: '{\"value\": \"PLANT\", \"name\": \"PASSWORD\"}'", "a: 'see {\"value\": \"PLANT\", \"name\": \"PASSWORD\"}'", "a: \"? password\\n: PLANT\"", "a: '{password: correct PLANT}'",
		"env: [{name: LC_FOO, value: PLANT}, {name: DEBUG, value: PLANT}, {name: MINIO_API_CORS_X, value: PLANT}, {name: LC_ALL, value: C.UTF-8}, {name: LANG, value: de_DE.UTF-8}]",
		"env: [{name: LOG_LEVEL, value: debug}, {name: MINIO_SCANNER_SPEED, value: slowest}, {name: MINIO_STORAGE_CLASS_STANDARD, value: 'EC:4'}, {name: RELATED_IMAGE_X, value: 'shown.example.com/a/b:v1'}]",
	} {
		var data any
		if err := yaml.Unmarshal([]byte(doc), &data); err != nil {
			t.Fatal(doc, err)
		}
		b, err := json.Marshal(Object(data))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(b); strings.Contains(got, "PLANT") || strings.Count(got, "shown") != strings.Count(doc, "shown") || !strings.Contains(doc, "PLANT") && strings.Contains(got, Mask) {
			t.Errorf("%s\nbecomes %s", doc, got)
		}
	}
}
