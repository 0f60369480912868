package pulltest

import (
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// attempt follows one pod. It is safe for concurrent use.
type attempt struct {
	pull preflight.NodePull

	mu     sync.Mutex
	answer preflight.NodeAnswer
	// open are the containers that have not answered, by name.
	open map[string]images.Ref
	// doubt is a refusal that may pass: by name of the container, or of the
	// whole pod in podDoubt.
	doubt    map[string]*Error
	podDoubt *Error

	changed chan struct{} // receives when something was observed
	gone    chan struct{} // receives when somebody removed the pod
}

// state is how far an attempt is.
type state int

const (
	// asking: at least one image is not answered for.
	asking state = iota
	// doubtful: everything that is open was refused in a way that may pass.
	doubtful
	// answered: nothing is open.
	answered
)

func newAttempt(p preflight.NodePull, pod *corev1.Pod) *attempt {
	a := &attempt{pull: p, open: map[string]images.Ref{}, doubt: map[string]*Error{},
		answer:  preflight.NodeAnswer{Images: map[images.Ref]error{}},
		changed: make(chan struct{}, 1), gone: make(chan struct{}, 1)}
	for i, c := range pod.Spec.Containers {
		if i < len(p.Images) {
			a.open[c.Name] = p.Images[i]
		}
	}
	return a
}

// observe takes in a state of the pod.
func (a *attempt) observe(pod *corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range pod.Status.ContainerStatuses {
		a.container(s)
	}
	a.podDoubt = unplaced(pod)
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" && len(a.open) > 0 && a.answer.Err == nil {
		// The node itself gave the pod up: no room, evicted, or out of time.
		kind := preflight.KindUnschedulable
		if pod.Status.Reason == "DeadlineExceeded" {
			kind = preflight.KindNoTime
		}
		a.answer.Err = failed(kind, pod.Status.Reason+": "+pod.Status.Message)
	}
	signal(a.changed)
}

// fail ends the attempt.
func (a *attempt) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answer.Err == nil {
		a.answer.Err = err
	}
	signal(a.changed)
}

// state tells how far it is.
func (a *attempt) state() state {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.open) == 0 || a.answer.Err != nil:
		return answered
	case a.podDoubt != nil || len(a.doubt) == len(a.open):
		return doubtful
	}
	return asking
}

func (a *attempt) container(s corev1.ContainerStatus) {
	ref, waiting := a.open[s.Name]
	if !waiting {
		return
	}
	err, known := pulledBy(s)
	switch {
	case !known:
		return
	case err == nil:
		a.answer.Images[ref] = nil
	case err.passing():
		if a.doubt[s.Name] == nil || a.doubt[s.Name].kind == "" {
			a.doubt[s.Name] = err
		}
		return
	default:
		a.answer.Images[ref] = err
	}
	delete(a.open, s.Name)
	delete(a.doubt, s.Name)
}

// pulledBy tells from a container's status whether its image was pulled. What
// comes after the pull proves it, whatever it is.
func pulledBy(s corev1.ContainerStatus) (err *Error, known bool) {
	switch {
	case s.State.Running != nil:
		return nil, true
	case s.State.Terminated != nil:
		return nil, s.State.Terminated.Reason != "ContainerStatusUnknown"
	case s.State.Waiting == nil:
		return nil, false
	}
	switch w := s.State.Waiting; w.Reason {
	case "RunContainerError", "CreateContainerError", "CreateContainerConfigError", "CrashLoopBackOff",
		"PreCreateHookError", "PreStartHookError", "PostStartHookError":
		return nil, true
	case "ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "SignatureValidationFailed":
		return pullError(w.Reason, w.Message), true
	default: // ContainerCreating, PodInitializing and what is not known
		return nil, false
	}
}

// unplaced is why the scheduler finds no place, nil where it found one.
func unplaced(pod *corev1.Pod) *Error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return failed(preflight.KindUnschedulable, c.Message)
		}
	}
	return nil
}

// conclude ends the attempt: what is still in doubt counts as it is, and what
// nobody answered has otherwise as its error.
func (a *attempt) conclude(otherwise error) preflight.NodeAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := preflight.NodeAnswer{Err: a.answer.Err, Images: maps.Clone(a.answer.Images)}
	for name, err := range a.doubt {
		if ref, open := a.open[name]; open {
			out.Images[ref] = err
			delete(a.open, name)
		}
	}
	if out.Err == nil && len(a.open) > 0 {
		out.Err = otherwise
		if a.podDoubt != nil {
			out.Err = a.podDoubt
		}
	}
	return out
}

// signal wakes whoever waits on c, which has room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
