package upgrade

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// policyAway is what an API server answers while nobody serves a webhook that
// must not be passed over.
func policyAway() error {
	return apierrors.NewInternalError(errors.New(`failed calling webhook "validate.policy.example-fail": failed to call webhook: ` +
		`Post "https://policy-svc.policies.svc:443/validate?timeout=10s": dial tcp 10.96.7.7:443: connect: connection refused`))
}

// registerDeadWebhook registers the webhook that does not answer.
func registerDeadWebhook(t *testing.T, w *fakeCluster) {
	t.Helper()
	_, err := w.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(t.Context(), &admission.ValidatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: "policies-all"},
		Webhooks:   []admission.ValidatingWebhook{{Name: "other.policy.example"}, {Name: "validate.policy.example-fail"}},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// helmFails makes Helm fail so often, and notes when it was called.
func helmFails(w *fakeCluster, n int, with func() error) *[]time.Time {
	var calls []time.Time
	w.onUpgrade = func(r UpgradeRequest) error {
		if r.Name != "one" {
			return nil
		}
		if calls = append(calls, time.Now()); len(calls) > n {
			return nil
		}
		return with()
	}
	return &calls
}

func TestAWebhookThatIsAwayForAMomentIsWaitedFor(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		registerDeadWebhook(t, w)
		calls := helmFails(w, 2, policyAway)
		x := w.newAttempt(t, "me")
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		for i, at := range *calls {
			if i > 0 && at.Sub((*calls)[i-1]) < helmRetryDelay {
				t.Errorf("call %d came %s after the one before", i+1, at.Sub((*calls)[i-1]))
			}
		}
		if !x.told.hasMessage("webhook validate.policy.example-fail") || x.told.hasMessage("API server went away") {
			t.Errorf("told: %v", x.told.events)
		}
	})
}

func TestAWebhookThatStaysAwayIsNamed(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		registerDeadWebhook(t, w)
		calls := helmFails(w, 99, policyAway)
		x := w.newAttempt(t, "me")
		_, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || !stopped.Changed || stopped.Step != "store-one" {
			t.Fatalf("error: %v", err)
		}
		for _, want := range []string{
			"webhook validate.policy.example-fail of ValidatingWebhookConfiguration/policies-all does not respond at Service policies/policy-svc",
			"hint: once it responds (kubectl get endpointslices -n policies -l kubernetes.io/service-name=policy-svc), helm aistor upgrade --plan p.yaml",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("received: %v\nexpected: %s", err, want)
			}
		}
		if len(*calls) != maxHelmAttempts {
			t.Errorf("Helm was called %d times", len(*calls))
		}
		// The same command continues once the webhook answers.
		w.onUpgrade = nil
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

// What a webhook has checked and refused does not pass by being asked again.
func TestAWebhooksOwnRefusalIsFinal(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		calls := helmFails(w, 99, func() error {
			return &apierrors.StatusError{ErrStatus: meta.Status{Code: 418, Message: `admission webhook "validate.policy.example-fail" denied the request: connection refused by policy`}}
		})
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err == nil || len(*calls) != 1 {
			t.Errorf("Helm was called %d times: %v", len(*calls), err)
		}
	})
}

// A user who waits for a webhook may end that.
func TestWaitingForAWebhookIsInterrupted(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		calls := helmFails(w, 99, func() error { time.AfterFunc(time.Second, cancel); return policyAway() })
		var interrupted *InterruptedError
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		if !errors.As(err, &interrupted) || len(*calls) != 1 || time.Since((*calls)[0]) > 2*time.Second {
			t.Errorf("Helm was called %d times: %v", len(*calls), err)
		}
	})
}
