package preflight

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// manyRestarts is from where on restarts are worth a word: a node that was
// rebooted once or twice leaves fewer.
const manyRestarts = 5

// terminationGrace is how long a pod may take to go before it counts as stuck:
// the deletion time already includes its own grace period.
const terminationGrace = 30 * time.Second

func checkWorkloads(_ context.Context, s *Subject) Result {
	var f findings
	for _, p := range s.Facts.Pods {
		judgePod(&f, p, s.Now)
	}
	for _, w := range s.Facts.Workloads {
		if w.Ready < w.Replicas {
			f.fail(w.ObjectKey, "%s: %d of %s ready", label(w.ObjectKey), w.Ready, words.Are(w.Replicas, "pod")).
				wanted(fmt.Sprintf("%d ready", w.Ready), fmt.Sprintf("%d ready", w.Replicas), describe(w.ObjectKey))
		}
	}
	if len(s.Facts.Workloads)+len(s.Facts.Pods) == 0 && len(f.list) == 0 {
		return skip("no workloads of AIStor")
	}
	return f.result("%s and %s are healthy", words.Count(len(s.Facts.Workloads), "workload"), words.Count(len(s.Facts.Pods), "pod"))
}

// judgePod names what is wrong with one pod by its cause.
func judgePod(f *findings, p plan.Pod, now time.Time) {
	k := podKey(p)
	before := len(f.list)
	for _, c := range p.Containers {
		if stopped(c) {
			f.fail(k, "%s: container %s: %s", label(k), c.Name, cause(c)).
				wanted(c.Reason, "running", podRemedy(p, c))
		} else if c.Restarts >= manyRestarts {
			f.warn(k, "%s: container %s restarted %s", label(k), c.Name, words.Times(c.Restarts)).
				wanted(words.Count(c.Restarts, "restart"), fmt.Sprintf("< %d", manyRestarts),
					shell.Command("kubectl logs %s -n %s -c %s --previous", p.Name, p.Namespace, c.Name))
		}
	}
	switch {
	case !p.Terminating.IsZero():
		judgeTerminating(f, p, now)
	case len(f.list) > before || p.Ready || p.Phase == "Succeeded":
	default:
		f.fail(k, "%s: %s and not ready", label(k), orElse(p.Phase, "no phase")).wanted(p.Phase, "Running and ready", describe(k))
	}
}

// stopped reports whether a container says itself what keeps it from running.
// One that waits for others only repeats them.
func stopped(c plan.Container) bool {
	switch c.Reason {
	case "", "Completed", "PodInitializing", "ContainerCreating":
		return false
	}
	return !c.Ready
}

func judgeTerminating(f *findings, p plan.Pod, now time.Time) {
	k := podKey(p)
	since := now.Sub(p.Terminating)
	if since <= terminationGrace {
		f.warn(k, "%s: terminating", label(k)).wanted("terminating", "gone", describe(k))
		return
	}
	f.fail(k, "%s: stuck terminating for %s", label(k), since.Round(time.Second)).
		wanted("terminating since "+p.Terminating.UTC().Format(time.RFC3339), "gone", describe(k))
}

// cause is reason and message of a container, on one line.
func cause(c plan.Container) string {
	if c.Message == "" {
		return c.Reason
	}
	return c.Reason + ": " + strings.Join(strings.Fields(c.Message), " ")
}

func podRemedy(p plan.Pod, c plan.Container) string {
	if strings.Contains(c.Reason, "Image") {
		return describe(podKey(p))
	}
	return shell.Command("kubectl logs %s -n %s -c %s --previous", p.Name, p.Namespace, c.Name)
}

// label is an object as a line begins: "pod aistor/x".
func label(k plan.ObjectKey) string {
	name := k.Name
	if k.Namespace != "" {
		name = k.Namespace + "/" + name
	}
	return strings.ToLower(k.Kind) + " " + name
}

func describe(k plan.ObjectKey) string {
	kind := strings.ToLower(k.Kind)
	if kind == "objectstore" {
		// The short name is ambiguous beside another vendor's object stores.
		kind = "objectstores.aistor.min.io"
	}
	if k.Namespace == "" {
		return shell.Command("kubectl describe %s %s", kind, k.Name)
	}
	return shell.Command("kubectl describe %s %s -n %s", kind, k.Name, k.Namespace)
}
