package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// BenchmarkSnapshot is one look of a waiting upgrade at a store of a thousand
// servers, each with a warning.
func BenchmarkSnapshot(b *testing.B) {
	now := time.Unix(1_000_000, 0)
	live := &Watcher{client: &Client{now: func() time.Time { return now }}}
	pods, events := &trimmedStore[struct{}, podInfo]{items: map[string]podInfo{}}, &trimmedStore[struct{}, plan.Event]{items: map[string]plan.Event{}}
	for i := range 1000 {
		name := fmt.Sprintf("primary-pool-0-%d", i)
		pods.setItem("big/"+name, podInfo{Pod: plan.Pod{Namespace: "big", Name: name, Owner: "StatefulSet/primary-pool-0", Ready: true,
			Containers: []plan.Container{{Name: "minio", Image: "registry.example/aistor/minio:one", Ready: true}}}, label: "primary"})
		events.setItem("big/"+name+".1", plan.Event{Object: plan.ObjectKey{Kind: "Pod", Namespace: "big", Name: name},
			Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed with statuscode: 503", Count: 1, Last: now})
	}
	live.feeds = []watchFeed{
		{resource: "objectstores", hasSynced: func() bool { return true }, addTo: func(s *snapshot) {
			s.stores = []storeInfo{{Store: plan.Store{Namespace: "big", Name: "primary", Pools: []plan.Pool{{Name: "pool-0", StatefulSet: "primary-pool-0"}}}}}
		}},
		{resource: "statefulsets", hasSynced: func() bool { return true }, addTo: func(s *snapshot) {
			s.workloads = []workloadInfo{{Workload: plan.Workload{ObjectKey: plan.ObjectKey{Kind: "StatefulSet", Namespace: "big", Name: "primary-pool-0"}}, owner: "primary"}}
		}},
		{resource: "pods", hasSynced: pods.hasSynced, addTo: func(s *snapshot) { s.pods = pods.listItems() }},
		{resource: "events", hasSynced: events.hasSynced, addTo: func(s *snapshot) { s.events = events.listItems() }},
	}
	b.ReportAllocs()
	for b.Loop() {
		if f := live.Snapshot(); len(f.Pods) != 1000 || len(f.WarningEvents) != 1000 {
			b.Fatal(len(f.Pods), len(f.WarningEvents))
		}
	}
}
