package cluster

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// podInfo is a trimmed pod with what tells whose it is.
type podInfo struct {
	plan.Pod
	operator bool // it carries the operator deployments' label
	label    string
}

func convertPod(p *corev1.Pod) (podInfo, bool) {
	_, operator := p.Labels[aistor.LabelOperatorName]
	out := podInfo{
		Pod: plan.Pod{
			Namespace:      p.Namespace,
			Name:           p.Name,
			UID:            string(p.UID),
			Node:           p.Spec.NodeName,
			Phase:          string(p.Status.Phase),
			Ready:          isPodReady(p),
			Created:        p.CreationTimestamp.UTC(),
			Revision:       p.Labels["controller-revision-hash"],
			ServiceAccount: p.Spec.ServiceAccountName,
			Containers:     mergeContainers(&p.Spec, &p.Status),
			PullSecrets:    pullSecretRefs(p.Spec.ImagePullSecrets),
			Terminating:    deletionOf(p),
		},
		operator: operator,
		label:    storeLabel(p.Labels),
	}
	for _, r := range p.OwnerReferences {
		if r.Controller != nil && *r.Controller {
			out.Owner = r.Kind + "/" + r.Name
			out.Workload = deploymentOf(r, p.Labels)
		}
	}
	return out, isAIStorPod(p.Labels)
}

// deploymentOf is the Deployment behind a ReplicaSet that owns a pod with these
// labels, as Kind/name; empty where there is none. A Deployment calls a ReplicaSet
// by its own name and the hash that it also puts on the pods, so that no name is
// guessed: somebody else's ReplicaSet has no such label.
func deploymentOf(owner metav1.OwnerReference, labels map[string]string) string {
	hash := labels[appsv1.DefaultDeploymentUniqueLabelKey]
	name, ours := strings.CutSuffix(owner.Name, "-"+hash)
	if owner.Kind != "ReplicaSet" || hash == "" || !ours {
		return ""
	}
	return "Deployment/" + name
}

func isPodReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// mergeContainers joins what the spec asks with what the node reports; status is
// nil for a template. Init containers come first, as they run.
func mergeContainers(spec *corev1.PodSpec, status *corev1.PodStatus) []plan.Container {
	reported := map[string]corev1.ContainerStatus{}
	if status != nil {
		for _, s := range status.InitContainerStatuses {
			reported[s.Name] = s
		}
		for _, s := range status.ContainerStatuses {
			reported[s.Name] = s
		}
	}
	var out []plan.Container
	for _, c := range spec.InitContainers {
		always := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		out = append(out, withStatus(plan.Container{Name: c.Name, Image: c.Image, Init: true, Restartable: always}, reported))
	}
	for _, c := range spec.Containers {
		out = append(out, withStatus(plan.Container{Name: c.Name, Image: c.Image}, reported))
	}
	return out
}

func withStatus(c plan.Container, reported map[string]corev1.ContainerStatus) plan.Container {
	s, ok := reported[c.Name]
	if !ok {
		return c
	}
	c.ImageID, c.Ready, c.Restarts = s.ImageID, s.Ready, int(s.RestartCount)
	switch { // a terminated container's message may be the end of its log
	case s.State.Waiting != nil:
		c.Reason, c.Message = s.State.Waiting.Reason, s.State.Waiting.Message
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		c.Reason, c.Message = s.State.Terminated.Reason, s.State.Terminated.Message
	}
	c.Message = redact.Text(c.Message)
	return c
}

func pullSecretRefs(refs []corev1.LocalObjectReference) []string {
	var out []string
	for _, r := range refs {
		if r.Name != "" {
			out = append(out, r.Name)
		}
	}
	return out
}
