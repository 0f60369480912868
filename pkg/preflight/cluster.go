package preflight

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// oldestServer is the first API server without the beta APIs that the charts
// no longer use either: anything older serves no apiextensions v1 alone.
const oldestServer = "1.22"

func checkReachable(_ context.Context, s *Subject) Result {
	f := s.Facts
	if f.ServerVersion == "" {
		return Result{Status: Error, Message: "the API server did not answer with its version",
			Observed: "no version", Required: "an answer", Remedy: "kubectl version"}
	}
	name := f.Server
	if f.Context != "" {
		name = strings.TrimSpace(fmt.Sprintf("of context %q %s", f.Context, f.Server))
	}
	r := pass("the API server %s answers", name)
	if f.User != "" {
		r.Details = []string{"signed in as " + f.User}
	}
	r.Observed = f.ServerVersion
	return r
}

func checkVersion(_ context.Context, s *Subject) Result {
	have, err := version.ParseGeneric(s.Facts.ServerVersion)
	if err != nil {
		return Result{Status: Error, Message: "the server's version can't be read",
			Observed: s.Facts.ServerVersion, Required: "a version such as v1.33.1", Remedy: "kubectl version"}
	}
	var f findings
	if have.LessThan(version.MustParseGeneric(oldestServer)) {
		f.fail(plan.ObjectKey{}, "the server is %s, older than %s", have, oldestServer).
			wanted(s.Facts.ServerVersion, ">= "+oldestServer, "upgrade Kubernetes first")
	}
	if p := s.madeFor(); p != nil && p.Cluster.Version != "" && p.Cluster.Version != s.Facts.ServerVersion {
		f.warn(plan.ObjectKey{}, "the server is %s, the plan was made for %s", s.Facts.ServerVersion, p.Cluster.Version).
			wanted(s.Facts.ServerVersion, p.Cluster.Version, "helm aistor plan")
	}
	r := f.result("the server is %s", s.Facts.ServerVersion)
	if r.Status == Pass {
		r.Observed, r.Required = s.Facts.ServerVersion, ">= "+oldestServer
	}
	return r
}

func checkSameCluster(_ context.Context, s *Subject) Result {
	p := s.madeFor()
	switch {
	case p == nil || p.Cluster.UID == "":
		return skip("no plan that was made for a certain cluster")
	case s.Facts.ClusterUID == "":
		return Result{Status: Error, Message: "the uid of namespace kube-system could not be read, so the cluster can't be told from another",
			Required: p.Cluster.UID, Remedy: "kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'"}
	case s.Facts.ClusterUID != p.Cluster.UID:
		return Result{Status: Fail, Message: "the plan was made for another cluster",
			Observed: s.Facts.ClusterUID, Required: p.Cluster.UID, Remedy: "name the plan's cluster with --context (kubectl) or --kube-context (helm), or make a plan for this one with helm aistor plan --out"}
	}
	return pass("the plan was made for this cluster")
}

func checkNodes(_ context.Context, s *Subject) Result {
	var f findings
	used := map[string]string{}
	for _, p := range s.Facts.Pods {
		used[p.Node] = p.Namespace + "/" + p.Name
	}
	ready := 0
	for _, n := range s.Facts.Nodes {
		switch pod, inUse := used[n.Name]; {
		case n.Ready && !n.Cordoned:
			ready++
		case !n.Ready && inUse:
			f.fail(nodeKey(n.Name), "node %s: not ready, and pod %s runs there", n.Name, pod).
				wanted("NotReady", "Ready", "kubectl describe node "+n.Name)
		case !n.Ready:
			f.warn(nodeKey(n.Name), "node %s: not ready", n.Name).
				wanted("NotReady", "Ready", "kubectl describe node "+n.Name)
		default:
			f.warn(nodeKey(n.Name), "node %s: cordoned, so a pod that leaves it finds no way back", n.Name).
				wanted("cordoned", "schedulable", "kubectl uncordon "+n.Name)
		}
	}
	if len(s.Facts.Nodes) == 0 && len(gapsOf(s.Facts, "nodes")) == 0 {
		f.error(plan.ObjectKey{}, "the cluster shows no nodes").wanted("0 nodes", ">= 1", "kubectl get nodes")
	}
	return f.result("%s ready", words.Are(ready, "node"))
}

func checkPermissions(_ context.Context, s *Subject) Result {
	var f findings
	for _, a := range s.Access {
		line := a.Verb + " " + a.Type()
		if len(a.Names) > 0 {
			line += " (" + strings.Join(a.Names, ", ") + ")"
		}
		if a.Namespace != "" {
			line += " in " + a.Namespace
		} else {
			line += " in the whole cluster"
		}
		switch can := a.Question(); {
		case a.Allowed, a.Instead, a.Held && mayEscalate(s.Access, a.Namespace):
		case a.Cause != "":
			f.error(plan.ObjectKey{}, "%s: could not be reviewed: %s; %s", line, a.Cause, can).wanted("", "", can)
		case a.Optional && a.Why != "":
			f.warn(plan.ObjectKey{}, "%s: not allowed; %s; %s", line, a.Why, can).wanted("denied", "allowed", can)
		case a.Optional:
			f.warn(plan.ObjectKey{}, "%s: not allowed; %s", line, can).wanted("denied", "allowed", can)
		case a.Held:
			f.fail(plan.ObjectKey{}, "%s: not allowed; a role of the charts grants it, and nobody may write a role without holding its rights; %s", line, can).
				wanted("denied", "allowed", can)
		default:
			f.fail(plan.ObjectKey{}, "%s: not allowed; %s", line, can).wanted("denied", "allowed", can)
		}
	}
	for _, g := range s.Facts.Gaps {
		switch {
		case !g.Denied || outside(s.Facts, []plan.Gap{g}) != nil:
		case g.Optional:
			f.warn(plan.ObjectKey{}, "%s", gapLine(g)).wanted("denied", "allowed", g.Remedy())
		default:
			f.error(plan.ObjectKey{}, "%s", gapLine(g)).wanted("denied", "allowed", g.Remedy())
		}
	}
	if s.Access == nil && s.Plan != nil {
		f.error(plan.ObjectKey{}, "the rights that the plan needs were not reviewed").wanted("not reviewed", "allowed", "kubectl auth can-i --list")
	}
	if s.Access == nil && len(f.list) == 0 {
		return skip("no plan that needs rights; every look that was tried was allowed")
	}
	r := f.result("%s has every right that is needed", orElse(s.Facts.User, "this identity"))
	if r.Status == Pass {
		r.Details = []string{words.Count(len(s.Access), "right") + " reviewed"}
	}
	return r
}

// mayEscalate reports whether roles may be written and bound in a namespace, or
// everywhere, without holding their rights.
func mayEscalate(list []plan.Access, namespace string) bool {
	asked := false
	for _, a := range list {
		if a.Instead && a.Namespace == namespace {
			if !a.Allowed {
				return false
			}
			asked = true
		}
	}
	return asked
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}
