package redact

import (
	"encoding/base64"
	"strings"
	"testing"
)

// Each text holds PLANT where the secret is.
func TestSecretsAreKnownByTheirShape(t *testing.T) {
	t.Parallel()
	const (
		random = "Qx7Lr2pVz9Kd4Tn8Wc1Fm6Bs3Hy5Jg0A"
		base36 = "k9x2m4q7w1z8v3b6n5t0r2"
		asHex  = "9f86d081884c7d659a2feaa0c55ad015"
	)
	for name, c := range map[string]struct{ text, secret string }{
		"JWT":                     {"see PLANT", "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJ4In0.c2ln"},
		"JWT in base64":           {"data PLANT", base64.StdEncoding.EncodeToString([]byte("eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJ4In0.c2ln"))},
		"AWS access key":          {"key PLANT denied", "AKIAIOSFODNN7EXAMPLE"},
		"AWS secret key":          {"used PLANT", "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"},
		"GitHub":                  {"clone with PLANT", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
		"GitHub, fine grained":    {"PLANT", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"},
		"GitLab":                  {"PLANT", "glpat-aaaabbbbccccddddeeee"},
		"Slack":                   {"PLANT", "xoxb-2345678901-2345678901-abcdefghijklmnop"},
		"Slack webhook":           {"POST https://hooks.slack.com/services/PLANT failed", "T00000000/B00000000/abcdefghijkl"},
		"Teams webhook":           {"https://example.webhook.office.com/webhookb2/PLANT", "abcd@efgh/IncomingWebhook/xyz"},
		"Discord webhook":         {"https://discord.com/api/webhooks/PLANT", "123456/abcdefghijk"},
		"Vault":                   {"PLANT", "hvs.CAESIabcdefghijklmnopqrstuvwx"},
		"docker":                  {"PLANT", "dckr_pat_abcdefghijklmnopqrst"},
		"KES":                     {"identity PLANT", "kes:v1:AABBccddeeffgghhiijj"},
		"random, mixed":           {"message PLANT end", random},
		"random, base36":          {"message PLANT end", base36},
		"random, hex":             {"message PLANT end", asHex},
		"random, in quotes":       {`message "PLANT": end`, random},
		"random, url base64":      {"t PLANT", "Qx7Lr2pV-z9Kd4Tn8_Wc1Fm6Bs-3Hy5Jg0A"},
		"bearer":                  {"Authorization is Bearer PLANT", "abcdefghijklmnopq"},
		"basic":                   {"sent Basic PLANT", "dXNlcjpodW50ZXIy"},
		"header":                  {"X-Api-Key: PLANT", "swordfish"},
		"header of curl":          {`curl -H "X-Auth-Token: PLANT" https://x`, "swordfish"},
		"cookie":                  {"Cookie: PLANT", "sid=swordfish"},
		"URL":                     {"https://user:PLANT@host/x", "swordfish"},
		"URL, token":              {"https://PLANT@host/x", "swordfish"},
		"URL, in JSON":            {`{"url":"https://user:PLANT@host/x"}`, "swordfish"},
		"SAS":                     {"https://a.blob.core.windows.net/c?sv=2022-11-02&ss=b&sig=PLANT&se=2026", "swordfish%2B%3D"},
		"presigned, signature":    {"https://s3/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=PLANT&x=1", "swordfish"},
		"presigned, credential":   {"https://s3/x?X-Amz-Credential=PLANT&x=1", "swordfish%2F20260101"},
		"presigned, session":      {"https://s3/x?X-Amz-Security-Token=PLANT", "swordfish"},
		"query, escaped":          {`{"u":"https://s3/x?a=1\u0026sig=PLANT"}`, "swordfish"},
		"query":                   {"GET https://x/y?token=PLANT: 404", "swordfish"},
		"mc alias":                {"mc alias set local https://minio:9000 admin PLANT", "swordfish"},
		"mc alias, key":           {"mc --insecure alias set local https://minio:9000 PLANT swordfish", "someuser"},
		"mc alias, flags":         {"mc alias set --api s3v4 local https://minio:9000 admin PLANT && x", "swordfish"},
		"mc config host":          {"mc config host add local https://minio:9000 admin PLANT", "swordfish"},
		"curl":                    {"curl -u admin:PLANT https://x", "swordfish"},
		"curl, long":              {"curl --user admin:PLANT https://x", "swordfish"},
		"curl, proxy":             {"curl --proxy-user 'admin:PLANT' https://x", "swordfish"},
		"login":                   {"docker login -u admin -p PLANT registry", "swordfish"},
		"sshpass":                 {"sshpass -p PLANT ssh host", "swordfish"},
		"flag":                    {"x --password=PLANT y", "swordfish"},
		"flag, word":              {"x --secret-key PLANT y", "swordfish"},
		"docker config":           {`{"auths":{"r":{"auth":"PLANT"}}}`, "dXNlcjpodW50ZXIy"},
		"docker config, in text":  {`got {"auths":{"r":{"username":"u","password":"PLANT"}}} from`, "swordfish"},
		"private key":             {"-----BEGIN PRIVATE KEY-----\nPLANT\n-----END PRIVATE KEY-----", "MIIswordfish"},
		"private key, one line":   {`"-----BEGIN RSA PRIVATE KEY-----\nPLANT\n-----END RSA PRIVATE KEY-----"`, "MIIswordfish"},
		"OpenSSH":                 {"-----BEGIN OPENSSH PRIVATE KEY-----\nPLANT\n", "b3Bswordfish"},
		"age":                     {"PLANT", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQ"},
		"kubeconfig":              {"users:\n- name: a\n  user:\n    token: PLANT\n", "swordfish"},
		"kubeconfig, key":         {"    client-key-data: PLANT", base64.StdEncoding.EncodeToString([]byte("-----BEGIN RSA PRIVATE KEY-----\nMII"))},
		"manifest of a Secret":    {"apiVersion: v1\nkind: Secret\nstringData:\n  a: PLANT\nmetadata: {}\n", "swordfish"},
		"manifest, data first":    {"data:\n  a: PLANT\nkind: Secret\n", "c3dvcmRmaXNo"},
		"manifest, among others":  {"kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\ndata:\n  a: PLANT\n---\nkind: Service", "c3dvcmRmaXNo"},
		"dotenv":                  {"export ANYTHING=\"PLANT\"", "swordfish"},
		"dotenv of MinIO":         {"MINIO_ANYTHING=PLANT", "swordfish"},
		"variable":                {"- name: ANYTHING\n  value: PLANT", "swordfish"},
		"cookie in a set-cookie":  {"Set-Cookie: PLANT; Path=/", "sid=swordfish"},
		"splunk":                  {"Splunk PLANT", "B5A79AAD-D822-46CC-80D1-819F80D7BFB0"},
		"password of a DSN":       {"root:PLANT@tcp(db:3306)/x", "swordfish"},
		"password of a key=value": {"host=db user=a password=PLANT dbname=x", "swordfish"},
		"JDBC":                    {"jdbc:postgresql://db/x?user=a&password=PLANT&ssl=true", "swordfish"},
		"AMQP":                    {"amqps://u:PLANT@mq:5671/%2f", "sword%2Ffish"},
		"in a Go error":           {`parse "https://u:PLANT@host": invalid port`, "swordfish"},
		"in a Go struct":          {`{Username:u Password:PLANT Auth:}`, "swordfish"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(c.text, "PLANT", c.secret)
			got := Text(text)
			if strings.Contains(got, c.secret) || !strings.Contains(got, Mask) {
				t.Errorf("%q becomes %q", text, got)
			}
			if again := Text(got); again != got {
				t.Errorf("a second time %q becomes %q", got, again)
			}
		})
	}
}
