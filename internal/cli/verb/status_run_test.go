package verb

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Without a lease an upgrade that did not end was killed; a lease that cannot be
// read says nothing.
func TestAnUnfinishedUpgradeIsCalledKilledOnlyWhereItsLeaseCanBeRead(t *testing.T) {
	t.Parallel()
	unended := journalOf(t, journal.Attempt{Started: clitest.Clock.Add(-time.Hour)})
	for name, c := range map[string]struct {
		journal, denied   string
		want, wantProblem string
	}{
		"no upgrade yet":              {},
		"nobody holds the lease":      {journal: unended, want: "killed"},
		"the lease can't be read":     {journal: unended, denied: "leases", wantProblem: `reading lease "aistor/aistor-upgrade"`},
		"the journals can't be read":  {journal: unended, denied: "configmaps", wantProblem: `reading journals in "aistor"`},
		"an ended one needs no lease": {journal: journalOf(t, journal.Attempt{Started: clitest.Clock, Ended: clitest.Clock, Result: "done"}), denied: "leases", want: "done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset()
			if c.journal != "" {
				client = fake.NewSimpleClientset(&core.ConfigMap{
					ObjectMeta: meta.ObjectMeta{Name: "a", Namespace: "aistor", Labels: map[string]string{"app.kubernetes.io/managed-by": journal.ManagedBy}},
					Data:       map[string]string{"run.json": c.journal}})
			}
			client.PrependReactor("*", c.denied, func(a clienttesting.Action) (bool, runtime.Object, error) {
				return c.denied != "", nil, apierrors.NewForbidden(schema.GroupResource{Resource: c.denied}, "", nil)
			})
			run, err := lastRun(t.Context(), client, &plan.Facts{Namespace: "aistor"}, clitest.Clock)
			state := ""
			if run != nil {
				state = run.State
			}
			if state != c.want {
				t.Errorf("it is called %q, wanted %q", state, c.want)
			}
			if c.wantProblem == "" && err != nil || c.wantProblem != "" && (err == nil || !strings.Contains(err.Error(), c.wantProblem)) {
				t.Errorf("the problem is %v, wanted %q", err, c.wantProblem)
			}
		})
	}
}

func journalOf(t *testing.T, a journal.Attempt) string {
	t.Helper()
	text, err := json.Marshal(journal.Run{APIVersion: plan.APIVersion, Plan: "sha256:aa", Attempts: []journal.Attempt{a},
		Steps: []journal.StepRecord{{ID: "backup", Status: journal.StepStarted}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
