package upgrade

import (
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// past is what was there before a step began. A pod that failed then fails no
// less once its cause is mended, until its node tries again, which can take
// five minutes: only what was tried since says that waiting does not heal it.
// News is told by what is different, never by time, since the clocks of two
// machines may be.
type past struct {
	events     map[string]time.Time      // the newest warning, by object and reason
	containers map[string]plan.Container // by pod, its UID and container
}

func pastOf(f *plan.Facts) past {
	w := past{events: map[string]time.Time{}, containers: map[string]plan.Container{}}
	for _, ev := range f.Warnings {
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
	return podName(p) + " " + p.UID + " " + c.Name
}

// heard reports whether a warning is no news.
func (w past) heard(ev plan.Event) bool {
	last, known := w.events[eventKey(ev)]
	return known && !ev.Last.After(last)
}

// crashed reports whether a container has ended since, or is new.
func (w past) crashed(p plan.Pod, c plan.Container) bool {
	was, known := w.containers[containerKey(p, c)]
	return !known || c.Restarts > was.Restarts
}

// pulling reports whether a container waited for its image even then.
func (w past) pulling(p plan.Pod, c plan.Container) bool {
	return unpulled(w.containers[containerKey(p, c)].Reason)
}

// unpulled reports whether a reason is that of an image that did not come.
func unpulled(reason string) bool { return reason == "ErrImagePull" || reason == "ImagePullBackOff" }
