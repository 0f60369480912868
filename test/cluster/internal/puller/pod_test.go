package puller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// look is what a test sees of a pod at a moment.
type look struct {
	Phase  corev1.PodPhase
	Ready  bool
	Reason string // of the waiting container
}

func see(s corev1.PodStatus) look {
	c := s.ContainerStatuses[0]
	l := look{Phase: s.Phase, Ready: conditionTrue(&s, corev1.PodReady)}
	if c.State.Waiting != nil {
		l.Reason = c.State.Waiting.Reason
	}
	return l
}

func TestStep(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	image := p.host + "/one:1" // says lab.fail=crash
	ready := look{corev1.PodRunning, true, ""}
	tests := map[string]struct {
		password string
		edit     func(*corev1.Pod)
		missing  missing
		times    map[time.Duration]look // after the first look, in any order
	}{
		"an image that crashes does so again and again": {"right", nil, missing{}, map[time.Duration]look{
			0:                      {corev1.PodRunning, false, ""},
			600 * time.Millisecond: {corev1.PodRunning, false, "CrashLoopBackOff"},
		}},
		"unready by annotation": {"right", func(p *corev1.Pod) { p.Annotations = map[string]string{FailAnnotation: failUnready} },
			missing{}, map[time.Duration]look{time.Minute: {corev1.PodRunning, false, ""}}},
		"ready after a while": {"right", func(p *corev1.Pod) {
			p.Annotations = map[string]string{FailAnnotation: "no", ReadyAfterAnnotation: "3s"}
		}, missing{}, map[time.Duration]look{
			time.Second: {corev1.PodRunning, false, ""}, 4 * time.Second: ready,
		}},
		"a pod of a job ends": {"right", func(p *corev1.Pod) {
			p.Annotations = map[string]string{FailAnnotation: "no"}
			p.Spec.RestartPolicy = corev1.RestartPolicyNever
		}, missing{}, map[time.Duration]look{
			0: {corev1.PodRunning, true, ""}, 2 * time.Second: {corev1.PodSucceeded, false, ""},
		}},
		"a pod of a job fails": {"right", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever },
			missing{}, map[time.Duration]look{time.Second: {corev1.PodFailed, false, ""}}},
		"a wrong password waits": {"wrong", nil, missing{}, map[time.Duration]look{
			0: {corev1.PodPending, false, "ErrImagePull"}, time.Second: {corev1.PodPending, false, "ImagePullBackOff"},
		}},
		"an absent secret keeps containers from being made": {"right", nil, missing{env: `secret "x" not found`}, map[time.Duration]look{
			0: {corev1.PodPending, false, "CreateContainerConfigError"},
		}},
		"an absent volume comes before the images": {"wrong", nil, missing{volume: "x"}, map[time.Duration]look{
			0: {corev1.PodPending, false, "ContainerCreating"},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", UID: "u"}, Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyAlways,
				Containers:    []corev1.Container{{Name: "c", Image: image}},
			}}
			if tt.edit != nil {
				tt.edit(pod)
			}
			begin := time.Now()
			now := begin
			k := &kubelet{containers: map[string]*container{}}
			v := view{pod: pod, node: amd64Node(), keyring: keyring(p.host, tt.password), missing: tt.missing,
				images: p.images(func() time.Time { return now })}
			got := map[time.Duration]look{}
			for at := time.Duration(0); at <= time.Minute; at += 100 * time.Millisecond {
				now = begin.Add(at)
				v.now = now
				o := k.step(t.Context(), v)
				pod.Status = o.status
				if _, ok := tt.times[at]; ok {
					got[at] = see(o.status)
				}
			}
			if diff := cmp.Diff(tt.times, got); diff != "" {
				t.Errorf("by time (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStepRestartsOnAnotherImage(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{FailAnnotation: "no"}}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyAlways,
		Containers:    []corev1.Container{{Name: "c", Image: p.host + "/one:1"}},
	}}
	k := &kubelet{containers: map[string]*container{}}
	v := view{now: time.Now(), pod: pod, node: amd64Node(), keyring: keyring(p.host, "right"), images: p.images(time.Now)}
	first := k.step(t.Context(), v).status.ContainerStatuses[0]
	pod.Spec.Containers[0].Image = p.host + "/many:1"
	second := k.step(t.Context(), v).status.ContainerStatuses[0]
	if second.RestartCount != 1 || second.ImageID == first.ImageID {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func amd64Node() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n"},
		Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "amd64"}},
	}
}
