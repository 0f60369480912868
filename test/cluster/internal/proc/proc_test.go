package proc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sleeper(t *testing.T, script string) *Started {
	t.Helper()
	p, err := Start(Spec{Part: "sleeper", Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Stop([]Entry{p.Entry}) })
	return p
}

func TestStopEndsTheProcess(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"one that obeys":         "exec sleep 1000",
		"one that ignores TERM":  "trap '' TERM; while :; do sleep 0.1; done",
		"one that has ended":     "exit 0",
		"one that says a little": "echo hello; exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sleeper(t, script)
			if err := Stop([]Entry{p.Entry}); err != nil {
				t.Fatal(err)
			}
			if p.Alive() {
				t.Error("still alive")
			}
		})
	}
}

func TestStopSparesALaterProcessWithTheSameID(t *testing.T) {
	t.Parallel()
	p := sleeper(t, "exec sleep 1000")
	stale := p.Entry
	stale.Started = "1"
	if err := Stop([]Entry{stale}); err != nil {
		t.Fatal(err)
	}
	if !p.Alive() {
		t.Error("a process that was not recorded has been stopped")
	}
}

func TestTreeHoldsChildrenOfChildren(t *testing.T) {
	t.Parallel()
	p := sleeper(t, "sh -c 'sleep 1000; true'; true")
	deadline := time.Now().Add(time.Minute)
	for {
		tree, err := Tree(p.PID)
		if err != nil {
			t.Fatal(err)
		}
		if len(tree) == 3 && tree[0] == (Entry{Part: tree[0].Part, PID: p.PID, Started: p.Started}) {
			if err := Stop(tree); err != nil || tree[1].Alive() || tree[2].Alive() {
				t.Errorf("not all ended: %v", err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("found %+v", tree)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestErrShowsTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	p := sleeper(t, "echo cannot start >&2; exit 1")
	<-p.done
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "cannot start") {
		t.Errorf("got %v", err)
	}
}

func TestTableKeepsEntries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pids.json")
	table, err := OpenTable(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Entry{{Part: "a", PID: 1, Started: "x"}, {Part: "b", PID: 2}, {Part: "a", PID: 3, Started: "y"}} {
		if err := table.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	again, err := OpenTable(path)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := again.Find("a"); !ok || e.PID != 3 || len(again.Entries) != 2 {
		t.Errorf("got %+v", again.Entries)
	}
}

func TestAliveOfThisProcess(t *testing.T) {
	t.Parallel()
	started, _, err := startTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !(Entry{PID: os.Getpid(), Started: started}).Alive() {
		t.Error("this process is not alive")
	}
	time.Sleep(20 * time.Millisecond) // longer than a tick: the start must not follow the clock
	if again, _, _ := startTime(os.Getpid()); again != started {
		t.Errorf("started %q, then %q", started, again)
	}
}
