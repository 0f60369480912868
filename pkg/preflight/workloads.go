package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// restartWarningThreshold is from where on restarts are worth a word: a node that was
// rebooted once or twice leaves fewer.
const restartWarningThreshold = 5

// terminationGrace is how long a pod may take to go before it counts as stuck:
// the deletion time already includes its own grace period.
const terminationGrace = 30 * time.Second

func checkWorkloads(_ context.Context, s *Subject) Result {
	var f findings
	for _, p := range s.Facts.Pods {
		evaluatePod(&f, p, s.Now)
	}
	for _, w := range s.Facts.Workloads {
		if w.Ready < w.Replicas {
			f.addFailure(w.ObjectKey, "%s: %d of %s ready", w.ObjectKey.Label(), w.Ready, plural.CountIs(w.Replicas, "pod")).
				setDetails(fmt.Sprintf("%d ready", w.Ready), fmt.Sprintf("%d ready", w.Replicas), describeCommand(w.ObjectKey))
		}
	}
	if len(s.Facts.Workloads)+len(s.Facts.Pods) == 0 && len(f.list) == 0 {
		return skipResult("no workloads of AIStor")
	}
	return f.buildResult("%s and %s are healthy", plural.Count(len(s.Facts.Workloads), "workload"), plural.Count(len(s.Facts.Pods), "pod"))
}

// evaluatePod names what is wrong with one pod by its cause.
func evaluatePod(f *findings, p plan.Pod, now time.Time) {
	k := podKey(p)
	before := len(f.list)
	for _, c := range p.Containers {
		if isBlocked(c) {
			f.addFailure(k, "%s: container %s: %s", k.Label(), c.Name, containerCause(c)).
				setDetails(c.Reason, "running", podRemedy(p, c))
		} else if c.Restarts >= restartWarningThreshold {
			f.addWarning(k, "%s: container %s restarted %s", k.Label(), c.Name, plural.CountTimes(c.Restarts)).
				setDetails(plural.Count(c.Restarts, "restart"), fmt.Sprintf("< %d", restartWarningThreshold),
					shellquote.Command("kubectl logs %s -n %s -c %s --previous", p.Name, p.Namespace, c.Name))
		}
	}
	switch {
	case !p.Terminating.IsZero():
		evaluateTerminating(f, p, now)
	case len(f.list) > before || p.Ready || p.Phase == "Succeeded":
	default:
		f.addFailure(k, "%s: %s and not ready", k.Label(), cmp.Or(strings.TrimSpace(p.Phase), "no phase")).setDetails(p.Phase, "Running and ready", describeCommand(k))
	}
}

// isBlocked reports whether a container says itself what keeps it from running.
// One that waits for others only repeats them.
func isBlocked(c plan.Container) bool {
	switch c.Reason {
	case "", "Completed", "PodInitializing", "ContainerCreating":
		return false
	}
	return !c.Ready
}

func evaluateTerminating(f *findings, p plan.Pod, now time.Time) {
	k := podKey(p)
	since := now.Sub(p.Terminating)
	if since <= terminationGrace {
		f.addWarning(k, "%s: terminating", k.Label()).setDetails("terminating", "gone", describeCommand(k))
		return
	}
	f.addFailure(k, "%s: stuck terminating for %s", k.Label(), since.Round(time.Second)).
		setDetails("terminating since "+p.Terminating.UTC().Format(time.RFC3339), "gone", describeCommand(k))
}

// containerCause is reason and message of a container, on one line.
func containerCause(c plan.Container) string {
	if c.Message == "" {
		return c.Reason
	}
	return c.Reason + ": " + strings.Join(strings.Fields(c.Message), " ")
}

func podRemedy(p plan.Pod, c plan.Container) string {
	if strings.Contains(c.Reason, "Image") {
		return describeCommand(podKey(p))
	}
	return shellquote.Command("kubectl logs %s -n %s -c %s --previous", p.Name, p.Namespace, c.Name)
}

func describeCommand(k plan.ObjectKey) string {
	kind := strings.ToLower(k.Kind)
	if kind == "objectstore" {
		// The short name is ambiguous beside another vendor's object stores.
		kind = "objectstores.aistor.min.io"
	}
	if k.Namespace == "" {
		return shellquote.Command("kubectl describe %s %s", kind, k.Name)
	}
	return shellquote.Command("kubectl describe %s %s -n %s", kind, k.Name, k.Namespace)
}
