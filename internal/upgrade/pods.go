package upgrade

import (
	"cmp"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// laneLimit is the number of pods that are followed one by one: a picture
	// of more could not be read.
	laneLimit = 64
	// spanLimit bounds what is kept of one pod.
	spanLimit = 200
)

// PodState is what a pod of a store was doing.
type PodState string

// The states of a pod, from the best to the worst.
const (
	PodReady    PodState = "ready"
	PodNotReady PodState = "not ready"
	PodEnding   PodState = "ending"
	PodGone     PodState = "gone"
)

// PodTimeline is what was seen of one pod of a store. A pod that is replaced
// under its old name goes on in the same timeline.
type PodTimeline struct {
	// Store is namespace/name of the object store, Pod the pod's name.
	Store string `json:"store"`
	Pod   string `json:"pod"`
	// Spans each last until the next begins, the oldest first.
	Spans []PodSpan `json:"spans"`
}

// PodSpan is a state from a time on.
type PodSpan struct {
	Time  time.Time `json:"time"`
	State PodState  `json:"state"`
	// Revision is that of the pod's template; it changes when the pod is
	// replaced by one that is different.
	Revision string `json:"revision,omitempty"`
}

// lanes follows single pods. It is guarded by its tracker.
type lanes struct{ pods map[string]*PodTimeline }

// observe adds what a snapshot shows, at a time.
func (l *lanes) observe(f *plan.Facts, now time.Time) {
	if l.pods == nil {
		l.pods = map[string]*PodTimeline{}
	}
	seen := make(map[string]bool, len(l.pods))
	for _, p := range f.Pods {
		if p.Store == "" {
			continue
		}
		key := p.Namespace + "/" + p.Name
		lane := l.pods[key]
		if lane == nil {
			if len(l.pods) >= laneLimit {
				continue
			}
			lane = &PodTimeline{Store: p.Store, Pod: p.Name}
			l.pods[key] = lane
		}
		seen[key] = true
		lane.add(PodSpan{now, stateOf(p), p.Revision})
	}
	for key, lane := range l.pods {
		if !seen[key] {
			lane.add(PodSpan{now, PodGone, ""})
		}
	}
}

func stateOf(p plan.Pod) PodState {
	switch {
	case !p.Terminating.IsZero():
		return PodEnding
	case p.Ready:
		return PodReady
	}
	return PodNotReady
}

func (t *PodTimeline) add(s PodSpan) {
	n := len(t.Spans)
	if n > 0 && t.Spans[n-1].State == s.State && t.Spans[n-1].Revision == s.Revision || n >= spanLimit {
		return
	}
	t.Spans = append(t.Spans, s)
}

// joined are the timelines of before, each going on with that of then.
func joined(before, then []PodTimeline) []PodTimeline {
	out := slices.Clone(then)
	for _, was := range before {
		i := slices.IndexFunc(out, func(t PodTimeline) bool { return t.Store == was.Store && t.Pod == was.Pod })
		if i < 0 {
			out = append(out, was)
			continue
		}
		out[i].Spans = slices.Concat(was.Spans, out[i].Spans)
	}
	sortPods(out)
	return out
}

// result is sorted.
func (l *lanes) result() []PodTimeline {
	out := make([]PodTimeline, 0, len(l.pods))
	for _, t := range l.pods {
		c := *t
		c.Spans = slices.Clone(t.Spans)
		out = append(out, c)
	}
	sortPods(out)
	return out
}

// sortPods sorts by store and pod, pod-2 before pod-10.
func sortPods(list []PodTimeline) {
	slices.SortFunc(list, func(a, b PodTimeline) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(len(a.Pod), len(b.Pod)), cmp.Compare(a.Pod, b.Pod))
	})
}
