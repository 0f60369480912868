package preflight

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestClusterReachable(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "cluster-reachable", []checkCase{
		{name: "a version is an answer", want: Pass, observed: "v1.33.1", details: []string{"alice"}},
		{name: "no version is an error, not a failure", want: Error, required: "an answer", remedy: "kubectl version",
			change: func(_ *testing.T, s *Subject) { s.Facts.ServerVersion = "" }},
	})
}

func TestClusterVersion(t *testing.T) {
	t.Parallel()
	set := func(v string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { s.Facts.ServerVersion, s.Plan.Cluster.Version = v, v }
	}
	runCases(t, PreUpgradeChecks(), "cluster-version", []checkCase{
		{name: "a vendor's suffix is read", want: Pass, change: set("v1.31.4-eks-2d5f260")},
		{name: "too old", want: Fail, change: set("v1.21.9"), line: "1.21.9", required: ">= 1.22"},
		{name: "unreadable", want: Error, change: set("unknown"), observed: "unknown"},
		{name: "changed since the plan", want: Warn, line: "the plan was made for v1.33.1",
			change: func(_ *testing.T, s *Subject) { s.Facts.ServerVersion = "v1.34.0" }},
	})
}

func TestClusterSame(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "cluster-same", []checkCase{
		{name: "the plan's own cluster", want: Pass},
		{name: "another cluster", want: Fail, observed: "uid-2", required: "uid-1",
			change: func(_ *testing.T, s *Subject) { s.Facts.ClusterUID = "uid-2" }},
		{name: "a cluster that can't be told from another", want: Error, line: "could not be read",
			change: func(_ *testing.T, s *Subject) { s.Facts.ClusterUID = "" }},
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "permissions", []checkCase{
		{name: "everything reviewed is allowed", want: Pass, line: "alice"},
		{name: "a missing right is named with its namespace", want: Fail, line: "patch statefulsets in tenant: not allowed", remedy: "kubectl auth can-i patch statefulsets -n tenant",
			change: func(_ *testing.T, s *Subject) {
				s.Permissions = append(s.Permissions, Permission{Verb: "patch", Resource: "statefulsets", Namespace: "tenant"})
			}},
		{name: "every missing right is listed with its question", want: Fail, line: "(and 2 more)",
			details: []string{"patch deployments.apps (a, b) in aistor: not allowed; kubectl auth can-i patch deployments.apps -n aistor",
				"delete clusterrolebindings.rbac.authorization.k8s.io (x) cluster-wide: not allowed; kubectl auth can-i delete clusterrolebindings.rbac.authorization.k8s.io/x",
				"create secrets in tenant: not allowed; kubectl auth can-i create secrets -n tenant"},
			change: func(_ *testing.T, s *Subject) {
				s.Permissions = []Permission{
					{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "aistor", Names: []string{"a", "b"}},
					{Verb: "delete", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings", Names: []string{"x"}},
					{Verb: "create", Resource: "secrets", Namespace: "tenant"},
				}
			}},
		{name: "holding a role's rights serves instead of escalating", want: Warn, line: "escalate clusterroles", remedy: "kubectl auth can-i escalate clusterroles",
			change: func(_ *testing.T, s *Subject) {
				s.Permissions = append(s.Permissions, Permission{Verb: "escalate", Resource: "clusterroles", Optional: true})
			}},
		{name: "an unanswered review is an error", want: Error, line: "time-out",
			change: func(_ *testing.T, s *Subject) {
				s.Permissions = []Permission{{Verb: "get", Resource: "secrets", Cause: "time-out"}}
			}},
		{name: "a refused look is an error", want: Error, line: "nodes could not be read", remedy: "kubectl auth can-i list nodes",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Gaps = []plan.Gap{{Subject: "nodes", Cause: "forbidden", Denied: true}}
			}},
		{name: "a plan without reviews is an error", want: Error, line: "were not reviewed", remedy: "kubectl auth can-i --list",
			change: func(_ *testing.T, s *Subject) { s.Permissions = nil }},
		{name: "without a plan nothing is claimed", want: Skip, change: func(_ *testing.T, s *Subject) { s.Permissions, s.Plan = nil, nil }},
	})
}

func TestNodesReady(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "nodes-ready", []checkCase{
		{name: "all ready", want: Pass, line: "2 nodes"},
		{name: "a node under AIStor is not ready", want: Fail, line: "node n1: not ready, and pod tenant/primary-pool-0-3 runs there", remedy: "kubectl describe node n1",
			change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[0].Ready = false }},
		{name: "another node is not ready", want: Warn, line: "node n2: not ready",
			change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Ready = false }},
		{name: "a cordoned node", want: Warn, line: "node n1: cordoned", remedy: "kubectl uncordon n1",
			change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[0].Cordoned = true }},
		{name: "no nodes at all", want: Error, change: func(_ *testing.T, s *Subject) { s.Facts.Nodes = nil }},
	})
}
