package puller

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func ptr[T any](v T) *T { return &v }

// waiting is the status of a container that has not started.
func waiting(c *corev1.Container, reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, Started: ptr(false),
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}
}

// status is the part of a status that every started container has.
func status(c *corev1.Container, m *container) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, ImageID: m.pulled.ID, RestartCount: m.restarts,
		ContainerID: "lab://" + c.Name + "-" + strconv.FormatInt(m.started.UnixNano(), 36),
	}
}

func ended(from, to time.Time, code int32) *corev1.ContainerStateTerminated {
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	return &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: metav1.NewTime(from), FinishedAt: metav1.NewTime(to),
	}
}

// conclude derives the pod's phase and conditions from its containers.
func (k *kubelet) conclude(v view, s *corev1.PodStatus, inits, mains []corev1.ContainerStatus, initialized bool) {
	s.InitContainerStatuses, s.ContainerStatuses = inits, mains
	s.Phase = phase(mains)
	s.StartTime = &metav1.Time{Time: k.started}
	s.HostIP = nodeIP(v.node)
	s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	s.PodIP = k.ip
	if v.pod.Spec.HostNetwork {
		s.PodIP = s.HostIP
	}
	s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	ready, reason := true, ""
	for _, c := range mains {
		ready = ready && c.Ready
	}
	switch {
	case s.Phase == corev1.PodSucceeded:
		ready, reason = false, "PodCompleted"
	case s.Phase == corev1.PodFailed:
		ready, reason = false, "PodFailed"
	case !ready:
		reason = "ContainersNotReady"
	}
	set := func(kind corev1.PodConditionType, ok bool, why string) {
		setCondition(s, v.now, v.pod.Generation, kind, ok, why)
	}
	set(corev1.PodReadyToStartContainers, s.Phase == corev1.PodPending || s.Phase == corev1.PodRunning, "")
	set(corev1.PodInitialized, initialized, map[bool]string{false: "ContainersNotInitialized"}[initialized])
	set(corev1.ContainersReady, ready, reason)
	gated := ready
	for _, gate := range v.pod.Spec.ReadinessGates {
		if !conditionTrue(s, gate.ConditionType) && gated {
			gated, reason = false, "ReadinessGatesNotReady"
		}
	}
	set(corev1.PodReady, gated, reason)
}

func phase(mains []corev1.ContainerStatus) corev1.PodPhase {
	var started, succeeded, failed int
	for _, c := range mains {
		switch {
		case c.State.Terminated != nil && c.State.Terminated.ExitCode == 0:
			succeeded++
		case c.State.Terminated != nil:
			failed++
		case c.State.Running != nil || c.LastTerminationState.Terminated != nil:
			started++
		}
	}
	switch {
	case succeeded == len(mains):
		return corev1.PodSucceeded
	case failed > 0 && failed+succeeded == len(mains):
		return corev1.PodFailed
	case started+succeeded+failed > 0:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

func setCondition(s *corev1.PodStatus, now time.Time, generation int64, kind corev1.PodConditionType, ok bool, reason string) {
	value := corev1.ConditionFalse
	if ok {
		value = corev1.ConditionTrue
	}
	want := corev1.PodCondition{
		Type: kind, Status: value, Reason: reason,
		LastTransitionTime: metav1.NewTime(now), ObservedGeneration: generation,
	}
	for i := range s.Conditions {
		if old := &s.Conditions[i]; old.Type == kind {
			if old.Status == value {
				want.LastTransitionTime = old.LastTransitionTime
			}
			*old = want
			return
		}
	}
	s.Conditions = append(s.Conditions, want)
}

func conditionTrue(s *corev1.PodStatus, kind corev1.PodConditionType) bool {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func nodeIP(node *corev1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return "127.0.0.1"
}
