package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// accessReviewServer answers reviews as the API server does.
type accessReviewServer struct {
	t          *testing.T
	rules      []authorizationv1.ResourceRule
	incomplete bool
	// decide answers one review; nil denies.
	decide func(a authorizationv1.ResourceAttributes) authorizationv1.SubjectAccessReviewStatus

	mu    sync.Mutex
	asked []string
}

func (a *accessReviewServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/api":
		fmt.Fprint(w, `{"kind":"APIVersions","versions":["v1"]}`)
		return
	case "/apis":
		fmt.Fprint(w, `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"x.io","versions":[{"groupVersion":"x.io/v1","version":"v1"}]}]}`)
		return
	case "/api/v1":
		fmt.Fprint(w, `{"kind":"APIResourceList","groupVersion":"v1","resources":[]}`)
		return
	case "/apis/x.io/v1":
		fmt.Fprint(w, `{"kind":"APIResourceList","groupVersion":"x.io/v1","resources":[{"name":"gadgetry","kind":"Gadget","namespaced":false,"verbs":["get"]}]}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	o, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		writeStatusError(w, http.StatusNotFound, "NotFound", r.URL.Path)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch o := o.(type) {
	case *authorizationv1.SelfSubjectRulesReview:
		a.asked = append(a.asked, "rules "+o.Spec.Namespace)
		o.Status = authorizationv1.SubjectRulesReviewStatus{ResourceRules: a.rules, Incomplete: a.incomplete}
		a.writeResponse(w, o, "SelfSubjectRulesReview")
	case *authorizationv1.SelfSubjectAccessReview:
		at := *o.Spec.ResourceAttributes
		a.asked = append(a.asked, strings.TrimSpace(strings.Join([]string{at.Verb, at.Group, at.Resource, at.Namespace, at.Name}, " ")))
		if a.decide != nil {
			o.Status = a.decide(at)
		}
		if o.Status.Reason == "broken" {
			writeStatusError(w, http.StatusInternalServerError, "InternalError", "broken")
			return
		}
		a.writeResponse(w, o, "SelfSubjectAccessReview")
	}
}

func (a *accessReviewServer) writeResponse(w io.Writer, o any, kind string) {
	b, err := json.Marshal(o)
	if err != nil {
		a.t.Error(err)
	}
	fmt.Fprintf(w, `{"apiVersion":"authorization.k8s.io/v1","kind":%q,%s`, kind, b[1:])
}

func (a *accessReviewServer) reviewAccess(wanted ...plan.Permission) []plan.Permission {
	server := httptest.NewServer(a)
	a.t.Cleanup(server.Close)
	return clientOf(a.t, server.URL).ReviewPermissions(a.t.Context(), wanted)
}

func TestAccessNeedsOneReviewForEverythingANamespaceGrants(t *testing.T) {
	t.Parallel()
	a := &accessReviewServer{t: t, rules: []authorizationv1.ResourceRule{
		{Verbs: []string{"get", "patch"}, APIGroups: []string{"apps"}, Resources: []string{"*"}},
		{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"a", "b"}},
	}}
	got := a.reviewAccess(
		plan.Permission{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "n"},
		plan.Permission{Verb: "get", Resource: "secrets", Namespace: "n", Names: []string{"a", "b"}},
	)
	for _, r := range got {
		if !r.Allowed || r.Cause != "" {
			t.Errorf("%s is not allowed: %s", r.CanICommand(), r.Cause)
		}
	}
	if diff := cmp.Diff([]string{"rules n"}, a.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAccessAsksAnewWhatARuleDoesNotGrant(t *testing.T) {
	t.Parallel()
	rules := []authorizationv1.ResourceRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}, ResourceNames: []string{"a"}}}
	secrets := plan.Permission{Verb: "get", Resource: "secrets", Namespace: "n", Names: []string{"a", "b"}}
	for _, incomplete := range []bool{false, true} {
		a := &accessReviewServer{t: t, rules: rules, incomplete: incomplete, decide: func(r authorizationv1.ResourceAttributes) authorizationv1.SubjectAccessReviewStatus {
			return authorizationv1.SubjectAccessReviewStatus{Allowed: r.Name == "a" || r.Resource == "nodes"}
		}}
		got := a.reviewAccess(secrets, plan.Permission{Verb: "list", Resource: "nodes"}, plan.Permission{Verb: "create", Resource: "pods", Namespace: "n"})
		want := []plan.Permission{
			{Verb: "get", Resource: "secrets", Namespace: "n", Names: []string{"b"}},
			{Verb: "list", Resource: "nodes", Allowed: true}, {Verb: "create", Resource: "pods", Namespace: "n"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		slices.Sort(a.asked)
		asked := []string{"create  pods n", "get  secrets n", "get  secrets n a", "get  secrets n b", "list  nodes", "rules n"}
		if diff := cmp.Diff(asked, a.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, secrets.Names); diff != "" {
		t.Errorf("what was wanted was changed:\n%s", diff)
	}
}

func TestAccessSaysWhyItCouldNotBeReviewed(t *testing.T) {
	t.Parallel()
	a := &accessReviewServer{t: t, decide: func(r authorizationv1.ResourceAttributes) authorizationv1.SubjectAccessReviewStatus {
		if r.Resource == "pods" {
			return authorizationv1.SubjectAccessReviewStatus{Reason: "broken"}
		}
		return authorizationv1.SubjectAccessReviewStatus{EvaluationError: "webhook is away"}
	}}
	got := a.reviewAccess(plan.Permission{Verb: "get", Resource: "pods"}, plan.Permission{Verb: "get", Resource: "nodes"})
	if !strings.Contains(got[0].Cause, "broken") || got[1].Cause != "webhook is away" || got[0].Allowed || got[1].Allowed {
		t.Errorf("received %+v", got)
	}
	if none := a.reviewAccess(); none == nil || len(none) > 0 {
		t.Errorf("nothing wanted: received %#v", none)
	}
}

func TestAccessResolvesKindsWhoseResourceWasGuessed(t *testing.T) {
	t.Parallel()
	a := &accessReviewServer{t: t}
	got := a.reviewAccess(
		plan.Permission{Verb: "get", Group: "x.io", Resource: "gadgets", Kind: "Gadget", Version: "v1", Namespace: "n"},
		plan.Permission{Verb: "get", Group: "y.io", Resource: "unknowns", Kind: "Unknown", Version: "v1", Namespace: "n"},
	)
	want := []plan.Permission{
		{Verb: "get", Group: "x.io", Resource: "gadgetry"},
		{Verb: "get", Group: "y.io", Resource: "unknowns", Kind: "Unknown", Version: "v1", Namespace: "n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}
