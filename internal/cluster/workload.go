package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// workloadInfo is a trimmed workload with what tells whose it is.
type workloadInfo struct {
	plan.Workload
	ownership
	operator bool
	owner    string // the ObjectStore of its owner reference
	label    string
	account  string
	template map[string]string // the labels its pods get
}

func convertDeployment(d *appsv1.Deployment) (workloadInfo, bool) {
	w := convertTemplate(d, &d.Spec.Template)
	w.Kind = "Deployment"
	w.Replicas, w.Ready, w.Updated = desiredReplicas(d.Spec.Replicas), int(d.Status.ReadyReplicas), int(d.Status.UpdatedReplicas)
	w.Total = int(d.Status.Replicas)
	w.ObservedGeneration = d.Status.ObservedGeneration
	w.Strategy = string(d.Spec.Strategy.Type)
	return w, true
}

func convertStatefulSet(s *appsv1.StatefulSet) (workloadInfo, bool) {
	w := convertTemplate(s, &s.Spec.Template)
	w.Kind = "StatefulSet"
	w.Replicas, w.Ready, w.Updated = desiredReplicas(s.Spec.Replicas), int(s.Status.ReadyReplicas), int(s.Status.UpdatedReplicas)
	w.Total = int(s.Status.Replicas)
	w.ObservedGeneration = s.Status.ObservedGeneration
	w.Strategy = string(s.Spec.UpdateStrategy.Type)
	for _, t := range s.Spec.VolumeClaimTemplates {
		w.ClaimTemplates = append(w.ClaimTemplates, t.Name)
	}
	if s.Spec.Ordinals != nil {
		w.FirstOrdinal = int(s.Spec.Ordinals.Start)
	}
	w.CurrentRevision, w.UpdateRevision = s.Status.CurrentRevision, s.Status.UpdateRevision
	return w, true
}

func convertTemplate(o metav1.Object, t *corev1.PodTemplateSpec) workloadInfo {
	_, operator := t.Labels[aistor.LabelOperatorName]
	w := workloadInfo{
		ownership: ownershipOf(o),
		operator:  operator,
		owner:     storeOwner(o),
		label:     storeLabel(t.Labels),
		account:   t.Spec.ServiceAccountName,
		template:  t.Labels,
	}
	w.APIVersion = "apps/v1"
	w.Namespace, w.Name = o.GetNamespace(), o.GetName()
	w.Generation = o.GetGeneration()
	w.Containers = mergeContainers(&t.Spec, nil)
	w.PullSecrets = pullSecretRefs(t.Spec.ImagePullSecrets)
	w.Terminating = deletionOf(o)
	return w
}

// desiredReplicas is the number asked for; the API's default is 1.
func desiredReplicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// claimInfo is a claim with the store its labels name. The StatefulSet
// controller copies its selector there.
type claimInfo struct {
	plan.Claim
	label string
}

func convertClaim(c *corev1.PersistentVolumeClaim) (claimInfo, bool) {
	return claimInfo{
		Claim: plan.Claim{
			Namespace: c.Namespace, Name: c.Name, UID: string(c.UID), Phase: string(c.Status.Phase),
			Volume: c.Spec.VolumeName, Terminating: deletionOf(c),
		},
		label: storeLabel(c.Labels),
	}, true
}

// disruptionBudgetInfo is a budget with the pods it is about.
type disruptionBudgetInfo struct {
	plan.DisruptionBudget
	owner    string
	selector labels.Selector
}

func convertDisruptionBudget(b *policyv1.PodDisruptionBudget) (disruptionBudgetInfo, bool) {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		selector = labels.Nothing()
	}
	return disruptionBudgetInfo{
		DisruptionBudget: plan.DisruptionBudget{Namespace: b.Namespace, Name: b.Name, DisruptionsAllowed: int(b.Status.DisruptionsAllowed), Terminating: deletionOf(b)},
		owner:            storeOwner(b),
		selector:         selector,
	}, true
}
