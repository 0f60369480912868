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
	live := &Live{client: &Client{now: func() time.Time { return now }}}
	pods, events := &shelf[struct{}, podSeen]{items: map[string]podSeen{}}, &shelf[struct{}, plan.Event]{items: map[string]plan.Event{}}
	for i := range 1000 {
		name := fmt.Sprintf("primary-pool-0-%d", i)
		pods.set("big/"+name, podSeen{Pod: plan.Pod{Namespace: "big", Name: name, Owner: "StatefulSet/primary-pool-0", Ready: true,
			Containers: []plan.Container{{Name: "minio", Image: "registry.example/aistor/minio:one", Ready: true}}}, label: "primary"})
		events.set("big/"+name+".1", plan.Event{Object: plan.ObjectKey{Kind: "Pod", Namespace: "big", Name: name},
			Reason: "Unhealthy", Message: "Readiness probe failed: HTTP probe failed with statuscode: 503", Count: 1, Last: now})
	}
	live.feeds = []feed{
		{what: "objectstores", ready: func() bool { return true }, into: func(s *seen) {
			s.stores = []storeSeen{{Store: plan.Store{Namespace: "big", Name: "primary", Pools: []plan.Pool{{Name: "pool-0", StatefulSet: "primary-pool-0"}}}}}
		}},
		{what: "statefulsets", ready: func() bool { return true }, into: func(s *seen) {
			s.workloads = []workloadSeen{{Workload: plan.Workload{ObjectKey: plan.ObjectKey{Kind: "StatefulSet", Namespace: "big", Name: "primary-pool-0"}}, owner: "primary"}}
		}},
		{what: "pods", ready: pods.ready, into: func(s *seen) { s.pods = pods.list() }},
		{what: "events", ready: events.ready, into: func(s *seen) { s.events = events.list() }},
	}
	b.ReportAllocs()
	for b.Loop() {
		if f := live.Snapshot(); len(f.Pods) != 1000 || len(f.Warnings) != 1000 {
			b.Fatal(len(f.Pods), len(f.Warnings))
		}
	}
}
