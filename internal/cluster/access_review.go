package cluster

import (
	"context"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ReviewPermissions asks the API server for each wanted right and returns them in their
// order with the answers; the result is never nil. One review a namespace
// answers what it grants, where the server's own list is complete; everything
// else, and each refusal, is requested by itself, so that a list that leaves
// something out denies nothing. What could not be answered has its Cause.
func (c *Client) ReviewPermissions(ctx context.Context, wanted []plan.Permission) []plan.Permission {
	out := slices.Clone(wanted)
	if out == nil {
		out = []plan.Permission{}
	}
	c.resolveResources(out)
	granted := c.listGrantedRules(ctx, out)
	g := newRequestGroup()
	for i := range out {
		a := &out[i]
		a.Allowed, a.Cause = false, ""
		if rulesAllow(granted[a.Namespace], *a) {
			a.Allowed = true
			continue
		}
		g.Go(func() error {
			c.reviewPermission(ctx, a)
			return nil
		})
	}
	_ = g.Wait()
	return out
}

// resolveResources asks the server how it calls kinds whose resource was guessed. One
// that the server doesn't know yet keeps the guess.
func (c *Client) resolveResources(list []plan.Permission) {
	var mapper meta.RESTMapper
	for i := range list {
		a := &list[i]
		if a.Kind == "" {
			continue
		}
		if mapper == nil {
			var err error
			if mapper, err = c.mapper(); err != nil {
				return
			}
		}
		m, err := mapper.RESTMapping(schema.GroupKind{Group: a.Group, Kind: a.Kind}, a.Version)
		if err != nil {
			continue
		}
		a.Resource, a.Kind, a.Version = m.Resource.Resource, "", ""
		if m.Scope.Name() == meta.RESTScopeNameRoot {
			a.Namespace = ""
		}
	}
}

// listGrantedRules are the complete lists of what is granted, by namespace. There is none
// for the entire cluster: the server makes no such list.
func (c *Client) listGrantedRules(ctx context.Context, wanted []plan.Permission) map[string][]authorizationv1.ResourceRule {
	var namespaces []string
	for _, a := range wanted {
		if a.Namespace != "" && !slices.Contains(namespaces, a.Namespace) {
			namespaces = append(namespaces, a.Namespace)
		}
	}
	lists := make([][]authorizationv1.ResourceRule, len(namespaces))
	g := newRequestGroup()
	for i, ns := range namespaces {
		g.Go(func() error {
			r, err := c.typed.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
				Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: ns},
			}, metav1.CreateOptions{})
			if err == nil && !r.Status.Incomplete && r.Status.EvaluationError == "" {
				lists[i] = r.Status.ResourceRules
			}
			return nil
		})
	}
	_ = g.Wait()
	out := map[string][]authorizationv1.ResourceRule{}
	for i, ns := range namespaces {
		out[ns] = lists[i]
	}
	return out
}

// rulesAllow reports whether one of the rules grants a right, each of its names by
// itself where it has any.
func rulesAllow(rules []authorizationv1.ResourceRule, a plan.Permission) bool {
	names := a.Names
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		if !slices.ContainsFunc(rules, func(r authorizationv1.ResourceRule) bool {
			return containsOrWildcard(r.Verbs, a.Verb) && containsOrWildcard(r.APIGroups, a.Group) && containsOrWildcard(r.Resources, a.Resource) &&
				(len(r.ResourceNames) == 0 || name != "" && slices.Contains(r.ResourceNames, name))
		}) {
			return false
		}
	}
	return true
}

func containsOrWildcard(list []string, s string) bool {
	return slices.Contains(list, s) || slices.Contains(list, "*")
}

// reviewPermission asks for one right: first for any object, and where that is refused
// for the names it is about. Names that are refused are what remains of them.
func (c *Client) reviewPermission(ctx context.Context, a *plan.Permission) {
	if a.Allowed, a.Cause = c.canAccess(ctx, *a, ""); a.Allowed || a.Cause != "" || len(a.Names) == 0 {
		return
	}
	var refused []string
	for _, name := range a.Names {
		ok, cause := c.canAccess(ctx, *a, name)
		if cause != "" {
			a.Cause = cause
			return
		}
		if !ok {
			refused = append(refused, name)
		}
	}
	a.Allowed = len(refused) == 0
	if !a.Allowed {
		a.Names = refused
	}
}

func (c *Client) canAccess(ctx context.Context, a plan.Permission, name string) (ok bool, cause string) {
	r, err := c.typed.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: a.Verb, Group: a.Group, Resource: a.Resource, Namespace: a.Namespace, Name: name,
		}},
	}, metav1.CreateOptions{})
	switch {
	case err != nil:
		return false, err.Error()
	case !r.Status.Allowed && !r.Status.Denied:
		return false, r.Status.EvaluationError
	}
	return r.Status.Allowed, ""
}
