package puller

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// terminates is how long a pod takes to end when it may take that long.
const terminates = 500 * time.Millisecond

// reconcile moves one pod on; it gives when to look again by itself.
func (p *Puller) reconcile(ctx context.Context, key string) (time.Duration, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return 0, nil
	}
	pod, err := p.pods.Pods(namespace).Get(name)
	if err != nil || pod.Spec.NodeName == "" {
		return 0, nil
	}
	node, err := p.nodes.Get(pod.Spec.NodeName)
	if err != nil {
		return 0, nil // not one of ours
	}
	if pod.DeletionTimestamp != nil {
		return p.terminate(ctx, pod)
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0, nil
	}
	k := p.kubelet(pod)
	v := view{now: p.now(), pod: pod, node: node, images: p.images, keyring: p.keyring(pod)}
	if pod.Status.Phase != corev1.PodRunning {
		v.missing = findMissing(ctx, p.client, pod)
	}
	o := k.step(ctx, v)
	p.tell(pod, v, o)
	if equality.Semantic.DeepEqual(pod.Status, o.status) {
		return o.wake, nil
	}
	update := pod.DeepCopy()
	update.Status = o.status
	_, err = p.client.CoreV1().Pods(namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	return o.wake, err
}

// tell records events as the kubelet does.
func (p *Puller) tell(pod *corev1.Pod, v view, o outcome) {
	for _, text := range o.failed {
		p.recorder.Event(pod, corev1.EventTypeWarning, "Failed", text)
		p.recorder.Event(pod, corev1.EventTypeWarning, "Failed", "Error: ErrImagePull")
	}
	if v.missing.volume != "" && len(pod.Status.ContainerStatuses) == 0 {
		p.recorder.Event(pod, corev1.EventTypeWarning, "FailedMount", v.missing.volume)
	}
	for _, s := range o.status.ContainerStatuses {
		if w := s.State.Waiting; w != nil && w.Reason == "CrashLoopBackOff" && s.RestartCount == 0 {
			p.recorder.Event(pod, corev1.EventTypeWarning, "BackOff", w.Message)
		}
	}
}

// keyring reads the pod's pull secrets. One that is absent or unreadable is an
// event and otherwise ignored, as on a real node.
func (p *Puller) keyring(pod *corev1.Pod) *Keyring {
	k := &Keyring{}
	for _, ref := range pod.Spec.ImagePullSecrets {
		secret, err := p.secrets.Secrets(pod.Namespace).Get(ref.Name)
		if err == nil {
			err = k.Add(secret.Data[corev1.DockerConfigJsonKey])
		}
		if err != nil && len(pod.Status.ContainerStatuses) == 0 {
			p.recorder.Eventf(pod, corev1.EventTypeWarning, "FailedToRetrieveImagePullSecret",
				"Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", ref.Name)
		}
	}
	return k
}

// terminate ends a deleted pod: after a moment, at once when forced, never when
// it is to play one that hangs.
func (p *Puller) terminate(ctx context.Context, pod *corev1.Pod) (time.Duration, error) {
	grace := int64(0)
	if pod.DeletionGracePeriodSeconds != nil {
		grace = *pod.DeletionGracePeriodSeconds
	}
	if grace > 0 && pod.Annotations[FailAnnotation] == failSlow {
		return 0, nil
	}
	if grace == 0 {
		return 0, nil // gone but for finalizers, which are not a node's business
	}
	// Not by DeletionTimestamp, which is cut to seconds.
	k := p.kubelet(pod)
	if k.deleted.IsZero() {
		k.deleted = p.now()
	}
	if left := k.deleted.Add(min(terminates, time.Duration(grace)*time.Second)).Sub(p.now()); left > 0 {
		return left, nil
	}
	zero := int64(0)
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &zero, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return 0, nil
	}
	return 0, err
}
