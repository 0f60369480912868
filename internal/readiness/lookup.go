package readiness

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// WorkloadGenerations is the generation of every workload.
func WorkloadGenerations(f *plan.Facts) map[plan.ObjectKey]int64 {
	m := make(map[plan.ObjectKey]int64, len(f.Workloads))
	for _, w := range f.Workloads {
		m[WithoutVersion(w.ObjectKey)] = w.Generation
	}
	return m
}

// WithoutVersion leaves out the API version, which is not always set.
func WithoutVersion(k plan.ObjectKey) plan.ObjectKey {
	k.APIVersion = ""
	return k
}

func PodName(p plan.Pod) string { return "Pod/" + p.Namespace + "/" + p.Name }

// podFailureReason says why a pod is not ready, from its containers or else from the
// newest warning about it. It is empty for a ready pod.
func podFailureReason(f *plan.Facts, p plan.Pod) string {
	if p.Ready {
		return ""
	}
	for _, c := range p.Containers {
		if c.Reason != "" {
			return strings.TrimSuffix(fmt.Sprintf("container %s: %s: %s", c.Name, c.Reason, c.Message), ": ")
		}
	}
	var newest plan.Event
	for _, ev := range f.WarningEvents {
		// A StatefulSet's pod has the name, and so the events, of the one before.
		past := ev.Last.Before(p.Created) || ev.Reason == "FailedScheduling" && p.Node != ""
		if ev.Object.Kind == "Pod" && ev.Object.Namespace == p.Namespace && ev.Object.Name == p.Name && !past && !ev.Last.Before(newest.Last) {
			newest = ev
		}
	}
	if newest.Reason != "" {
		return newest.Reason + ": " + newest.Message
	}
	return "phase " + cmp.Or(p.Phase, "unknown")
}

// withGaps adds what could not be read to what is unready: it may be the
// reason.
func withGaps(f *plan.Facts, out []string) []string {
	if len(out) == 0 {
		return nil
	}
	for _, g := range f.Gaps {
		out = append(out, "could not read "+g.Subject+": "+g.Cause)
	}
	return out
}

// absent says that an object is not among those that were checked. Where that
// look itself failed nothing is known of it.
func absent(f *plan.Facts, object, looked string) string {
	if why := GapReason(f, looked); why != "" {
		return object + ": unknown, " + why
	}
	return object + ": not found"
}

// GapReason is why something could not be read, or empty.
func GapReason(f *plan.Facts, looked string) string {
	for _, g := range f.Gaps {
		if g.Subject == looked {
			return g.Cause
		}
	}
	return ""
}
