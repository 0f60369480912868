package readiness

import (
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Baseline is the state before a step. A pod that failed then keeps failing
// after its cause is fixed, until its node retries, which can take
// five minutes: only what was tried since says that waiting does not heal it.
// News is told by what is different, never by time, since the clocks of two
// machines may be.
type Baseline struct {
	events     map[string]time.Time      // the newest warning, by object and reason
	containers map[string]plan.Container // by pod, its UID and container
}

func NewBaseline(f *plan.Facts) Baseline {
	w := Baseline{events: map[string]time.Time{}, containers: map[string]plan.Container{}}
	for _, ev := range f.WarningEvents {
		if key := eventKey(ev); ev.Last.After(w.events[key]) {
			w.events[key] = ev.Last
		}
	}
	for _, p := range f.Pods {
		for _, c := range p.Containers {
			w.containers[containerKey(p, c)] = c
		}
	}
	return w
}

func eventKey(ev plan.Event) string { return ev.Object.String() + " " + ev.Reason }

func containerKey(p plan.Pod, c plan.Container) string {
	return PodName(p) + " " + p.UID + " " + c.Name
}

// seenBefore reports whether a warning is from before the step.
func (w Baseline) seenBefore(ev plan.Event) bool {
	last, known := w.events[eventKey(ev)]
	return known && !ev.Last.After(last)
}

// hasCrashedSince reports whether a container has ended since, or is new.
func (w Baseline) hasCrashedSince(p plan.Pod, c plan.Container) bool {
	was, known := w.containers[containerKey(p, c)]
	return !known || c.Restarts > was.Restarts
}

// wasPulling reports whether a container waited for its image even then.
func (w Baseline) wasPulling(p plan.Pod, c plan.Container) bool {
	return isPullFailure(w.containers[containerKey(p, c)].Reason)
}

// isPullFailure reports whether a reason is that of an image that did not come.
func isPullFailure(reason string) bool {
	return reason == "ErrImagePull" || reason == "ImagePullBackOff"
}
