package pulltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Real nodes and a real API server are tried in test/e2e; here are the ends
// that cannot be brought about there in time.

var minio = images.Ref{Host: "r.example", Path: "aistor/minio", Tag: "1"}

func pull(node string) preflight.NodePull {
	return preflight.NodePull{Namespace: "tenant", Node: node, Secrets: []string{"pull"}, Images: []images.Ref{minio}}
}

// fakeCluster is an API server whose nodes answer for a new pod as say does; an empty
// status leaves it as it is.
type fakeCluster struct {
	*fake.Clientset
	mu        sync.Mutex
	most, now int
}

func newSite(say func(pod *corev1.Pod) corev1.PodStatus, objects ...runtime.Object) *fakeCluster {
	s := &fakeCluster{Clientset: fake.NewClientset(objects...)}
	s.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		pod.Status = say(pod)
		s.countPods(1)
		return false, nil, nil
	})
	s.PrependReactor("delete", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		s.countPods(-1)
		return false, nil, nil
	})
	return s
}

// countPods counts the pods there are, and the most there were.
func (s *fakeCluster) countPods(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += more
	s.most = max(s.most, s.now)
}

func (s *fakeCluster) mostPods() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *fakeCluster) remainingPods(t *testing.T) int {
	t.Helper()
	pods, err := s.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{LabelSelector: LabelRun})
	if err != nil {
		t.Fatal(err)
	}
	return len(pods.Items)
}

func container0(state corev1.ContainerState) corev1.PodStatus {
	return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{Name: "image-0", State: state}}}
}

func startError(*corev1.Pod) corev1.PodStatus {
	return container0(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "StartError"}})
}

func refusedStatus(message string) func(*corev1.Pod) corev1.PodStatus {
	return func(*corev1.Pod) corev1.PodStatus {
		return container0(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: message}})
	}
}

func pendingStatus(*corev1.Pod) corev1.PodStatus { return corev1.PodStatus{Phase: corev1.PodPending} }

func TestPull(t *testing.T) {
	t.Parallel()
	unplaceable := func(*corev1.Pod) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available"}}}
	}
	evicted := func(*corev1.Pod) corev1.PodStatus {
		return corev1.PodStatus{Phase: corev1.PodFailed, Reason: "OutOfcpu", Message: "no room"}
	}
	tests := map[string]struct {
		say       func(*corev1.Pod) corev1.PodStatus
		pod, kind string // of the whole pod, of the image
		text      string
	}{
		"pulled":                            {say: startError},
		"refused for good":                  {say: refusedStatus("401 Unauthorized"), kind: preflight.KindUnauthorized},
		"refused for now and never better":  {say: refusedStatus("connection refused"), kind: preflight.KindUnreachable},
		"not placed":                        {say: unplaceable, pod: preflight.KindUnschedulable, text: "0/1 nodes"},
		"given up by the node":              {say: evicted, pod: preflight.KindUnschedulable, text: "OutOfcpu: no room"},
		"silence, with what the events say": {say: pendingStatus, pod: preflight.KindTimeout, text: "FailedCreatePodSandBox: no pause image"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(tt.say, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "e"}, Type: corev1.EventTypeWarning,
				Reason: "FailedCreatePodSandBox", Message: "no pause image"})
			o := Options{Client: s, Run: "r", Timeout: 10 * time.Minute, RetryWindow: 50 * time.Millisecond}
			if tt.pod == preflight.KindTimeout {
				o.Timeout = time.Second
			}
			r := New(o)
			a := r.Pull(t.Context(), []preflight.NodePull{pull("n1")})[0]
			if kindOf(a.Err) != tt.pod || (a.Err != nil && !strings.Contains(a.Err.Error(), tt.text)) {
				t.Errorf("pod: received %q (%v), expected %q with %q", kindOf(a.Err), a.Err, tt.pod, tt.text)
			}
			err, answered := a.Images[minio]
			if kindOf(err) != tt.kind || answered != (tt.pod == "") {
				t.Errorf("image: received %v, answered %t, expected kind %q", err, answered, tt.kind)
			}
			if n := s.remainingPods(t); n != 0 {
				t.Errorf("%d pods are left", n)
			}
		})
	}
}

func kindOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind()
	}
	return ""
}

func TestCreationRefused(t *testing.T) {
	t.Parallel()
	pods := schema.GroupResource{Resource: "pods"}
	for name, tt := range map[string]struct {
		err  error
		kind string
	}{
		"by Pod Security": {apierrors.NewForbidden(pods, "x", errors.New(`violates PodSecurity "restricted:latest"`)), preflight.KindRefused},
		"by a quota":      {apierrors.NewForbidden(pods, "x", errors.New("exceeded quota: q")), preflight.KindRefused},
		"by a webhook":    {apierrors.NewInternalError(errors.New(`failed calling webhook "w"`)), preflight.KindRefused},
		"for want of a right": {apierrors.NewForbidden(pods, "", errors.New(
			`User "u" cannot create resource "pods" in API group "" in the namespace "tenant"`)), preflight.KindNoPermission},
		"by a server in trouble": {apierrors.NewInternalError(errors.New("etcd is gone")), ""},
	} {
		if got := createError(tt.err).Kind(); got != tt.kind {
			t.Errorf("%s: received %q, expected %q", name, got, tt.kind)
		}
	}
}

func TestOnlySoManyPodsAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(startError)
	var list []preflight.NodePull
	for i := range 40 {
		list = append(list, pull(fmt.Sprintf("n%d", i)))
	}
	for i, a := range New(Options{Client: s, Run: "r", Concurrency: 3}).Pull(t.Context(), list) {
		if err := a.Images[minio]; a.Err != nil || err != nil || len(a.Images) != 1 {
			t.Fatalf("%d: %v %v", i, a.Err, err)
		}
	}
	if n := s.mostPods(); n > 3 {
		t.Errorf("%d pods at a time, expected at most 3", n)
	}
}

func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(pendingStatus)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan []preflight.NodePullResult)
	go func() {
		done <- New(Options{Client: s, Run: "r", Concurrency: 2}).Pull(ctx, []preflight.NodePull{pull("n1"), pull("n2"), pull("n3")})
	}()
	for s.mostPods() < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for _, a := range <-done {
		if !errors.Is(a.Err, context.Canceled) {
			t.Errorf("received %v, expected that it was cancelled", a.Err)
		}
	}
	if n := s.remainingPods(t); n != 0 {
		t.Errorf("%d pods are left", n)
	}
}

func TestWhatAKilledRunLeftIsRemovedByTheNext(t *testing.T) {
	t.Parallel()
	left := podFor("killed", pull("n9"), nil, time.Minute)
	stranger := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "primary-pool-0-0"}}
	s := newSite(startError, left, stranger)
	New(Options{Client: s, Run: "r"}).Pull(t.Context(), []preflight.NodePull{pull("n1")})
	pods, err := s.CoreV1().Pods("tenant").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].Name != stranger.Name {
		t.Errorf("received %d pods (%v), expected only the stranger", len(pods.Items), err)
	}
}

// The pod is what policies see, so its shape is part of the contract.
func TestThePod(t *testing.T) {
	t.Parallel()
	like := &corev1.Pod{Spec: corev1.PodSpec{NodeSelector: map[string]string{"disk": "nvme"}, Tolerations: []corev1.Toleration{
		{Key: "storage", Operator: corev1.TolerationOpExists},
		{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, TolerationSeconds: pointerTo(int64(300))}}}}
	pod := podFor("abc", pull("n1"), like, time.Minute)
	for key := range pod.Labels {
		if strings.Contains(key, "min.io") || key == "app" || key == "operator" {
			t.Errorf("label %s is AIStor's", key)
		}
	}
	if len(pod.Spec.Tolerations) != 1 || pod.Spec.Tolerations[0].Key != "storage" || pod.Spec.NodeSelector["disk"] != "nvme" {
		t.Errorf("it is placed otherwise: %v %v", pod.Spec.Tolerations, pod.Spec.NodeSelector)
	}
	if pod.Spec.NodeName != "" {
		t.Error("the scheduler is passed over")
	}
	c := pod.Spec.Containers[0]
	if c.ImagePullPolicy != corev1.PullAlways || c.SecurityContext.RunAsUser != nil || pod.Spec.SecurityContext.RunAsUser != nil {
		t.Errorf("container: %+v", c)
	}
	if pod.Spec.ImagePullSecrets[0].Name != "pull" || *pod.Spec.ActiveDeadlineSeconds > 61 {
		t.Errorf("pod: %+v", pod.Spec)
	}
}
