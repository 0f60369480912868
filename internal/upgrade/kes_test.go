package upgrade

import (
	"errors"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The key servers of a store go down while the one before it is upgraded: its
// own servers are not restarted, and the same command continues once they are up.
func TestNoServerIsRestartedWithoutItsKeys(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ready := true
		w.onFacts = func(f *plan.Facts) {
			f.Stores[1].KES = true
			f.Pods = append(f.Pods, plan.Pod{Namespace: "ns-two", Name: "two-kes-0", Store: "ns-two/two", Ready: ready,
				Containers: []plan.Container{{Name: "kes", Image: "reg.example/aistor/kes:1", Ready: ready}}})
		}
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			w.reconcileUpgrade(r)
			w.updateState(func() { ready = r.Name != "one" })
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "store-two" || !strings.Contains(err.Error(), "ObjectStore/ns-two/two: none of its 1 KES pods is ready") {
			t.Fatalf("error: %v", err)
		}
		if n := len(w.releases["ns-two/two"]); n != 1 {
			t.Errorf("store two was upgraded: %d revisions", n)
		}
		ready, w.afterHelm = true, nil
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatalf("with its keys: %v", err)
		}
	})
}
