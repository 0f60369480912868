package upgrade

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const jwt = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ4In0.c2ln"

func TestRedactionTakesSecretsAndLeavesTheirNames(t *testing.T) {
	t.Parallel()
	const before = `
license: ` + jwt + `
global: {license: "", fipsMode: false}
secrets: {name: root-creds, accessKey: admin, secretKey: s3cr3t, existingSecret: true}
imagePullSecret: {name: private-repo-pull-secret}
operators: {object-store: {tokenValidation: {enabled: true}}}
env:
- {name: MINIO_ROOT_PASSWORD, value: s3cr3t}
- {name: TZ, value: UTC}
config.env: |
  export MINIO_ROOT_USER="admin"
  export MINIO_ROOT_PASSWORD=s3cr3t
  export MINIO_STORAGE_CLASS_STANDARD="EC:4"
note: see ` + jwt + ` there
blob: ZXlKaGJHY2lPaUpGVXpNNE5DSXNJblI1Y0NJNklrcFhWQ0o5
oidc: {name: MINIO_IDENTITY_OPENID_CLIENT_SECRET, value: s3cr3t}
kes: {approle: {secret: s3cr3t}, privateKey: "-----BEGIN PRIVATE KEY-----\nczNjcjN0\n-----END PRIVATE KEY-----"}
audit: {dsn_string: s3cr3t, connectionString: s3cr3t, url: "amqp://user:s3cr3t@host:5672"}
`
	const after = `
license: "[redacted]"
global: {license: "", fipsMode: false}
secrets: {name: root-creds, accessKey: "[redacted]", secretKey: "[redacted]", existingSecret: true}
imagePullSecret: {name: private-repo-pull-secret}
operators: {object-store: {tokenValidation: {enabled: true}}}
env:
- {name: MINIO_ROOT_PASSWORD, value: "[redacted]"}
- {name: TZ, value: UTC}
config.env: |
  export MINIO_ROOT_USER="[redacted]"
  export MINIO_ROOT_PASSWORD=[redacted]
  export MINIO_STORAGE_CLASS_STANDARD="EC:4"
note: see [redacted] there
blob: "[redacted]"
oidc: {name: MINIO_IDENTITY_OPENID_CLIENT_SECRET, value: "[redacted]"}
kes: {approle: {secret: "[redacted]"}, privateKey: "[redacted]"}
audit: {dsn_string: "[redacted]", connectionString: "[redacted]", url: "amqp://[redacted]@host:5672"}
`
	var in, want map[string]any
	if err := errors.Join(yaml.Unmarshal([]byte(before), &in), yaml.Unmarshal([]byte(after), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, redact("", in)); diff != "" {
		t.Errorf("redacted (-want +got):\n%s", diff)
	}
}

func TestMaskedErrorHidesSecretsAndKeepsItsType(t *testing.T) {
	t.Parallel()
	m := newMasker(&plan.Inputs{
		Stores: []plan.Change{{Values: map[string]any{"secrets": map[string]any{"secretKey": "hunter2hunter2"}, "configuration": "export MINIO_ROOT_PASSWORD=assigned-here"}}},
		Facts: &plan.Facts{
			License: &plan.License{Token: plan.Sensitive("license-token")},
			Secrets: []plan.PullSecret{{Data: plan.Sensitive("pull-secret-data")}},
		},
	})
	cause := &DriftError{Object: "hunter2hunter2", Field: "assigned-here license-token pull-secret-data " + jwt}
	err := m.error(cause)
	for _, secret := range []string{"hunter2", "assigned-here", "license-token", "pull-secret-data", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in %q", secret, err)
		}
	}
	if got, ok := errors.AsType[*DriftError](err); !ok || got != cause {
		t.Errorf("type is lost: %T", err)
	}
	if plain := errors.New("nothing secret"); m.error(plain) != plain {
		t.Error("an error without secrets was replaced")
	}
}
