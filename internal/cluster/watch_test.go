package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// until takes snapshots at each change until one is as wanted.
func until(t *testing.T, l *Live, what string, wanted func(*plan.Facts) bool) *plan.Facts {
	t.Helper()
	deadline := time.After(5 * time.Minute)
	for {
		f := l.Snapshot()
		if wanted(f) {
			return f
		}
		select {
		case <-l.Changed():
		case <-deadline:
			t.Fatalf("%s: not seen in time; pods %d stores %d gaps %v", what, len(f.Pods), len(f.Stores), f.Gaps)
		}
	}
}

func watchSite(t *testing.T, a *api, scope Scope) *Live {
	t.Helper()
	l, err := a.client().Watch(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	return l
}

func TestSnapshotOfAWatchEqualsALook(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	site(a, 3)
	f, err := a.client().Facts(t.Context(), Scope{Events: true})
	if err != nil {
		t.Fatal(err)
	}
	live := watchSite(t, a, Scope{Events: true}).Snapshot()
	want := &plan.Facts{Context: f.Context, Server: f.Server, Stores: f.Stores, Workloads: f.Workloads, Pods: f.Pods, Claims: f.Claims,
		Services: f.Services, Webhooks: f.Webhooks, Warnings: f.Warnings, Managers: f.Managers}
	if d := cmp.Diff(want, live); d != "" {
		t.Errorf("snapshot (-look +watch):\n%s", d)
	}
}

func TestWatchFollowsChangesWithoutAskingAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	site(a, 1)
	l := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	until(t, l, "first pods", func(f *plan.Facts) bool { return len(f.Pods) == 2 })
	for count(watches(a), ofPods) < 2 {
		<-time.After(time.Millisecond)
	}
	lists := len(a.requests())
	a.send(ofPods, "ADDED", typedDoc("Pod", storePod(1)))
	until(t, l, "added pod", func(f *plan.Facts) bool { return len(f.Pods) == 3 })
	a.send(ofPods, "MODIFIED", typedDoc("Pod", strings.Replace(storePod(1), `"status":"True"`, `"status":"False"`, 1)))
	until(t, l, "unready pod", func(f *plan.Facts) bool { return len(f.Pods) == 3 && !f.Pods[2].Ready })
	a.send(ofPods, "DELETED", typedDoc("Pod", storePod(1)))
	until(t, l, "deleted pod", func(f *plan.Facts) bool { return len(f.Pods) == 2 })
	if n := count(a.requests()[lists:], "pods"); n > 0 {
		t.Errorf("received %d more requests for pods, expected none", n)
	}
}

func TestWatchOutlivesTheServer(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	site(a, 1)
	l := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	a.stop()
	// Every watch has noticed, that of the object stores as well: what was
	// known of them still tells foreign pods apart.
	f := until(t, l, "loss", func(f *plan.Facts) bool { return len(f.Gaps) == 15 })
	// Each of the 13 asks for a stream and then for a list, and then pauses.
	if n := a.door.turned.Load(); n > 500 {
		t.Errorf("a server that is away was asked %d times", n)
	}
	if len(f.Pods) != 2 {
		t.Errorf("received %d pods while the server is away, expected the last known 2", len(f.Pods))
	}
	a.add(ofPods, storePod(1))
	a.restart()
	until(t, l, "return", func(f *plan.Facts) bool { return len(f.Gaps) == 0 && len(f.Pods) == 3 })
}

// A proxy may take a question and never answer it.
func TestWatchThatIsNeverAnsweredIsAGapAndEndsWhenAsked(t *testing.T) {
	t.Parallel()
	feeds := []feed{
		{what: "pods in team-a", ready: func() bool { return false }, into: func(*seen) {}},
		{what: "services in team-a", ready: func() bool { return true }, into: func(*seen) {}},
	}
	synctest.Test(t, func(t *testing.T) {
		l := &Live{client: &Client{now: time.Now}, feeds: feeds, changed: make(chan struct{}, 1), troubles: map[string]error{}}
		began := time.Now()
		if err := l.settle(t.Context()); err != nil || time.Since(began) != firstLook {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if gaps := l.Snapshot().Gaps; len(gaps) != 1 || gaps[0].What != "pods in team-a" || gaps[0].Cause != "no answer from the API server within 1m0s" {
			t.Errorf("gaps: %v", gaps)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l := &Live{client: &Client{now: time.Now}, feeds: feeds, changed: make(chan struct{}, 1), troubles: map[string]error{}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := l.settle(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestWatchReportsWhatItMayNotSee(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	site(a, 1)
	a.deny = func(p string) bool { return strings.HasSuffix(p, "mutatingwebhookconfigurations") }
	f := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}}).Snapshot()
	if len(f.Gaps) != 1 || f.Gaps[0].What != "mutatingwebhookconfigurations" || !f.Gaps[0].Denied {
		t.Errorf("received gaps %v, expected the refused one", f.Gaps)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	site(a, 1)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := a.client().Watch(ctx, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	l.Stop()
	l.Stop()
	if n := len(l.Snapshot().Pods); n != 2 {
		t.Errorf("received %d pods after the end, expected the last known 2", n)
	}
}

// watches are the collections with a watch open, once per watch.
func watches(a *api) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for c, streams := range a.streams {
		for range streams {
			out = append(out, c)
		}
	}
	return out
}

func typedDoc(kind, doc string) string {
	return fmt.Sprintf(`{"kind":%q,"apiVersion":"v1",`, kind) + strings.TrimPrefix(doc, "{")
}
