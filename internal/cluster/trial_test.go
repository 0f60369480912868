package cluster

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A refusal and a question that could not be asked both come as 403.
func TestRefusalsAreToldFromQuestionsThatCouldNotBeAsked(t *testing.T) {
	t.Parallel()
	pods := schema.GroupResource{Resource: "pods"}
	for _, tc := range []struct {
		name string
		err  error
		want plan.TrialOutcome
	}{
		{"pod security", apierrors.NewForbidden(pods, "p", errors.New(`violates PodSecurity "restricted:latest"`)), plan.TrialRefused},
		{"missing rights", apierrors.NewForbidden(pods, "p", errors.New(`User "x" cannot create resource "pods" in API group "" in the namespace "a"`)), plan.TrialUnknown},
		{"a policy", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 422, Reason: metav1.StatusReasonInvalid, Message: `ValidatingAdmissionPolicy 'x' with binding 'x' denied request: no`}}, plan.TrialRefused},
		{"a webhook that denies with a code of its own", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 418, Message: `admission webhook "x" denied the request: no`}}, plan.TrialRefused},
		{"a webhook that takes no dry runs", apierrors.NewBadRequest(`admission webhook "x" does not support dry run`), plan.TrialUnknown},
		{"a webhook that is away", apierrors.NewInternalError(errors.New(`failed calling webhook "x": connection refused`)), plan.TrialUnknown},
		{"the server is busy", apierrors.NewTooManyRequests("later", 1), plan.TrialUnknown},
		{"nobody answers", errors.New("connection refused"), plan.TrialUnknown},
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
		if got := roomAfter(errors.New(text)); got != want {
			t.Errorf("%s: received %t, expected %t", text, got, want)
		}
	}
	if roomAfter(nil) {
		t.Error("no refusal needs no room")
	}
}
