package upgrade

import (
	"cmp"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// maxTimelines is the maximum number of pods with a timeline: a chart
	// of more is unreadable.
	maxTimelines = 64
	// maxSpans bounds what is kept of one pod.
	maxSpans = 200
)

// timelineRecorder records the timelines of single pods. It is guarded by its tracker.
type timelineRecorder struct {
	pods map[string]*journal.PodTimeline
}

// recordSnapshot adds what a snapshot shows, at a time.
func (l *timelineRecorder) recordSnapshot(f *plan.Facts, now time.Time) {
	if l.pods == nil {
		l.pods = map[string]*journal.PodTimeline{}
	}
	seen := make(map[string]bool, len(l.pods))
	for _, p := range f.Pods {
		if p.Store == "" {
			continue
		}
		key := p.Namespace + "/" + p.Name
		lane := l.pods[key]
		if lane == nil {
			if len(l.pods) >= maxTimelines {
				continue
			}
			lane = &journal.PodTimeline{Store: p.Store, Pod: p.Name}
			l.pods[key] = lane
		}
		seen[key] = true
		addSpan(lane, journal.PodSpan{Time: now, State: podState(p), Revision: p.Revision})
	}
	for key, lane := range l.pods {
		if !seen[key] {
			addSpan(lane, journal.PodSpan{Time: now, State: journal.PodGone})
		}
	}
}

func podState(p plan.Pod) journal.PodState {
	switch {
	case !p.Terminating.IsZero():
		return journal.PodEnding
	case p.Ready:
		return journal.PodReady
	}
	return journal.PodNotReady
}

// addSpan adds a state that differs from the last one.
func addSpan(t *journal.PodTimeline, s journal.PodSpan) {
	n := len(t.Spans)
	if n > 0 && t.Spans[n-1].State == s.State && t.Spans[n-1].Revision == s.Revision || n >= maxSpans {
		return
	}
	t.Spans = append(t.Spans, s)
}

// mergeTimelines joins the timelines of before and then.
func mergeTimelines(before, then []journal.PodTimeline) []journal.PodTimeline {
	out := slices.Clone(then)
	for _, was := range before {
		i := slices.IndexFunc(out, func(t journal.PodTimeline) bool { return t.Store == was.Store && t.Pod == was.Pod })
		if i < 0 {
			out = append(out, was)
			continue
		}
		out[i].Spans = slices.Concat(was.Spans, out[i].Spans)
	}
	sortPods(out)
	return out
}

// sortedTimelines is sorted.
func (l *timelineRecorder) sortedTimelines() []journal.PodTimeline {
	out := make([]journal.PodTimeline, 0, len(l.pods))
	for _, t := range l.pods {
		c := *t
		c.Spans = slices.Clone(t.Spans)
		out = append(out, c)
	}
	sortPods(out)
	return out
}

// sortPods sorts by store and pod, pod-2 before pod-10.
func sortPods(list []journal.PodTimeline) {
	slices.SortFunc(list, func(a, b journal.PodTimeline) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(len(a.Pod), len(b.Pod)), cmp.Compare(a.Pod, b.Pod))
	})
}
