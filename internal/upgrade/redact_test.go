package upgrade

import (
	"errors"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const jwt = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ4In0.c2ln"

func TestMaskedErrorHidesSecretsAndKeepsItsType(t *testing.T) {
	t.Parallel()
	m := NewExecutor(&plan.Plan{}, &plan.Inputs{
		Stores: []plan.Change{{Values: map[string]any{"secrets": map[string]any{"secretKey": "hunter2hunter2"}, "configuration": "export MINIO_ROOT_PASSWORD=assigned-here"}}},
		Facts: &plan.Facts{
			License:     &plan.License{Token: plan.Sensitive("license-token")},
			PullSecrets: []plan.PullSecret{{Data: plan.Sensitive("pull-secret-data")}},
		},
	}, Deps{Lease: lease.New(lease.Options{})}, Options{}).secrets
	cause := &DriftError{Object: "hunter2hunter2", Field: "assigned-here license-token pull-secret-data " + jwt}
	err := m.Error(cause)
	for _, secret := range []string{"hunter2", "assigned-here", "license-token", "pull-secret-data", "eyJ"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in %q", secret, err)
		}
	}
	if got, ok := errors.AsType[*DriftError](err); !ok || got != cause {
		t.Errorf("type is lost: %T", err)
	}
	if plain := errors.New("nothing secret"); m.Error(plain) != plain {
		t.Error("an error without secrets was replaced")
	}
}
