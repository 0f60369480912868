package cluster

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// waitForChange waits for a change; false where none came in time.
func waitForChange(c *ChangeNotifier, within time.Duration) bool {
	select {
	case <-c.Changed():
		return true
	case <-time.After(within):
		return false
	}
}

func TestChangesRingForWhatALookDependsOn(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 3)
	c := a.newClient().WatchChanges(t.Context(), []string{"team-a"})
	t.Cleanup(c.Stop)
	for countRequests(openWatches(a), ofPods) == 0 {
		time.Sleep(time.Millisecond)
	}
	for waitForChange(c, 3*time.Second) { // the lists in the beginning
	}
	a.sendEvent("api/v1/pods", "MODIFIED", `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"x","namespace":"team-a","resourceVersion":"7"}}`)
	if !waitForChange(c, time.Minute) {
		t.Error("a changed pod did not ring")
	}
}

// Not parallel: it counts the goroutines of the whole process.
func TestWatchesLeaveNothingBehind(t *testing.T) {
	a := newAPI(t)
	addSite(a, 3)
	client := a.newClient()
	if _, err := client.Facts(t.Context(), Scope{}); err != nil { // connections stay, whatever is watched
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		c := client.WatchChanges(ctx, []string{"aistor", "team-a"})
		waitForChange(c, time.Minute)
		c.Stop()
		l, err := client.Watch(ctx, Scope{Events: true})
		if err != nil {
			t.Fatal(err)
		}
		l.Stop()
		cancel()
	}
	a.server.CloseClientConnections()
	var after int
	for range 1200 {
		if after = runtime.NumGoroutine(); after <= before {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
}
