package pulltest

import (
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// podAttempt follows one pod. It is safe for concurrent use.
type podAttempt struct {
	pull preflight.NodePull

	mu     sync.Mutex
	result preflight.NodePullResult
	// unanswered are the containers that have not answered, by name.
	unanswered map[string]images.Ref
	// retryable is a refusal that may pass: by name of the container, or of the
	// whole pod in podDoubt.
	retryable    map[string]*Error
	podRetryable *Error

	changed chan struct{} // receives when something was observed
	deleted chan struct{} // receives when somebody removed the pod
}

// attemptState is how far an attempt is.
type attemptState int

const (
	// statePending: at least one image is not answered for.
	statePending attemptState = iota
	// stateRetryable: everything that is open was refused in a way that may pass.
	stateRetryable
	// stateDone: nothing is open.
	stateDone
)

func newAttempt(p preflight.NodePull, pod *corev1.Pod) *podAttempt {
	a := &podAttempt{pull: p, unanswered: map[string]images.Ref{}, retryable: map[string]*Error{},
		result:  preflight.NodePullResult{Images: map[images.Ref]error{}},
		changed: make(chan struct{}, 1), deleted: make(chan struct{}, 1)}
	for i, c := range pod.Spec.Containers {
		if i < len(p.Images) {
			a.unanswered[c.Name] = p.Images[i]
		}
	}
	return a
}

// observePod takes in a state of the pod.
func (a *podAttempt) observePod(pod *corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range pod.Status.ContainerStatuses {
		a.observeContainer(s)
	}
	a.podRetryable = unschedulableError(pod)
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" && len(a.unanswered) > 0 && a.result.Err == nil {
		// The kubelet failed the pod: no capacity, evicted, or timed out.
		kind := preflight.KindUnschedulable
		if pod.Status.Reason == "DeadlineExceeded" {
			kind = preflight.KindTimeout
		}
		a.result.Err = newError(kind, pod.Status.Reason+": "+pod.Status.Message)
	}
	notifyChannel(a.changed)
}

// setError ends the attempt.
func (a *podAttempt) setError(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.result.Err == nil {
		a.result.Err = err
	}
	notifyChannel(a.changed)
}

// currentState tells how far it is.
func (a *podAttempt) currentState() attemptState {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.unanswered) == 0 || a.result.Err != nil:
		return stateDone
	case a.podRetryable != nil || len(a.retryable) == len(a.unanswered):
		return stateRetryable
	}
	return statePending
}

func (a *podAttempt) observeContainer(s corev1.ContainerStatus) {
	ref, waiting := a.unanswered[s.Name]
	if !waiting {
		return
	}
	err, known := pullResult(s)
	switch {
	case !known:
		return
	case err == nil:
		a.result.Images[ref] = nil
	case err.isRetryable():
		if a.retryable[s.Name] == nil || a.retryable[s.Name].kind == "" {
			a.retryable[s.Name] = err
		}
		return
	default:
		a.result.Images[ref] = err
	}
	delete(a.unanswered, s.Name)
	delete(a.retryable, s.Name)
}

// pullResult tells from a container's status whether its image was pulled. What
// comes after the pull proves it, whatever it is.
func pullResult(s corev1.ContainerStatus) (err *Error, known bool) {
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

// unschedulableError is why the scheduler finds no place, nil where it found one.
func unschedulableError(pod *corev1.Pod) *Error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return newError(preflight.KindUnschedulable, c.Message)
		}
	}
	return nil
}

// finalResult ends the attempt: what is still in doubt counts as it is, and what
// nobody answered has otherwise as its error.
func (a *podAttempt) finalResult(otherwise error) preflight.NodePullResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := preflight.NodePullResult{Err: a.result.Err, Images: maps.Clone(a.result.Images)}
	for name, err := range a.retryable {
		if ref, open := a.unanswered[name]; open {
			out.Images[ref] = err
			delete(a.unanswered, name)
		}
	}
	if out.Err == nil && len(a.unanswered) > 0 {
		out.Err = otherwise
		if a.podRetryable != nil {
			out.Err = a.podRetryable
		}
	}
	return out
}

// notifyChannel notifies the receiver of c, which has a buffer of one.
func notifyChannel(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
