package cluster

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkQuotas ends the trial of a pod that a quota refuses only until the one it
// replaces has gone. The server names one quota at a time, so the others are
// held against what they allow here: one that is exceeded refuses the pod.
func (t *dryRun) checkQuotas(ctx context.Context) {
	quotas, err := t.client.typed.CoreV1().ResourceQuotas(t.result.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.setOutcome(plan.DryRunUnknown, "a quota is exceeded until the replaced pod terminates, and other quotas could not be read: %v", err)
		return
	}
	for _, q := range quotas.Items {
		if cause := exceededBy(q.Status); cause != "" {
			t.setOutcome(plan.DryRunRefused, "exceeded quota: %s, %s", q.Name, cause)
			return
		}
	}
	t.setOutcome(plan.DryRunAccepted, "")
}

// exceededBy is what of a quota is used beyond what it allows, of what pods
// use; empty where nothing is.
func exceededBy(s corev1.ResourceQuotaStatus) string {
	for _, name := range slices.Sorted(maps.Keys(s.Hard)) {
		used, hard := s.Used[name], s.Hard[name]
		if usedByPods(name) && used.Cmp(hard) > 0 {
			return fmt.Sprintf("used: %[1]s=%[2]s, limited: %[1]s=%[3]s", name, used.String(), hard.String())
		}
	}
	return ""
}

// usedByPods reports whether a quota counts pods by a resource, and not
// something else in the namespace.
func usedByPods(name corev1.ResourceName) bool {
	s := string(name)
	if object, counted := strings.CutPrefix(s, "count/"); counted {
		return object == "pods"
	}
	switch name {
	case corev1.ResourceServices, corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers, corev1.ResourceConfigMaps, corev1.ResourceSecrets,
		corev1.ResourceQuotas, corev1.ResourceReplicationControllers, corev1.ResourcePersistentVolumeClaims, corev1.ResourceRequestsStorage:
		return false
	}
	return !strings.Contains(s, ".storageclass.storage.k8s.io/")
}

// exceededQuota finds the two lists of a quota's refusal.
var exceededQuota = regexp.MustCompile(`exceeded quota: [^,]+, requested: \S+, used: (\S+), limited: (\S+)`)

// fitsAfterReplacement reports whether a quota refuses a pod only because the one that it
// replaces is still counted: what is used does not exceed what is allowed.
func fitsAfterReplacement(err error) bool {
	if err == nil {
		return false
	}
	m := exceededQuota.FindStringSubmatch(err.Error())
	if m == nil {
		return false
	}
	used, limited := parseQuantities(m[1]), parseQuantities(m[2])
	for name, limit := range limited {
		u, known := used[name]
		if !known || u.Cmp(limit) > 0 {
			return false
		}
	}
	return len(limited) > 0
}

func parseQuantities(list string) map[string]resource.Quantity {
	out := map[string]resource.Quantity{}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if q, err := resource.ParseQuantity(value); ok && err == nil {
			out[name] = q
		}
	}
	return out
}
