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

// parallel limits how many requests are under way at once.
func parallel() *errgroup.Group {
	var g errgroup.Group
	g.SetLimit(8)
	return &g
}

// Facts takes one look at the cluster, in three rounds: what is cluster-wide
// or says which namespaces matter, what is in these namespaces, and the Secrets
// that the former name. Lists go cluster-wide where many namespaces matter and
// the user may; else they go namespace by namespace.
//
// A request that fails becomes a Gap. The error is a [*ConnectError] where
// nobody answers or the user isn't known, or ctx's own.
func (c *Client) Facts(ctx context.Context, scope Scope) (*plan.Facts, error) {
	version, err := c.version(ctx)
	if err != nil {
		return nil, err
	}
	if scope.Only != "" {
		scope.OperatorNamespace, scope.Namespaces = scope.Only, []string{scope.Only}
	}
	l, s := &look{}, &seen{now: c.now()}
	id := c.lookAround(ctx, l, s, scope)
	if err := c.fatal(ctx, l); err != nil {
		return nil, err
	}
	revisions, license := c.lookInside(ctx, l, s, scope)
	c.releases(ctx, l, s, revisions)
	if scope.Only != "" {
		s.narrow(scope.Only)
	}
	f := s.facts()
	f.Context, f.Server, f.ServerVersion, f.Namespace = c.connection.Context, c.connection.Server, version, scope.Only
	f.ClusterUID, f.User, f.Nodes, f.License = id.uid, id.user, id.nodes, license
	f.Secrets = c.pullSecrets(ctx, l, pullSecretNames(f, nil))
	f.Marked = c.marked(ctx, l, manifestKeys(f))
	f.Gaps = l.sorted()
	c.secrets.AddValue(f.SecretValues()...)
	c.secrets.Keep(f.ReadableNames()...)
	return f, c.fatal(ctx, l)
}

// identity is what round one finds beside what goes into seen.
type identity struct {
	uid, user string
	nodes     []plan.Node
}

// lookAround is round one.
func (c *Client) lookAround(ctx context.Context, l *look, s *seen, scope Scope) identity {
	var id identity
	g := parallel()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	everything := reach{all: true}
	run(func() { id.uid = c.clusterUID(ctx, l) })
	run(func() { id.user = c.whoAmI(ctx) })
	run(func() { id.nodes = gather(ctx, l, "nodes", everything, nodes(c.typed), metav1.ListOptions{}, seeNode) })
	run(func() { s.crds = c.definitions(ctx, l) })
	run(func() {
		s.webhooks = gather(ctx, l, "mutatingwebhookconfigurations", everything, webhooks(c.typed), metav1.ListOptions{}, seeWebhooks)
	})
	run(func() { s.volumes = c.volumes(ctx, l) })
	var bindings []plan.Binding
	run(func() {
		bindings = gather(ctx, l, "clusterrolebindings", everything, clusterRoleBindings(c.typed), metav1.ListOptions{}, seeClusterBinding)
	})
	c.findNamespaces(ctx, l, s, scope, run)
	_ = g.Wait()
	s.bindings = bindings
	s.operatorNamespace = s.findOperator(scope.OperatorNamespace)
	sortBy(id.nodes, func(n plan.Node) string { return n.Name })
	return id
}

// findNamespaces looks at what says which namespaces matter: object stores and
// the operator's pods.
func (c *Client) findNamespaces(ctx context.Context, l *look, s *seen, scope Scope, run func(func())) {
	run(func() {
		in := reach{all: len(scope.Namespaces) == 0, namespaces: scope.Namespaces}
		if in.all {
			in.namespaces = []string{c.connection.Namespace}
		}
		s.stores = gather(ctx, l, "objectstores", in, stores(c.dynamic), metav1.ListOptions{},
			func(u *unstructured.Unstructured) (storeSeen, bool) {
				st, err := seeStore(u)
				if err != nil {
					l.miss("objectstores "+st.Namespace+"/"+st.Name, err)
				}
				return st, true
			})
		// What lies in other namespaces doesn't matter to those listed.
		s.storesKnown = l.gapCount("objectstores") == l.gapCount("objectstores in all namespaces")
	})
	run(func() {
		in := reach{all: true, namespaces: []string{aistor.DefaultOperatorNamespace}}
		if scope.OperatorNamespace != "" {
			in = reach{namespaces: []string{scope.OperatorNamespace}}
		}
		s.operatorPods = gather(ctx, l, "operator pods", in, pods(c.typed),
			metav1.ListOptions{LabelSelector: aistor.LabelOperatorName}, c.seePod)
	})
}

// lookInside is round two. The returned license is nil where it isn't known.
func (c *Client) lookInside(ctx context.Context, l *look, s *seen, scope Scope) ([]revision, *plan.License) {
	needed := s.neededNamespaces(scope)
	in := reach{namespaces: needed}
	g := parallel()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	var revisions []revision
	var license *plan.License
	collect := c.lookAtPods(ctx, l, s, in, run)
	run(func() {
		s.services = gather(ctx, l, "services", in, services(c.typed), metav1.ListOptions{}, seeService)
	})
	run(func() {
		s.endpoints = gather(ctx, l, "endpointslices", in, slicesOf(c.typed), metav1.ListOptions{}, seeSlice)
	})
	run(func() {
		s.claims = gather(ctx, l, "persistentvolumeclaims", in, claims(c.typed), metav1.ListOptions{}, seeClaim)
	})
	run(func() {
		s.budgets = gather(ctx, l, "poddisruptionbudgets", in, budgets(c.typed), metav1.ListOptions{}, seeBudget)
	})
	run(func() {
		s.accounts = gather(ctx, l, "serviceaccounts", in, accounts(c.typed), metav1.ListOptions{}, accountOf)
	})
	run(func() {
		// Round one's cluster-wide bindings are complete by now.
		s.bindings = append(s.bindings, gather(ctx, l, "rolebindings", in, roleBindings(c.typed), metav1.ListOptions{}, seeRoleBinding)...)
	})
	run(func() { license = c.license(ctx, l, s.operatorNamespace) })
	run(func() { s.namespaces = c.namespaces(ctx, l, needed) })
	recorded := s.releaseNamespaces(needed)
	if scope.Only != "" {
		recorded = needed
	}
	run(func() { revisions = c.revisions(ctx, l, reach{namespaces: recorded}) })
	if scope.Events {
		run(func() { s.events = gather(ctx, l, "events", in, events(c.typed), warningsOnly(), seeEvent) })
	}
	_ = g.Wait()
	collect()
	return revisions, license
}

// lookAtPods looks at the pods and what makes them. What it returns puts them
// into s and is called when all requests have ended: s.workloads is read
// meanwhile.
func (c *Client) lookAtPods(ctx context.Context, l *look, s *seen, in reach, run func(func())) (collect func()) {
	selectors := storePodSelectors()
	found := make([][]podSeen, len(selectors))
	for i, selector := range selectors {
		run(func() {
			found[i] = gather(ctx, l, "pods", in, pods(c.typed), metav1.ListOptions{LabelSelector: selector}, c.seePod)
		})
	}
	var deployed, sets []workloadSeen
	run(func() {
		deployed = gather(ctx, l, "deployments", in, deployments(c.typed), metav1.ListOptions{}, c.seeDeployment)
	})
	run(func() {
		sets = gather(ctx, l, "statefulsets", in, statefulSets(c.typed), metav1.ListOptions{}, c.seeStatefulSet)
	})
	return func() {
		s.pods = slices.Concat(append(found, s.operatorPods)...)
		s.workloads = slices.Concat(deployed, sets)
	}
}

// fatal is the error after which nothing that was found is worth showing.
func (c *Client) fatal(ctx context.Context, l *look) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.connectError(l.broken())
}
