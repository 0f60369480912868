package cluster

import (
	"cmp"
	"context"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

func warningsOnly() metav1.ListOptions {
	return metav1.ListOptions{FieldSelector: "type=" + corev1.EventTypeWarning}
}

// listRevisions lists the metadata of Helm's records.
func (c *Client) listRevisions(ctx context.Context, l *requestTracker, in listScope) []revision {
	return listFiltered(ctx, l, "helm releases", in, metadataLister(c.metadata, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}),
		metav1.ListOptions{LabelSelector: releaseLabel, FieldSelector: "type=" + releaseType}, parseRevision)
}

// listCRDs lists the names of all definitions and gets those of AIStor: the
// definitions of a busy cluster weigh tens of megabytes.
func (c *Client) listCRDs(ctx context.Context, l *requestTracker) []crdInfo {
	gvr := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	names := listFiltered(ctx, l, "customresourcedefinitions", listScope{all: true}, metadataLister(c.metadata, gvr), metav1.ListOptions{},
		func(m *metav1.PartialObjectMetadata) (string, bool) {
			return m.Name, strings.HasSuffix(m.Name, "."+aistor.Group) || strings.HasSuffix(m.Name, ".sts.min.io")
		})
	var out []crdInfo
	for _, n := range names {
		u, err := c.dynamic.Resource(gvr).Get(ctx, n, metav1.GetOptions{})
		l.recordOutcome(err)
		if err != nil {
			l.addGap("customresourcedefinitions "+n, err)
			continue
		}
		out = append(out, convertCRD(u))
	}
	return out
}

func (c *Client) getClusterUID(ctx context.Context, l *requestTracker) string {
	ns, err := c.typed.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	l.recordOutcome(err)
	if err != nil {
		l.addGap("namespaces "+metav1.NamespaceSystem, err)
		return ""
	}
	return string(ns.UID)
}

// whoAmI asks the server who we are. An old server doesn't know the question,
// and nothing depends on the answer, so a failure is no gap.
func (c *Client) whoAmI(ctx context.Context) string {
	r, err := c.typed.AuthenticationV1().SelfSubjectReviews().
		Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	return r.Status.UserInfo.Username
}

// findOperator decides where the operator runs: where the user says, else
// where the release lives that owns the ObjectStore definition, else where the
// webhook's service is, else where pods carry its label, else where the
// vendor's pages put it.
func (s *snapshot) findOperator(told string) string {
	hooks, running := "", ""
	for _, w := range s.webhooks {
		for _, h := range w.hooks {
			hooks, _, _ = strings.Cut(h.Service, "/")
		}
	}
	for _, p := range s.operatorPods {
		running = p.Namespace
	}
	return cmp.Or(told, s.crdOwner().namespace, hooks, running, aistor.DefaultOperatorNamespace)
}

// neededNamespaces are the operator's and the stores', sorted.
func (s *snapshot) neededNamespaces(scope Scope) []string {
	out := append([]string{s.operatorNamespace}, scope.Namespaces...)
	for _, st := range s.stores {
		out = append(out, st.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
