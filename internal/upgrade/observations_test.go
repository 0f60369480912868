package upgrade

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A report is about the entire upgrade, also where it took several attempts: the
// one that wrote it saw only the last.
func TestOutcomeRemembersWhatEarlierAttemptsSaw(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "first")
		x.opts.Findings = func() []journal.Finding { return []journal.Finding{{Check: "budgets", Status: "warn", Message: "old"}} }
		x.opts.Validate = func(context.Context) (string, error) { return "", errors.New("not so fast") }
		if _, err := x.runAttempt(t.Context()); err == nil {
			t.Fatal("the first attempt did not stop")
		}
		y := w.newAttempt(t, "second")
		out, err := y.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out.Availability {
			if a.LowestReady != 3 || a.Worst != "yellow" || len(a.Timeline) < 3 {
				t.Errorf("the pods that went in the first attempt are forgotten: %+v", a)
			}
		}
		if len(out.Attempts) != 2 || len(out.Attempts[0].Findings) != 1 || out.Attempts[0].Findings[0].Check != "budgets" {
			t.Errorf("what the first attempt's checks found is forgotten: %+v", out.Attempts)
		}
	})
}

func TestPodsAreFollowedOneByOne(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		out, err := w.newAttempt(t, "me").runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Pods) != 8 {
			t.Fatalf("%d pods were followed, want those of both stores", len(out.Pods))
		}
		for _, p := range out.Pods {
			first, last := p.Spans[0], p.Spans[len(p.Spans)-1]
			if first.State != journal.PodReady || last.State != journal.PodReady || first.Revision == last.Revision || len(p.Spans) < 3 {
				t.Errorf("%s/%s was not seen to be replaced: %+v", p.Store, p.Pod, p.Spans)
			}
		}
	})
}

func TestThinnedTimelineKeepsItsLowestPoints(t *testing.T) {
	t.Parallel()
	var all []journal.Sample
	for i := range 1000 {
		all = append(all, journal.Sample{Time: time.Unix(int64(i), 0), Ready: 8})
	}
	all[777].Ready = 2
	got := downsample(all, 100)
	if len(got) != 100 {
		t.Errorf("%d samples, want 100", len(got))
	}
	low := 8
	for i, s := range got {
		low = min(low, s.Ready)
		if i > 0 && !s.Time.After(got[i-1].Time) {
			t.Errorf("sample %d is not after the one before", i)
		}
	}
	if low != 2 {
		t.Errorf("the outage was smoothed away: lowest is %d", low)
	}
}

func TestAttemptsAddUp(t *testing.T) {
	t.Parallel()
	a := journal.Availability{Store: "a/b", Pods: 4, LowestReady: 2, Worst: "red", Known: true, Probes: 10, Failed: 3, Unanswered: 2, Unavailable: plan.Duration(time.Second), At: []string{"one"}, Timeline: []journal.Sample{{Ready: 4}}}
	b := journal.Availability{Store: "a/b", Pods: 8, LowestReady: 7, Worst: "green", Probes: 5, Failed: 1, Unavailable: plan.Duration(time.Second), At: []string{"one", "two"}, Timeline: []journal.Sample{{Ready: 8}}}
	want := journal.Availability{Store: "a/b", Pods: 8, LowestReady: 2, Worst: "red", Known: true, Probes: 15, Failed: 4, Unanswered: 2, Unavailable: plan.Duration(2 * time.Second), At: []string{"one", "two"}, Timeline: []journal.Sample{{Ready: 4}, {Ready: 8}}}
	if diff := cmp.Diff(want, joinAvailability(a, b)); diff != "" {
		t.Errorf("both (-want +got):\n%s", diff)
	}
}
