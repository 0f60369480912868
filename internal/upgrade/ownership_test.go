package upgrade

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// foreignUpgrade lets another client's Helm begin a revision of store one once
// the executor has checked it, and before its own Helm begins.
func (w *fakeCluster) foreignUpgrade(theirs HelmRelease) {
	began := false
	w.onRequest = func(point string) {
		if point != "helm upgrade" || began || len(w.releases["aistor/aistor"]) == 1 {
			return
		}
		began = true
		w.updateState(func() {
			h := w.releases["ns-one/one"]
			theirs.Revision, theirs.Updated = 2, time.Now()
			w.releases["ns-one/one"] = append(h, theirs)
		})
	}
}

func TestRevisionThatSomebodyElseBeganMeanwhileIsNeverTakenAsOurs(t *testing.T) {
	t.Parallel()
	theirs := HelmRelease{Chart: "aistor-objectstore", Version: "1.0.16", Status: "pending-upgrade", Description: "Preparing upgrade"}
	same := theirs
	same.Values = storeValues("new") // even where it is exactly what the step wants
	other := theirs
	other.Values = storeValues("theirs")
	for name, theirs := range map[string]HelmRelease{"with other values": other, "with the same chart and values": same} {
		t.Run(name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.foreignUpgrade(theirs)
				x := w.newAttempt(t, "me")
				_, err := x.runAttempt(t.Context())
				busy, ok := errors.AsType[*BusyError](err)
				if !ok || busy.Release != "ns-one/one" {
					t.Fatalf("error: %v", err)
				}
				if _, err := x.rerunAttempt(t).runAttempt(t.Context()); err == nil {
					t.Error("the rerun went on")
				}
				if slices.Contains(w.calls, "helm mark-failed") || slices.Contains(w.calls, "helm forget") {
					t.Errorf("somebody else's revision was ended: %v", w.calls)
				}
				h := w.releases["ns-one/one"]
				if last := h[len(h)-1]; last.Revision != 2 || last.Status != "pending-upgrade" {
					t.Errorf("revision: %+v", last)
				}
			})
		})
	}
}

func TestRevisionThatSomebodyElseMadeRightBeforeOursIsTold(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.foreignUpgrade(HelmRelease{Chart: "aistor-objectstore", Version: "1.0.13", Status: "deployed", Description: "Upgrade complete", Values: storeValues("theirs")})
		x := w.newAttempt(t, "me")
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(x.told.alarmMessages(), "\n"), "another client created revision 2 of ns-one/one right before revision 3") {
			t.Errorf("alarms: %q", x.told.alarmMessages())
		}
	})
}

// A killed process does not know what Helm would have answered.
func TestKilledRunOwnsNoRevisionThatSomebodyElseBegan(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups := t.TempDir()
		w.foreignUpgrade(HelmRelease{Chart: "aistor-objectstore", Version: "1.0.16", Status: "pending-upgrade", Description: "Preparing upgrade", Values: storeValues("theirs")})
		begin := w.onRequest
		w.onRequest = func(point string) {
			begin(point)
			if point == "helm upgrade" && len(w.releases["ns-one/one"]) == 2 {
				panic(killSignal{point})
			}
		}
		x := w.newAttempt(t, "me")
		x.opts.BackupDir = backups
		if _, dead, err := x.runUntilKilled(t.Context()); !dead {
			t.Fatalf("not killed: %v", err)
		}
		w.onRequest = nil
		if _, err := x.rerunAttempt(t).runAttempt(t.Context()); err == nil {
			t.Error("the rerun went on")
		}
		if slices.Contains(w.calls, "helm mark-failed") {
			t.Error("somebody else's revision was marked as failed")
		}
	})
}
