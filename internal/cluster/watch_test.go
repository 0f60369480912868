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

// waitForSnapshot takes snapshots at each change until one is as wanted.
func waitForSnapshot(t *testing.T, l *Watcher, what string, wanted func(*plan.Facts) bool) *plan.Facts {
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

func watchSite(t *testing.T, a *fakeAPIServer, scope Scope) *Watcher {
	t.Helper()
	l, err := a.newClient().Watch(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	return l
}

func TestSnapshotOfAWatchEqualsALook(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 3)
	f, err := a.newClient().Facts(t.Context(), Scope{Events: true})
	if err != nil {
		t.Fatal(err)
	}
	live := watchSite(t, a, Scope{Events: true}).Snapshot()
	want := &plan.Facts{Context: f.Context, Server: f.Server, Stores: f.Stores, Workloads: f.Workloads, Pods: f.Pods, Claims: f.Claims,
		Services: f.Services, Webhooks: f.Webhooks, WarningEvents: f.WarningEvents, GitOpsOwners: f.GitOpsOwners}
	if d := cmp.Diff(want, live); d != "" {
		t.Errorf("snapshot (-look +watch):\n%s", d)
	}
}

func TestWatchFollowsChangesWithoutAskingAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	l := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	waitForSnapshot(t, l, "first pods", func(f *plan.Facts) bool { return len(f.Pods) == 2 })
	for countRequests(openWatches(a), ofPods) < 2 {
		<-time.After(time.Millisecond)
	}
	lists := len(a.listRequests())
	a.sendEvent(ofPods, "ADDED", typedDoc("Pod", storePod(1)))
	waitForSnapshot(t, l, "added pod", func(f *plan.Facts) bool { return len(f.Pods) == 3 })
	a.sendEvent(ofPods, "MODIFIED", typedDoc("Pod", strings.Replace(storePod(1), `"status":"True"`, `"status":"False"`, 1)))
	waitForSnapshot(t, l, "unready pod", func(f *plan.Facts) bool { return len(f.Pods) == 3 && !f.Pods[2].Ready })
	a.sendEvent(ofPods, "DELETED", typedDoc("Pod", storePod(1)))
	waitForSnapshot(t, l, "deleted pod", func(f *plan.Facts) bool { return len(f.Pods) == 2 })
	if n := countRequests(a.listRequests()[lists:], "pods"); n > 0 {
		t.Errorf("received %d more requests for pods, expected none", n)
	}
}

func TestWatchOutlivesTheServer(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	l := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	a.stopServer()
	// Every watch has noticed, that of the object stores as well: what was
	// known of them still tells foreign pods apart.
	f := waitForSnapshot(t, l, "loss", func(f *plan.Facts) bool { return len(f.Gaps) == 15 })
	// Each of the 13 asks for a stream and then for a list, and then pauses.
	if n := a.door.turned.Load(); n > 500 {
		t.Errorf("a server that is away was asked %d times", n)
	}
	if len(f.Pods) != 2 {
		t.Errorf("received %d pods while the server is away, expected the last known 2", len(f.Pods))
	}
	a.addObjects(ofPods, storePod(1))
	a.restartServer()
	waitForSnapshot(t, l, "return", func(f *plan.Facts) bool { return len(f.Gaps) == 0 && len(f.Pods) == 3 })
}

// A proxy may take a question and never answer it.
func TestWatchThatIsNeverAnsweredIsAGapAndEndsWhenAsked(t *testing.T) {
	t.Parallel()
	feeds := []watchFeed{
		{resource: "pods in team-a", hasSynced: func() bool { return false }, addTo: func(*snapshot) {}},
		{resource: "services in team-a", hasSynced: func() bool { return true }, addTo: func(*snapshot) {}},
	}
	synctest.Test(t, func(t *testing.T) {
		l := &Watcher{client: &Client{now: time.Now}, feeds: feeds, changed: make(chan struct{}, 1), errors: map[string]error{}}
		began := time.Now()
		if err := l.waitForSync(t.Context()); err != nil || time.Since(began) != initialListTimeout {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if gaps := l.Snapshot().Gaps; len(gaps) != 1 || gaps[0].Subject != "pods in team-a" || gaps[0].Cause != "no response from the API server within 1m0s" {
			t.Errorf("gaps: %v", gaps)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l := &Watcher{client: &Client{now: time.Now}, feeds: feeds, changed: make(chan struct{}, 1), errors: map[string]error{}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := l.waitForSync(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestWatchReportsWhatItMayNotSee(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	a.deny = func(p string) bool { return strings.HasSuffix(p, "mutatingwebhookconfigurations") }
	f := watchSite(t, a, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}}).Snapshot()
	if len(f.Gaps) != 1 || f.Gaps[0].Subject != "mutatingwebhookconfigurations" || !f.Gaps[0].Denied {
		t.Errorf("received gaps %v, expected the refused one", f.Gaps)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	ctx, cancel := context.WithCancel(t.Context())
	l, err := a.newClient().Watch(ctx, Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
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

// openWatches are the collections with a watch open, once per watch.
func openWatches(a *fakeAPIServer) []string {
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
