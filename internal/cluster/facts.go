package cluster

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// newRequestGroup limits the number of parallel requests.
func newRequestGroup() *errgroup.Group {
	var g errgroup.Group
	g.SetLimit(8)
	return &g
}

// Facts reads the cluster in three rounds: what is cluster-wide
// or says which namespaces matter, what is in these namespaces, and the Secrets
// that the former name. Lists go cluster-wide where many namespaces matter and
// the user may; else they go namespace by namespace.
//
// A request that fails becomes a Gap. The error is a [*ConnectError] where
// nobody answers or the user isn't known, or ctx's own.
func (c *Client) Facts(ctx context.Context, scope Scope) (*plan.Facts, error) {
	version, err := c.serverVersion(ctx)
	if err != nil {
		return nil, err
	}
	if scope.SingleNamespace != "" {
		scope.OperatorNamespace, scope.Namespaces = scope.SingleNamespace, []string{scope.SingleNamespace}
	}
	l, s := &requestTracker{}, &snapshot{now: c.now()}
	id := c.listClusterScoped(ctx, l, s, scope)
	if err := c.fatalError(ctx, l); err != nil {
		return nil, err
	}
	revisions, license := c.listNamespaced(ctx, l, s, scope)
	c.readReleases(ctx, l, s, revisions)
	if scope.SingleNamespace != "" {
		s.restrictWebhooks(scope.SingleNamespace)
	}
	f := s.buildFacts()
	f.Context, f.Server, f.ServerVersion, f.Namespace = c.connection.Context, c.connection.Server, version, scope.SingleNamespace
	f.ClusterUID, f.User, f.Nodes, f.License = id.uid, id.user, id.nodes, license
	f.PullSecrets = c.getPullSecrets(ctx, l, pullSecretNames(f, nil))
	f.Marked = c.marked(ctx, l, manifestKeys(f))
	f.Gaps = l.sortedGaps()
	c.secrets.AddValue(f.SecretValues()...)
	c.secrets.KeepNames(f.ReadableNames()...)
	return f, c.fatalError(ctx, l)
}

// clusterIdentity is what round one finds beside what goes into seen.
type clusterIdentity struct {
	uid, user string
	nodes     []plan.Node
}

// listClusterScoped is round one.
func (c *Client) listClusterScoped(ctx context.Context, l *requestTracker, s *snapshot, scope Scope) clusterIdentity {
	var id clusterIdentity
	g := newRequestGroup()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	everything := listScope{all: true}
	run(func() { id.uid = c.getClusterUID(ctx, l) })
	run(func() { id.user = c.whoAmI(ctx) })
	run(func() {
		id.nodes = listFiltered(ctx, l, "nodes", everything, nodeLister(c.typed), metav1.ListOptions{}, convertNode)
	})
	run(func() { s.crds = c.listCRDs(ctx, l) })
	run(func() {
		s.webhooks = listFiltered(ctx, l, "mutatingwebhookconfigurations", everything, webhookLister(c.typed), metav1.ListOptions{}, convertWebhooks)
	})
	run(func() { s.volumes = c.volumes(ctx, l) })
	var bindings []plan.Binding
	run(func() {
		bindings = listFiltered(ctx, l, "clusterrolebindings", everything, clusterRoleBindingLister(c.typed), metav1.ListOptions{}, convertClusterRoleBinding)
	})
	c.findNamespaces(ctx, l, s, scope, run)
	_ = g.Wait()
	s.bindings = bindings
	s.operatorNamespace = s.findOperator(scope.OperatorNamespace)
	sortBy(id.nodes, func(n plan.Node) string { return n.Name })
	return id
}

// findNamespaces finds the relevant namespaces: object stores and
// the operator's pods.
func (c *Client) findNamespaces(ctx context.Context, l *requestTracker, s *snapshot, scope Scope, run func(func())) {
	run(func() {
		in := listScope{all: len(scope.Namespaces) == 0, namespaces: scope.Namespaces}
		if in.all {
			in.namespaces = []string{c.connection.Namespace}
		}
		s.stores = listFiltered(ctx, l, "objectstores", in, storeLister(c.dynamic), metav1.ListOptions{},
			func(u *unstructured.Unstructured) (storeInfo, bool) {
				st, err := convertStore(u)
				if err != nil {
					l.addGap("objectstores "+st.Namespace+"/"+st.Name, err)
				}
				return st, true
			})
		// What lies in other namespaces doesn't matter to those listed.
		s.storesKnown = l.gapCount("objectstores") == l.gapCount("objectstores in all namespaces")
	})
	run(func() {
		in := listScope{all: true, namespaces: []string{aistor.DefaultOperatorNamespace}}
		if scope.OperatorNamespace != "" {
			in = listScope{namespaces: []string{scope.OperatorNamespace}}
		}
		s.operatorPods = listFiltered(ctx, l, "operator pods", in, podLister(c.typed),
			metav1.ListOptions{LabelSelector: aistor.LabelOperatorName}, c.seePod)
	})
}

// listNamespaced is round two. The returned license is nil where it isn't known.
func (c *Client) listNamespaced(ctx context.Context, l *requestTracker, s *snapshot, scope Scope) ([]revision, *plan.License) {
	needed := s.neededNamespaces(scope)
	in := listScope{namespaces: needed}
	g := newRequestGroup()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	var revisions []revision
	var license *plan.License
	collect := c.listPods(ctx, l, s, in, run)
	run(func() {
		s.services = listFiltered(ctx, l, "services", in, serviceLister(c.typed), metav1.ListOptions{}, convertService)
	})
	run(func() {
		s.endpoints = listFiltered(ctx, l, "endpointslices", in, endpointSliceLister(c.typed), metav1.ListOptions{}, convertEndpointSlice)
	})
	run(func() {
		s.claims = listFiltered(ctx, l, "persistentvolumeclaims", in, claimLister(c.typed), metav1.ListOptions{}, convertClaim)
	})
	run(func() {
		s.budgets = listFiltered(ctx, l, "poddisruptionbudgets", in, disruptionBudgetLister(c.typed), metav1.ListOptions{}, convertDisruptionBudget)
	})
	run(func() {
		s.accounts = listFiltered(ctx, l, "serviceaccounts", in, serviceAccountLister(c.typed), metav1.ListOptions{}, convertServiceAccount)
	})
	run(func() {
		// Round one's cluster-wide bindings are complete by now.
		s.bindings = append(s.bindings, listFiltered(ctx, l, "rolebindings", in, roleBindingLister(c.typed), metav1.ListOptions{}, convertRoleBinding)...)
	})
	run(func() { license = c.getLicense(ctx, l, s.operatorNamespace) })
	run(func() { s.namespaces = c.namespaces(ctx, l, needed) })
	recorded := s.releaseNamespaces(needed)
	if scope.SingleNamespace != "" {
		recorded = needed
	}
	run(func() { revisions = c.listRevisions(ctx, l, listScope{namespaces: recorded}) })
	if scope.Events {
		run(func() {
			s.events = listFiltered(ctx, l, "events", in, eventLister(c.typed), warningsOnly(), convertEvent)
		})
	}
	_ = g.Wait()
	collect()
	return revisions, license
}

// listPods lists pods and their owners. What it returns puts them
// into s and is called when all requests have ended: s.workloads is read
// meanwhile.
func (c *Client) listPods(ctx context.Context, l *requestTracker, s *snapshot, in listScope, run func(func())) (collect func()) {
	selectors := storePodSelectors()
	found := make([][]podInfo, len(selectors))
	for i, selector := range selectors {
		run(func() {
			found[i] = listFiltered(ctx, l, "pods", in, podLister(c.typed), metav1.ListOptions{LabelSelector: selector}, c.seePod)
		})
	}
	var deployed, sets []workloadInfo
	run(func() {
		deployed = listFiltered(ctx, l, "deployments", in, deploymentLister(c.typed), metav1.ListOptions{}, c.seeDeployment)
	})
	run(func() {
		sets = listFiltered(ctx, l, "statefulsets", in, statefulSetLister(c.typed), metav1.ListOptions{}, c.seeStatefulSet)
	})
	return func() {
		s.pods = slices.Concat(append(found, s.operatorPods)...)
		s.workloads = slices.Concat(deployed, sets)
	}
}

// fatalError is the error that makes the facts unusable.
func (c *Client) fatalError(ctx context.Context, l *requestTracker) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.connectError(l.fatalError())
}
