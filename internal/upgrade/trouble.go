package upgrade

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// trouble is something that waiting does not heal, seen once. Only when it
// stays is it a reason to give up.
type trouble struct {
	// key tells whether two looks saw the same.
	key string
	pod *plan.Pod
	// text names object, container, reason and message.
	text string
	// patience multiplies the grace: some of this is healed by an operator
	// that is still at work. 0 gives up at once.
	patience int
	// dormant means that it is not to be seen right now and may still go on: a
	// container that crashes runs for a moment between two crashes.
	dormant bool
}

// crashes is the number of restarts from which on a new version is taken to
// crash for good.
const crashes = 3

// permanent matches what a registry or node says that no further pull changes.
var permanent = regexp.MustCompile(`(?i)\b40[134]\b|unauthorized|forbidden|denied|not found|manifest unknown|name unknown|no match for platform|no basic auth|x509|certificate`)

// refused matches why the API server won't create a pod, however often it is
// asked: its schema, Pod Security, a quota or limit range, a policy, a webhook's
// answer. A webhook that can't be reached is not among them: it may come back.
var refused = regexp.MustCompile(`(?i)is invalid|is forbidden|denied the request`)

// unsettled matches refusals of an API server that only needs a moment.
var unsettled = regexp.MustCompile(`(?i)status unknown for quota|not yet ready to handle request|failed calling webhook`)

// troubles lists what waiting does not heal among the pods that belong to the
// step: those in scope that already carry the newest revision. What is as it
// was is not about this step.
func troubles(f *plan.Facts, inScope func(plan.Pod) bool, was past) []trouble {
	var out []trouble
	for i, p := range f.Pods {
		if !inScope(p) || !p.Terminating.IsZero() || !newest(f, p) {
			continue
		}
		for _, c := range p.Containers {
			if t, ok := containerTrouble(f, p, c, was); ok {
				t.key = containerKey(p, c) + " " + t.key
				t.text = fmt.Sprintf("%s: container %s: %s", podName(p), c.Name, t.text)
				t.pod = &f.Pods[i]
				out = append(out, t)
			}
		}
	}
	return append(out, refusals(f, inScope, was)...)
}

// loginTroubles is that the login has ended: a token of a few hours does while
// large stores roll. Nothing is seen or changed from then on.
func loginTroubles(f *plan.Facts) []trouble {
	for _, g := range f.Gaps {
		if g.Unknown {
			return []trouble{{key: "login", patience: 3, text: "the API server no longer accepts this login (" + g.Cause + "): what is under way goes on without being watched; log in again, then go on"}}
		}
	}
	return nil
}

func containerTrouble(f *plan.Facts, p plan.Pod, c plan.Container, was past) (trouble, bool) {
	text := strings.TrimSuffix(c.Reason+": "+c.Message, ": ")
	switch c.Reason {
	case "InvalidImageName":
		return trouble{key: "name", text: text + " (" + c.Image + ")"}, true
	case "ErrImageNeverPull":
		return trouble{key: "pull", text: text, patience: 1}, true
	case "ErrImagePull", "ImagePullBackOff":
		// While a kubelet backs off its message may name the image alone; the
		// cause is in the event before.
		events := pullEvents(f, p, c.Image, was)
		if was.pulling(p, c) && events == "" {
			break // nobody has tried again
		}
		cause := text + " " + events
		if permanent.MatchString(strings.ReplaceAll(cause, c.Image, "")) {
			return trouble{key: "pull", text: text, patience: 1}, true
		}
	case "CreateContainerConfigError":
		return trouble{key: "config", text: text, patience: 3}, true
	case "CrashLoopBackOff":
		if c.Restarts >= crashes && was.crashed(p, c) {
			return trouble{key: "crash", text: fmt.Sprintf("%s (%s)", text, words.Count(c.Restarts, "restart")), patience: 1}, true
		}
	default:
		if !c.Ready && c.Restarts >= crashes && was.crashed(p, c) {
			return trouble{key: "crash", text: text, patience: 1, dormant: true}, true
		}
	}
	return trouble{}, false
}

// pullEvents are the news about an image of a pod. A StatefulSet's pod has the
// name of the one before it, and that one's events.
func pullEvents(f *plan.Facts, p plan.Pod, image string, was past) string {
	var all []string
	for _, ev := range f.Warnings {
		if ev.Object.Kind == "Pod" && ev.Object.Namespace == p.Namespace && ev.Object.Name == p.Name &&
			ev.Reason == "Failed" && strings.Contains(ev.Message, image) && !was.heard(ev) {
			all = append(all, ev.Message)
		}
	}
	return strings.Join(all, " ")
}

// refusals are workloads whose pods the API server refuses to create. Those of a
// store count only where its pods do.
func refusals(f *plan.Facts, inScope func(plan.Pod) bool, was past) []trouble {
	var out []trouble
	for _, ev := range f.Warnings {
		if ev.Reason != "FailedCreate" || was.heard(ev) || !refused.MatchString(ev.Message) || unsettled.MatchString(ev.Message) {
			continue
		}
		w := maker(f, ev.Object)
		if w == nil || createdSince(f, ev) || w.Store != "" && !inScope(plan.Pod{Namespace: w.Namespace, Store: w.Store}) {
			continue
		}
		out = append(out, trouble{key: ev.Object.String() + " create", text: ev.Object.String() + ": " + ev.Message, patience: 1})
	}
	return out
}

// maker is the workload of ours that an object makes pods for, or nil: others
// in the same namespace may have names that begin alike.
func maker(f *plan.Facts, o plan.ObjectKey) *plan.Workload {
	switch i := strings.LastIndexByte(o.Name, '-'); {
	case o.Kind == "StatefulSet":
		return workload(f, o.Kind, o.Namespace, o.Name)
	case o.Kind == "ReplicaSet" && i > 0:
		return workload(f, "Deployment", o.Namespace, o.Name[:i])
	}
	return nil
}

// createdSince reports whether the object of an event has got a pod since: what
// was refused once stays in the events although it was let in later.
func createdSince(f *plan.Facts, ev plan.Event) bool {
	return slices.ContainsFunc(f.Pods, func(p plan.Pod) bool {
		return p.Namespace == ev.Object.Namespace && p.Owner == ev.Object.Kind+"/"+ev.Object.Name && !p.Created.Before(ev.Last)
	})
}

// newest reports whether a pod carries its StatefulSet's newest revision.
// Troubles of older pods end when they are replaced. Pods of other owners
// count as new.
func newest(f *plan.Facts, p plan.Pod) bool {
	kind, owner, _ := strings.Cut(p.Owner, "/")
	if kind != "StatefulSet" {
		return true
	}
	w := workload(f, kind, p.Namespace, owner)
	return w == nil || w.UpdateRevision == "" || p.Revision == w.UpdateRevision
}

// memory remembers since when each trouble is seen without a break.
type memory map[string]sighting

type sighting struct {
	since time.Time
	looks int
}

// lasting takes one look's troubles and returns those that have stayed beyond
// their grace, and how long until the next one will have: 0 means none.
func (m memory) lasting(now time.Time, grace time.Duration, seen []trouble) (stuck []trouble, next time.Duration) {
	present := map[string]bool{}
	for _, t := range seen {
		present[t.key] = true
		s, ok := m[t.key]
		if !ok {
			s.since = now
		}
		s.looks++
		m[t.key] = s
		if t.dormant {
			continue // whatever comes next is a change, and is looked at
		}
		left := time.Duration(t.patience)*grace - now.Sub(s.since)
		switch {
		case left <= 0 && (s.looks >= 2 || t.patience == 0):
			stuck = append(stuck, t)
		case next == 0 || left < next:
			next = max(left, time.Millisecond)
		}
	}
	for k := range m {
		if !present[k] {
			delete(m, k)
		}
	}
	return stuck, next
}
