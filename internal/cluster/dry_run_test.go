package cluster

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A refusal and a question that could not be asked both come as 403.
func TestRefusalsAreToldFromQuestionsThatCouldNotBeAsked(t *testing.T) {
	t.Parallel()
	pods := schema.GroupResource{Resource: "pods"}
	for _, tc := range []struct {
		name string
		err  error
		want plan.DryRunOutcome
	}{
		{"pod security", apierrors.NewForbidden(pods, "p", errors.New(`violates PodSecurity "restricted:latest"`)), plan.DryRunRefused},
		{"missing rights", apierrors.NewForbidden(pods, "p", errors.New(`User "x" cannot create resource "pods" in API group "" in the namespace "a"`)), plan.DryRunUnknown},
		{"a policy", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 422, Reason: metav1.StatusReasonInvalid, Message: `ValidatingAdmissionPolicy 'x' with binding 'x' denied request: no`}}, plan.DryRunRefused},
		{"a webhook that denies with a code of its own", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 418, Message: `admission webhook "x" denied the request: no`}}, plan.DryRunRefused},
		{"a webhook that takes no dry runs", apierrors.NewBadRequest(`admission webhook "x" does not support dry run`), plan.DryRunUnknown},
		{"a webhook that is away", apierrors.NewInternalError(errors.New(`failed calling webhook "x": connection refused`)), plan.DryRunUnknown},
		{"the server is busy", apierrors.NewTooManyRequests("later", 1), plan.DryRunUnknown},
		{"nobody answers", errors.New("connection refused"), plan.DryRunUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := outcomeOf(tc.err); got != tc.want {
				t.Errorf("received %s, expected %s", got, tc.want)
			}
		})
	}
}

// The pod that is replaced goes first, and takes its share of a quota along.
func TestAQuotaStandsInTheWayOnlyWhereItIsExceededAlready(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4`:                                                 true,
		`pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=3`:                                                 false,
		`pods "p" is forbidden: exceeded quota: q, requested: pods=1,requests.cpu=500m, used: pods=4,requests.cpu=2, limited: pods=9,requests.cpu=2`: true,
		`pods "p" is forbidden: exceeded quota: q, requested: requests.memory=1Gi, used: requests.memory=4Gi, limited: requests.memory=4095Mi`:       false,
		`pods "p" is forbidden: failed quota: q: must specify limits.cpu`:                                                                            false,
		`something else`: false,
	} {
		if got := fitsAfterReplacement(errors.New(text)); got != want {
			t.Errorf("%s: received %t, expected %t", text, got, want)
		}
	}
	if fitsAfterReplacement(nil) {
		t.Error("no refusal needs no room")
	}
}

func TestOnlyWhatPodsUseOfAQuotaRefusesThem(t *testing.T) {
	t.Parallel()
	list := func(name, n string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceName(name): resource.MustParse(n)}
	}
	for _, c := range []struct{ name, used, hard, want string }{
		{"pods", "4", "3", "used: pods=4, limited: pods=3"},
		{"pods", "4", "4", ""},
		{"count/pods", "4", "3", "used: count/pods=4, limited: count/pods=3"},
		{"requests.memory", "4Gi", "4095Mi", "used: requests.memory=4Gi, limited: requests.memory=4095Mi"},
		{"requests.nvidia.com/gpu", "2", "1", "used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=1"},
		{"count/services", "4", "3", ""},
		{"services.nodeports", "4", "3", ""},
		{"persistentvolumeclaims", "4", "3", ""},
		{"requests.storage", "4Gi", "3Gi", ""},
		{"fast.storageclass.storage.k8s.io/requests.storage", "4Gi", "3Gi", ""},
	} {
		t.Run(c.name+" "+c.used+" of "+c.hard, func(t *testing.T) {
			t.Parallel()
			if got := exceededBy(corev1.ResourceQuotaStatus{Used: list(c.name, c.used), Hard: list(c.name, c.hard)}); got != c.want {
				t.Errorf("received %q, expected %q", got, c.want)
			}
		})
	}
}

// What a chart on the way deletes cannot be tried for a later one: the server
// would hold it against the object of today.
func TestEveryChartOnTheWayIsTriedButForWhatIsMadeAnew(t *testing.T) {
	t.Parallel()
	object := func(name string) images.Object {
		return images.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}}
	}
	change := func(version string, names ...string) plan.Change {
		c := plan.Change{Namespace: "aistor", Release: "aistor", To: plan.ChartRef{Name: "op", Version: version}, Before: []images.Object{object("a"), object("b")}}
		for _, n := range names {
			c.After = append(c.After, object(n))
		}
		return c
	}
	tr := &dryRuns{plan: &plan.Plan{}, inputs: &plan.Inputs{Facts: &plan.Facts{}, Operator: []plan.Change{change("1", "a", "b"), change("2", "a"), change("3", "a", "b", "c")}}}
	var got []string
	for _, one := range tr.buildRuns() {
		line := one.result.Change + ": " + one.result.Name
		if one.recreatedBy != "" {
			line += ", made anew after " + one.recreatedBy
		}
		got = append(got, line)
	}
	want := []string{
		"aistor/aistor to op-1: a", "aistor/aistor to op-1: b", "aistor/aistor to op-2: a",
		"aistor/aistor to op-3: a", "aistor/aistor to op-3: b, made anew after op-2", "aistor/aistor to op-3: c",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dry runs (-expected +received):\n%s", diff)
	}
}
