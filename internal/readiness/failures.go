package readiness

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Failure is a failure that does not resolve by waiting, seen once. Only when it
// stays is it a reason to give up.
type Failure struct {
	// Key identifies a failure across snapshots.
	Key string
	Pod *plan.Pod
	// Text names object, container, reason and message.
	Text string
	// graceFactor multiplies the grace: some failures are fixed by an operator
	// that is still at work. 0 gives up at once.
	graceFactor int
	// dormant means that it is not visible now and may recur: a
	// container that crashes runs for a moment between two crashes.
	dormant bool
}

// maxCrashes is the number of restarts from which on a new version is taken to
// crash for good.
const maxCrashes = 3

// permanentPullError matches what a registry or node says that no further pull changes.
var permanentPullError = regexp.MustCompile(`(?i)\b40[134]\b|unauthorized|forbidden|denied|not found|manifest unknown|name unknown|no match for platform|no basic auth|x509|certificate`)

// createRefused matches why the API server won't create a pod, however often it is
// asked: its schema, Pod Security, a quota or limit range, a policy, a webhook's
// answer. A webhook that cannot be reached is not among them: it may come back.
var createRefused = regexp.MustCompile(`(?i)is invalid|is forbidden|denied the request`)

// transientRefusal matches refusals of an API server that only needs a moment.
var transientRefusal = regexp.MustCompile(`(?i)status unknown for quota|not yet ready to handle request|failed calling webhook`)

// FindFailures lists persistent failures of the pods that belong to the
// step: those in scope that already carry the newest revision. What is as it
// was is not about this step.
func FindFailures(f *plan.Facts, inScope func(plan.Pod) bool, was Baseline) []Failure {
	var out []Failure
	for i, p := range f.Pods {
		if !inScope(p) || !p.Terminating.IsZero() || !HasNewestRevision(f, p) {
			continue
		}
		for _, c := range p.Containers {
			if t, ok := containerFailure(f, p, c, was); ok {
				t.Key = containerKey(p, c) + " " + t.Key
				t.Text = fmt.Sprintf("%s: container %s: %s", PodName(p), c.Name, t.Text)
				t.Pod = &f.Pods[i]
				out = append(out, t)
			}
		}
	}
	return append(out, findCreateRefusals(f, inScope, was)...)
}

// LoginFailures is that the login has ended: a token of a few hours does while
// large stores roll. Nothing is seen or changed from then on.
func LoginFailures(f *plan.Facts) []Failure {
	for _, g := range f.Gaps {
		if g.Unauthenticated {
			return []Failure{{Key: "login", graceFactor: 3, Text: "the API server no longer accepts this login (" + g.Cause + "): running operations continue unwatched; log in again, then rerun the same command to resume"}}
		}
	}
	return nil
}

func containerFailure(f *plan.Facts, p plan.Pod, c plan.Container, was Baseline) (Failure, bool) {
	text := strings.TrimSuffix(c.Reason+": "+c.Message, ": ")
	switch c.Reason {
	case "InvalidImageName":
		return Failure{Key: "name", Text: text + " (" + c.Image + ")"}, true
	case "ErrImageNeverPull":
		return Failure{Key: "pull", Text: text, graceFactor: 1}, true
	case "ErrImagePull", "ImagePullBackOff":
		// While a kubelet backs off its message may name the image alone; the
		// cause is in the event before.
		events := pullEvents(f, p, c.Image, was)
		if was.wasPulling(p, c) && events == "" {
			break // nobody has tried again
		}
		cause := text + " " + events
		if permanentPullError.MatchString(strings.ReplaceAll(cause, c.Image, "")) {
			return Failure{Key: "pull", Text: text, graceFactor: 1}, true
		}
	case "CreateContainerConfigError":
		return Failure{Key: "config", Text: text, graceFactor: 3}, true
	case "CrashLoopBackOff":
		if c.Restarts >= maxCrashes && was.hasCrashedSince(p, c) {
			return Failure{Key: "crash", Text: fmt.Sprintf("%s (%s)", text, plural.Count(c.Restarts, "restart")), graceFactor: 1}, true
		}
	default:
		if !c.Ready && c.Restarts >= maxCrashes && was.hasCrashedSince(p, c) {
			return Failure{Key: "crash", Text: text, graceFactor: 1, dormant: true}, true
		}
	}
	return Failure{}, false
}

// pullEvents are the news about an image of a pod. A StatefulSet's pod has the
// name of the one before it, and that one's events.
func pullEvents(f *plan.Facts, p plan.Pod, image string, was Baseline) string {
	var all []string
	for _, ev := range f.WarningEvents {
		if ev.Object.Kind == "Pod" && ev.Object.Namespace == p.Namespace && ev.Object.Name == p.Name &&
			ev.Reason == "Failed" && strings.Contains(ev.Message, image) && !was.seenBefore(ev) {
			all = append(all, ev.Message)
		}
	}
	return strings.Join(all, " ")
}

// findCreateRefusals are workloads whose pods the API server refuses to create. Those of a
// store count only where its pods do.
func findCreateRefusals(f *plan.Facts, inScope func(plan.Pod) bool, was Baseline) []Failure {
	var out []Failure
	for _, ev := range f.WarningEvents {
		if ev.Reason != "FailedCreate" || was.seenBefore(ev) || !createRefused.MatchString(ev.Message) || transientRefusal.MatchString(ev.Message) {
			continue
		}
		w := controllerOf(f, ev.Object)
		if w == nil || createdSince(f, ev) || w.Store != "" && !inScope(plan.Pod{Namespace: w.Namespace, Store: w.Store}) {
			continue
		}
		out = append(out, Failure{Key: ev.Object.String() + " create", Text: ev.Object.String() + ": " + ev.Message, graceFactor: 1})
	}
	return out
}

// controllerOf is the workload of ours that an object makes pods for, or nil: others
// in the same namespace may have names that begin alike.
func controllerOf(f *plan.Facts, o plan.ObjectKey) *plan.Workload {
	switch i := strings.LastIndexByte(o.Name, '-'); {
	case o.Kind == "StatefulSet":
		return f.Workload(o.Kind, o.Namespace, o.Name)
	case o.Kind == "ReplicaSet" && i > 0:
		return f.Workload("Deployment", o.Namespace, o.Name[:i])
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

// HasNewestRevision reports whether a pod carries its StatefulSet's newest revision.
// Failures of older pods end when they are replaced. Pods of other owners
// count as new.
func HasNewestRevision(f *plan.Facts, p plan.Pod) bool {
	kind, owner, _ := strings.Cut(p.Controller(), "/")
	if kind != "StatefulSet" {
		return true
	}
	w := f.Workload(kind, p.Namespace, owner)
	return w == nil || w.UpdateRevision == "" || p.Revision == w.UpdateRevision
}

// FailureHistory records since when each failure persists.
type FailureHistory map[string]sighting

type sighting struct {
	since time.Time
	count int
}

// Persistent takes one snapshot's failures and returns those that persist beyond
// their grace, and how long until the next one will have: 0 means none.
func (m FailureHistory) Persistent(now time.Time, grace time.Duration, seen []Failure) (stuck []Failure, next time.Duration) {
	present := map[string]bool{}
	for _, t := range seen {
		present[t.Key] = true
		s, ok := m[t.Key]
		if !ok {
			s.since = now
		}
		s.count++
		m[t.Key] = s
		if t.dormant {
			continue // the next change triggers another evaluation
		}
		left := time.Duration(t.graceFactor)*grace - now.Sub(s.since)
		switch {
		case left <= 0 && (s.count >= 2 || t.graceFactor == 0):
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
