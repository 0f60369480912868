package lease_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
)

func alsoTeamA(o *lease.Options) { o.Also = []string{"aistor", "team-a", "team-b", "team-a"} }

func ofTeamA(o *lease.Options) { o.Namespace = "team-a" }

func holderIn(t *testing.T, client kubernetes.Interface, namespace string) string {
	t.Helper()
	l, err := client.CoordinationV1().Leases(namespace).Get(t.Context(), lease.Name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// The owner of a namespace has no rights in the operator's, and an administrator
// changes both: one of them has to wait.
func TestRunsInOneNamespaceAndInAllKeepEachOtherOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewSimpleClientset()
		owner, err := run(t, client, "owner", ofTeamA)
		if err != nil {
			t.Fatal(err)
		}
		_, err = run(t, client, "administrator", alsoTeamA)
		if busy, ok := errors.AsType[*lease.BusyError](err); !ok || busy.Namespace != "team-a" || !strings.Contains(err.Error(), `in namespace "team-a": held by owner`) {
			t.Fatalf("while the owner's run is under way: %v", err)
		}
		for _, namespace := range []string{"aistor", "team-b"} {
			if holder := holderIn(t, client, namespace); holder != "" {
				t.Errorf("the Lease of %s was left to %q", namespace, holder)
			}
		}
		if err := owner.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		administrator, err := run(t, client, "administrator", alsoTeamA)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute) // all of them are renewed
		if _, err := run(t, client, "owner", ofTeamA); !errors.As(err, new(*lease.BusyError)) {
			t.Errorf("while the administrator's run is under way: %v", err)
		}
		if err := administrator.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		owner, err = run(t, client, "owner", ofTeamA)
		if err != nil {
			t.Fatal(err)
		}
		owner.Abandon()
	})
}

func TestWhoLosesOneNamespaceWritesNothingInAny(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewSimpleClientset()
		l, err := run(t, client, "administrator", alsoTeamA)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Abandon()
		team, err := client.CoordinationV1().Leases("team-a").Get(t.Context(), lease.Name, meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		team.Spec.HolderIdentity = new("owner")
		if _, err := client.CoordinationV1().Leases("team-a").Update(t.Context(), team, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		<-l.Lost() // the next renewal of that one finds it
		lost := &lease.LostError{}
		if err := l.Verify(t.Context()); !errors.As(err, &lost) || lost.Lease != "team-a/aistor-upgrade" || lost.Holder != "owner" {
			t.Fatalf("after the loss: %v", err)
		}
		if err := l.Confirm(t.Context()); !errors.As(err, &lost) {
			t.Fatalf("after the loss: %v", err)
		}
		before := renewals(t, client)
		time.Sleep(10 * time.Minute)
		if after := renewals(t, client); after != before {
			t.Errorf("a Lease was written after the loss: %q, before %q", after, before)
		}
	})
}

// renewals are the times at which the Leases were written last.
func renewals(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	var times []string
	for _, namespace := range []string{"aistor", "team-a", "team-b"} {
		l, err := client.CoordinationV1().Leases(namespace).Get(t.Context(), lease.Name, meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, l.Spec.RenewTime.String())
	}
	return strings.Join(times, ", ")
}

// A run may be held up while it takes the Leases of further namespaces.
func TestWhoLosesTheFirstLeaseTakesNoFurtherOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewSimpleClientset()
		stolen := false
		client.PrependReactor("get", "leases", func(a ktesting.Action) (bool, runtime.Object, error) {
			if a.GetNamespace() == "team-b" && !stolen {
				stolen = true
				leases := coordination.SchemeGroupVersion.WithResource("leases") // past the client, which is busy here
				l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
				l.Spec.HolderIdentity = new("second")
				if err := client.Tracker().Update(leases, l, "aistor"); err != nil {
					t.Error(err)
				}
			}
			return false, nil, nil
		})
		_, err := run(t, client, "first", func(o *lease.Options) { o.Also = []string{"team-b"} })
		if !errors.As(err, new(*lease.LostError)) {
			t.Errorf("error: %v", err)
		}
		if l, err := client.CoordinationV1().Leases("team-b").Get(t.Context(), lease.Name, meta.GetOptions{}); err == nil {
			t.Errorf("it was taken: %+v", l.Spec)
		}
	})
}
