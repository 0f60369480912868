package puller

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a pod may ask for, to play a failure. The label is in an image's
// configuration, so that a bad version of an image can be played.
const (
	// FailAnnotation is crash, unready or slow-terminate.
	FailAnnotation = "lab.aistor-upgrade.dev/fail"
	// ReadyAfterAnnotation is how long a container runs before it is ready. The
	// default is 300ms.
	ReadyAfterAnnotation = "lab.aistor-upgrade.dev/ready-after"
	// FailLabel is crash or unready.
	FailLabel = "lab.fail"

	failCrash, failUnready, failSlow = "crash", "unready", "slow-terminate"
)

// Times of the play. They are short because tests wait for them, and not zero
// because a rollout must be seen to take place.
const (
	pullRetry    = 2 * time.Second
	runsFor      = time.Second            // what ends by itself, until it ends
	crashesAfter = 500 * time.Millisecond // what crashes, until it does
	readyAfter   = 300 * time.Millisecond
	backOffStep  = 2 * time.Second
	backOffMax   = 10 * time.Second
)

// kubelet plays one pod. It is used by one goroutine at a time.
type kubelet struct {
	ip         string
	started    time.Time
	deleted    time.Time // when its deletion was first seen
	containers map[string]*container
}

// container is what the node knows of one container.
type container struct {
	image    string
	pulled   *Image
	err      *PullError
	retry    time.Time
	started  time.Time
	ended    time.Time
	restarts int32
}

// view is what a step may check.
type view struct {
	now     time.Time
	pod     *corev1.Pod
	node    *corev1.Node
	keyring *Keyring
	images  *Images
	// missing names a reference to a Secret or ConfigMap that is absent and
	// keeps the pod from starting; empty when there is none.
	missing missing
}

// outcome is the pod's new status, and when to look again (zero: only when
// something changes). Failed names pulls that failed in this step.
type outcome struct {
	status corev1.PodStatus
	wake   time.Duration
	failed []string
}

func (o *outcome) wakeIn(d time.Duration) {
	d = max(d, 10*time.Millisecond)
	if o.wake == 0 || d < o.wake {
		o.wake = d
	}
}

// step moves the pod on and gives its status.
func (k *kubelet) step(ctx context.Context, v view) outcome {
	o := outcome{status: *v.pod.Status.DeepCopy()}
	if k.started.IsZero() {
		k.started = v.now
	}
	pod := v.pod
	var inits, mains []corev1.ContainerStatus
	initialized := v.missing.volume == ""
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		s := waiting(c, "PodInitializing", "")
		if initialized {
			s = k.initContainer(ctx, v, c, sidecar, &o)
		}
		initialized = initialized && (s.State.Terminated != nil || sidecar && s.State.Running != nil)
		inits = append(inits, s)
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		switch {
		case v.missing.volume != "":
			mains = append(mains, waiting(c, "ContainerCreating", ""))
		case !initialized:
			mains = append(mains, waiting(c, "PodInitializing", ""))
		default:
			mains = append(mains, k.mainContainer(ctx, v, c, &o))
		}
	}
	if v.missing != (missing{}) {
		o.wakeIn(pullRetry)
	}
	k.conclude(v, &o.status, inits, mains, initialized)
	return o
}

func (k *kubelet) initContainer(ctx context.Context, v view, c *corev1.Container, sidecar bool, o *outcome) corev1.ContainerStatus {
	m := k.container(c)
	if s, ok := k.pull(ctx, v, c, m, o); !ok {
		return s
	}
	s := status(c, m)
	if sidecar {
		s.Ready, s.Started = true, ptr(true)
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(m.started)}
		return s
	}
	s.Ready, s.Started = true, ptr(false)
	s.State.Terminated = ended(m.started, m.started, 0)
	return s
}

func (k *kubelet) mainContainer(ctx context.Context, v view, c *corev1.Container, o *outcome) corev1.ContainerStatus {
	m := k.container(c)
	if s, ok := k.pull(ctx, v, c, m, o); !ok {
		return s
	}
	if v.missing.env != "" {
		return waiting(c, "CreateContainerConfigError", v.missing.env)
	}
	fail := v.pod.Annotations[FailAnnotation]
	if fail == "" {
		fail = m.pulled.Labels[FailLabel]
	}
	once := v.pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
	switch {
	case fail == failCrash || m.pulled.Foreign:
		return crash(v, c, m, once, o)
	case once:
		return complete(v, c, m, o)
	}
	s := status(c, m)
	s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(m.started)}
	s.Started = ptr(true)
	after, err := time.ParseDuration(v.pod.Annotations[ReadyAfterAnnotation])
	if err != nil {
		after = readyAfter
	}
	if left := m.started.Add(after).Sub(v.now); left > 0 {
		o.wakeIn(left)
		return s
	}
	s.Ready = fail != failUnready
	return s
}

// pull makes sure that the container's image is on the node. Not ok: the
// container waits with the status given.
func (k *kubelet) pull(ctx context.Context, v view, c *corev1.Container, m *container, o *outcome) (corev1.ContainerStatus, bool) {
	if m.pulled != nil {
		return corev1.ContainerStatus{}, true
	}
	if m.err != nil && v.now.Before(m.retry) {
		o.wakeIn(m.retry.Sub(v.now))
		return backOff(c, m.err), false
	}
	image, err := v.images.Get(ctx, Request{
		Node:     v.node.Name,
		Platform: v1.Platform{OS: v.node.Status.NodeInfo.OperatingSystem, Architecture: v.node.Status.NodeInfo.Architecture},
		Image:    c.Image, Policy: c.ImagePullPolicy, Keyring: v.keyring,
	})
	if err == nil {
		m.pulled, m.err, m.started = &image, nil, v.now
		return corev1.ContainerStatus{}, true
	}
	first := m.err == nil
	m.err = err.(*PullError)
	m.retry = v.now.Add(pullRetry)
	if !first {
		// No flapping between the two states: a thousand failing pods would
		// be a thousand writes every two seconds.
		o.wakeIn(pullRetry)
		return backOff(c, m.err), false
	}
	o.failed = append(o.failed, fmt.Sprintf("Failed to pull image %q: %s", c.Image, m.err.Message))
	o.wakeIn(300 * time.Millisecond)
	m.retry = v.now.Add(pullRetry)
	return waiting(c, m.err.Reason, m.err.Message), false
}

// backOff is how the kubelet shows a failed pull between two tries.
func backOff(c *corev1.Container, err *PullError) corev1.ContainerStatus {
	if err.Reason != "ErrImagePull" {
		return waiting(c, err.Reason, err.Message)
	}
	return waiting(c, "ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: %s", c.Image, err.Message))
}

// crash starts and ends the container again and again, or once.
func crash(v view, c *corev1.Container, m *container, once bool, o *outcome) corev1.ContainerStatus {
	if m.ended.IsZero() {
		if left := m.started.Add(crashesAfter).Sub(v.now); left > 0 {
			o.wakeIn(left)
			s := status(c, m)
			s.Started = ptr(true)
			s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(m.started)}
			return s
		}
		m.ended = v.now
	}
	s := status(c, m)
	s.Started = ptr(false)
	if once && v.pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		s.State.Terminated = ended(m.started, m.ended, 1)
		return s
	}
	pause := min(backOffStep*time.Duration(m.restarts+1), backOffMax)
	if left := m.ended.Add(pause).Sub(v.now); left > 0 {
		o.wakeIn(left)
		s.LastTerminationState.Terminated = ended(m.started, m.ended, 1)
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: fmt.Sprintf(
			"back-off %s restarting failed container=%s pod=%s_%s(%s)", pause, c.Name, v.pod.Name, v.pod.Namespace, v.pod.UID)}
		return s
	}
	m.restarts++
	m.started, m.ended = v.now, time.Time{}
	return crash(v, c, m, once, o)
}

// complete runs the container for a moment, as pods of jobs and hooks do.
func complete(v view, c *corev1.Container, m *container, o *outcome) corev1.ContainerStatus {
	s := status(c, m)
	if left := m.started.Add(runsFor).Sub(v.now); left > 0 {
		o.wakeIn(left)
		s.Ready, s.Started = true, ptr(true)
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(m.started)}
		return s
	}
	s.Started = ptr(false)
	s.State.Terminated = ended(m.started, m.started.Add(runsFor), 0)
	return s
}

// container finds the memory of a container; another image in a running pod
// means a restart from it.
func (k *kubelet) container(c *corev1.Container) *container {
	m := k.containers[c.Name]
	switch {
	case m == nil:
		m = &container{image: c.Image}
	case m.image != c.Image:
		m = &container{image: c.Image, restarts: m.restarts + 1}
	}
	k.containers[c.Name] = m
	return m
}
