package upgrade

import (
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Somebody tidies up ConfigMaps while the run continues.
func TestJournalThatWasDeletedIsWrittenAnew(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		deleted := 0
		w.onHalf = func(UpgradeRequest) {
			all, err := w.client.CoreV1().ConfigMaps("aistor").List(t.Context(), meta.ListOptions{})
			if err != nil {
				t.Error(err)
			}
			for _, cm := range all.Items {
				deleted++
				if err := w.client.CoreV1().ConfigMaps("aistor").Delete(t.Context(), cm.Name, meta.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			}
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.storedJournals(t)[0].Result(); got != "done" || deleted == 0 {
			t.Errorf("result %q, %d deleted", got, deleted)
		}
	})
}
