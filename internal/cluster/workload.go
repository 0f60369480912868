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

// workloadSeen is a trimmed workload with what tells whose it is.
type workloadSeen struct {
	plan.Workload
	mark
	operator bool
	owner    string // the ObjectStore of its owner reference
	label    string
	account  string
	template map[string]string // the labels its pods get
}

func seeDeployment(d *appsv1.Deployment) (workloadSeen, bool) {
	w := seeTemplate(d, &d.Spec.Template)
	w.Kind = "Deployment"
	w.Replicas, w.Ready, w.Updated = replicas(d.Spec.Replicas), int(d.Status.ReadyReplicas), int(d.Status.UpdatedReplicas)
	w.Total = int(d.Status.Replicas)
	w.Observed = d.Status.ObservedGeneration
	w.Strategy = string(d.Spec.Strategy.Type)
	return w, true
}

func seeStatefulSet(s *appsv1.StatefulSet) (workloadSeen, bool) {
	w := seeTemplate(s, &s.Spec.Template)
	w.Kind = "StatefulSet"
	w.Replicas, w.Ready, w.Updated = replicas(s.Spec.Replicas), int(s.Status.ReadyReplicas), int(s.Status.UpdatedReplicas)
	w.Total = int(s.Status.Replicas)
	w.Observed = s.Status.ObservedGeneration
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

func seeTemplate(o metav1.Object, t *corev1.PodTemplateSpec) workloadSeen {
	_, operator := t.Labels[aistor.LabelOperatorName]
	w := workloadSeen{
		mark:     markOf(o),
		operator: operator,
		owner:    storeOwner(o),
		label:    storeLabel(t.Labels),
		account:  t.Spec.ServiceAccountName,
		template: t.Labels,
	}
	w.APIVersion = "apps/v1"
	w.Namespace, w.Name = o.GetNamespace(), o.GetName()
	w.Generation = o.GetGeneration()
	w.Containers = containers(&t.Spec, nil)
	w.PullSecrets = secretNames(t.Spec.ImagePullSecrets)
	w.Terminating = deletionOf(o)
	return w
}

// replicas is the number asked for; the API's default is 1.
func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// claimSeen is a claim with the store its labels name. The StatefulSet
// controller copies its selector there.
type claimSeen struct {
	plan.Claim
	label string
}

func seeClaim(c *corev1.PersistentVolumeClaim) (claimSeen, bool) {
	return claimSeen{
		Claim: plan.Claim{
			Namespace: c.Namespace, Name: c.Name, UID: string(c.UID), Phase: string(c.Status.Phase),
			Volume: c.Spec.VolumeName, Terminating: deletionOf(c),
		},
		label: storeLabel(c.Labels),
	}, true
}

// budgetSeen is a budget with the pods it is about.
type budgetSeen struct {
	plan.Budget
	owner    string
	selector labels.Selector
}

func seeBudget(b *policyv1.PodDisruptionBudget) (budgetSeen, bool) {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		selector = labels.Nothing()
	}
	return budgetSeen{
		Budget:   plan.Budget{Namespace: b.Namespace, Name: b.Name, Allowed: int(b.Status.DisruptionsAllowed), Terminating: deletionOf(b)},
		owner:    storeOwner(b),
		selector: selector,
	}, true
}
