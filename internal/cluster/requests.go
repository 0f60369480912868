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

// revisions lists the metadata of Helm's records.
func (c *Client) revisions(ctx context.Context, l *look, in reach) []revision {
	return gather(ctx, l, "helm releases", in, metadataOf(c.metadata, schema.GroupVersionResource{Version: "v1", Resource: "secrets"}),
		metav1.ListOptions{LabelSelector: releaseLabel, FieldSelector: "type=" + releaseType}, seeRevision)
}

// definitions lists the names of all definitions and gets those of AIStor: the
// definitions of a busy cluster weigh tens of megabytes.
func (c *Client) definitions(ctx context.Context, l *look) []crdSeen {
	gvr := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	names := gather(ctx, l, "customresourcedefinitions", reach{all: true}, metadataOf(c.metadata, gvr), metav1.ListOptions{},
		func(m *metav1.PartialObjectMetadata) (string, bool) {
			return m.Name, strings.HasSuffix(m.Name, "."+aistor.Group) || strings.HasSuffix(m.Name, ".sts.min.io")
		})
	var out []crdSeen
	for _, n := range names {
		u, err := c.dynamic.Resource(gvr).Get(ctx, n, metav1.GetOptions{})
		l.heard(err)
		if err != nil {
			l.miss("customresourcedefinitions "+n, err)
			continue
		}
		out = append(out, seeCRD(u))
	}
	return out
}

func (c *Client) clusterUID(ctx context.Context, l *look) string {
	ns, err := c.typed.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	l.heard(err)
	if err != nil {
		l.miss("namespaces "+metav1.NamespaceSystem, err)
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
func (s *seen) findOperator(told string) string {
	hooks, running := "", ""
	for _, w := range s.webhooks {
		for _, h := range w.hooks {
			hooks, _, _ = strings.Cut(h.Service, "/")
		}
	}
	for _, p := range s.operatorPods {
		running = p.Namespace
	}
	return cmp.Or(told, s.definitionOwner().namespace, hooks, running, aistor.DefaultOperatorNamespace)
}

// neededNamespaces are the operator's and the stores', sorted.
func (s *seen) neededNamespaces(scope Scope) []string {
	out := append([]string{s.operatorNamespace}, scope.Namespaces...)
	for _, st := range s.stores {
		out = append(out, st.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
