package workflow

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
)

func TestAStoreServesWhereAnyServerSaysSo(t *testing.T) {
	t.Parallel()
	var (
		ok      = cluster.Health{State: cluster.HealthOK}
		down    = cluster.Health{State: cluster.HealthUnavailable, Status: 503}
		unknown = cluster.Health{State: cluster.HealthUnknown}
	)
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "minio", nil)
	for _, tc := range []struct {
		name    string
		answers []cluster.Health
		err     error
		asked   int
		want    error
		failed  bool
	}{
		{"one that serves", []cluster.Health{ok}, nil, 1, nil, false},
		{"one server has lost sight of the others", []cluster.Health{down, ok}, nil, 2, nil, false},
		{"a question got lost", []cluster.Health{unknown, down, ok}, nil, 3, nil, false},
		{"nobody serves", []cluster.Health{down, down, down}, nil, 3, nil, true},
		{"the rest did not answer", []cluster.Health{unknown, down, unknown}, nil, 3, nil, true},
		{"nobody answered", []cluster.Health{unknown, unknown, unknown}, nil, 3, upgrade.ErrNotProbed, true},
		{"this user may not ask", []cluster.Health{unknown}, forbidden, 1, upgrade.ErrMayNotProbe, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			err := probeWithRetry(t.Context(), "team-a/primary", func(context.Context) (cluster.Health, error) {
				asked++
				return tc.answers[asked-1], tc.err
			})
			if (err != nil) != tc.failed || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("error %v", err)
			}
			if tc.want == nil && errors.Is(err, upgrade.ErrNotProbed) {
				t.Errorf("the store was asked, but: %v", err)
			}
			if asked != tc.asked {
				t.Errorf("asked %d times, want %d", asked, tc.asked)
			}
		})
	}
}

// A question that hangs says nothing, and is neither waited for without end nor
// put again.
func TestAQuestionThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := probeWithRetry(t.Context(), "team-a/primary", func(ctx context.Context) (cluster.Health, error) {
			<-ctx.Done()
			return cluster.Health{State: cluster.HealthUnknown}, ctx.Err()
		})
		if took := time.Since(began); !errors.Is(err, upgrade.ErrNotProbed) || took != option.HealthRequestTimeout {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// What could not be watched is no watch: a nil of another type would pass for
// one, and be checked.
func TestAWatchThatCouldNotBeginIsNone(t *testing.T) {
	t.Parallel()
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = new(clitest.WriteKubeconfig(t, "http://127.0.0.1:1"))
	client, err := cluster.New(flags)
	if err != nil {
		t.Fatal(err)
	}
	live, err := clusterAdapter{Client: client}.Watch(t.Context(), upgrade.Scope{Namespaces: []string{"aistor"}})
	if err == nil || live != nil {
		t.Errorf("error %v, watch %#v", err, live)
	}
}
