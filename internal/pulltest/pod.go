package pulltest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

const (
	// LabelRun marks the pods of a pull test; its value is the run's ID.
	LabelRun = "upgrade.aistor.dev/pull-test"
	// labelManager says whose the pods are, for people.
	labelManager = "app.kubernetes.io/managed-by"
	managedBy    = "aistor-upgrade"
	// noCommand exists in no image.
	noCommand = "/aistor-upgrade-pull-test-starts-nothing"
)

// podFor is the pod of one request. Like may be nil.
func podFor(run string, p preflight.NodePull, like *corev1.Pod, deadline time.Duration) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.Namespace, Name: podName(run, p),
			Labels: map[string]string{LabelRun: run, labelManager: managedBy},
			// A mesh's proxy would be one more image, and start.
			Annotations: map[string]string{"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"},
		},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         pointerTo(int64(deadline/time.Second) + 1),
			TerminationGracePeriodSeconds: pointerTo(int64(0)),
			AutomountServiceAccountToken:  pointerTo(false),
			EnableServiceLinks:            pointerTo(false),
			Affinity:                      nodeAffinity(p.Node),
			// No user is named: OpenShift assigns one, and elsewhere an image
			// that runs as root is refused only after it was pulled.
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   pointerTo(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
		},
	}
	for _, name := range p.Secrets {
		pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	for i, ref := range p.Images {
		pod.Spec.Containers = append(pod.Spec.Containers, pullContainer(fmt.Sprintf("image-%d", i), ref.String()))
	}
	if like != nil {
		copyPlacement(&pod.Spec, &like.Spec)
	}
	return pod
}

func pullContainer(name, image string) corev1.Container {
	return corev1.Container{
		Name: name, Image: image, ImagePullPolicy: corev1.PullAlways, Command: []string{noCommand},
		// Quotas may require both; small values fit on any node.
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m"), corev1.ResourceMemory: resource.MustParse("4Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
		},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: pointerTo(false), ReadOnlyRootFilesystem: pointerTo(true), RunAsNonRoot: pointerTo(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

// nodeAffinity pins a pod as a DaemonSet does: the scheduler still has to agree,
// which proves that the real pods' tolerations suffice.
func nodeAffinity(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}},
		}}},
	}}}
}

// copyPlacement takes over what places a real pod and what runs it.
func copyPlacement(spec, like *corev1.PodSpec) {
	spec.NodeSelector = like.NodeSelector
	spec.SchedulerName = like.SchedulerName
	spec.RuntimeClassName = like.RuntimeClassName
	spec.Tolerations = slices.DeleteFunc(slices.Clone(like.Tolerations), func(t corev1.Toleration) bool {
		// These the API server gives to every pod, with a limit.
		return strings.HasPrefix(t.Key, "node.kubernetes.io/") && t.TolerationSeconds != nil
	})
}

// podName is the same for the same request, so that a repeated creation cannot
// double it.
func podName(run string, p preflight.NodePull) string {
	sum := sha256.Sum256([]byte(p.Node + "\x00" + strings.Join(p.Secrets, "\x00")))
	return "aistor-pull-test-" + run + "-" + hex.EncodeToString(sum[:5])
}

func pointerTo[T any](v T) *T { return &v }
