package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// minimumServerVersion is the first API server without the beta APIs that the charts
// no longer use either: anything older serves no apiextensions v1 alone.
const minimumServerVersion = "1.22"

func checkReachable(_ context.Context, s *Subject) Result {
	f := s.Facts
	if f.ServerVersion == "" {
		return Result{Status: Error, Message: "the API server did not return its version",
			Observed: "no version", Required: "an answer", Remedy: "kubectl version"}
	}
	name := f.Server
	if f.Context != "" {
		name = strings.TrimSpace(fmt.Sprintf("of context %q %s", f.Context, f.Server))
	}
	r := passResult("the API server %s answers", name)
	if f.User != "" {
		r.Details = []string{"signed in as " + f.User}
	}
	r.Observed = f.ServerVersion
	return r
}

func checkVersion(_ context.Context, s *Subject) Result {
	have, err := version.ParseGeneric(s.Facts.ServerVersion)
	if err != nil {
		return Result{Status: Error, Message: "the server's version cannot be parsed",
			Observed: s.Facts.ServerVersion, Required: "a version such as v1.33.1", Remedy: "kubectl version"}
	}
	var f findings
	if have.LessThan(version.MustParseGeneric(minimumServerVersion)) {
		f.addFailure(plan.ObjectKey{}, "the server is %s, older than %s", have, minimumServerVersion).
			setDetails(s.Facts.ServerVersion, ">= "+minimumServerVersion, "upgrade Kubernetes first")
	}
	if p := s.clusterPlan(); p != nil && p.Cluster.Version != "" && p.Cluster.Version != s.Facts.ServerVersion {
		f.addWarning(plan.ObjectKey{}, "the server is %s, the plan was made for %s", s.Facts.ServerVersion, p.Cluster.Version).
			setDetails(s.Facts.ServerVersion, p.Cluster.Version, "helm aistor plan")
	}
	r := f.buildResult("the server is %s", s.Facts.ServerVersion)
	if r.Status == Pass {
		r.Observed, r.Required = s.Facts.ServerVersion, ">= "+minimumServerVersion
	}
	return r
}

func checkSameCluster(_ context.Context, s *Subject) Result {
	p := s.clusterPlan()
	switch {
	case p == nil || p.Cluster.UID == "":
		return skipResult("the plan is not bound to a cluster")
	case s.Facts.ClusterUID == "":
		return Result{Status: Error, Message: "the uid of namespace kube-system could not be read, so the cluster cannot be identified",
			Required: p.Cluster.UID, Remedy: "kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'"}
	case s.Facts.ClusterUID != p.Cluster.UID:
		return Result{Status: Fail, Message: "the plan was made for another cluster",
			Observed: s.Facts.ClusterUID, Required: p.Cluster.UID, Remedy: "select the plan's cluster with --context (kubectl) or --kube-context (helm), or create a plan for this one with: helm aistor plan --out FILE"}
	}
	return passResult("the plan was made for this cluster")
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
			f.addFailure(nodeKey(n.Name), "node %s: not ready, and pod %s runs there", n.Name, pod).
				setDetails("NotReady", "Ready", "kubectl describe node "+n.Name)
		case !n.Ready:
			f.addWarning(nodeKey(n.Name), "node %s: not ready", n.Name).
				setDetails("NotReady", "Ready", "kubectl describe node "+n.Name)
		default:
			f.addWarning(nodeKey(n.Name), "node %s: cordoned, so evicted pods cannot return to it", n.Name).
				setDetails("cordoned", "schedulable", "kubectl uncordon "+n.Name)
		}
	}
	if len(s.Facts.Nodes) == 0 && len(gapsOf(s.Facts, "nodes")) == 0 {
		f.addError(plan.ObjectKey{}, "the cluster shows no nodes").setDetails("0 nodes", ">= 1", "kubectl get nodes")
	}
	return f.buildResult("%s ready", plural.CountIs(ready, "node"))
}

func checkPermissions(_ context.Context, s *Subject) Result {
	var f findings
	for _, a := range s.Permissions {
		line := a.Verb + " " + a.GroupResource()
		if len(a.Names) > 0 {
			line += " (" + strings.Join(a.Names, ", ") + ")"
		}
		if a.Namespace != "" {
			line += " in " + a.Namespace
		} else {
			line += " cluster-wide"
		}
		switch can := a.CanICommand(); {
		case a.Allowed, a.Instead, a.Held && mayEscalate(s.Permissions, a.Namespace):
		case a.Cause != "":
			f.addError(plan.ObjectKey{}, "%s: permission could not be reviewed: %s; %s", line, a.Cause, can).setDetails("", "", can)
		case a.Optional && a.Why != "":
			f.addWarning(plan.ObjectKey{}, "%s: not allowed; %s; %s", line, a.Why, can).setDetails("denied", "allowed", can)
		case a.Optional:
			f.addWarning(plan.ObjectKey{}, "%s: not allowed; %s", line, can).setDetails("denied", "allowed", can)
		case a.Held:
			f.addFailure(plan.ObjectKey{}, "%s: not allowed, but required because a role of the charts grants it; %s", line, can).
				setDetails("denied", "allowed", can)
		default:
			f.addFailure(plan.ObjectKey{}, "%s: not allowed; %s", line, can).setDetails("denied", "allowed", can)
		}
	}
	for _, g := range s.Facts.Gaps {
		switch {
		case !g.Denied || findOutsideGap(s.Facts, []plan.Gap{g}) != nil:
		case g.Optional:
			f.addWarning(plan.ObjectKey{}, "%s", gapMessage(g)).setDetails("denied", "allowed", g.Remedy())
		default:
			f.addError(plan.ObjectKey{}, "%s", gapMessage(g)).setDetails("denied", "allowed", g.Remedy())
		}
	}
	if s.Permissions == nil && s.Plan != nil {
		f.addError(plan.ObjectKey{}, "permissions were not reviewed").setDetails("not reviewed", "allowed", "kubectl auth can-i --list")
	}
	if s.Permissions == nil && len(f.list) == 0 {
		return skipResult("no plan; all reads were allowed")
	}
	r := f.buildResult("%s has all required permissions", cmp.Or(strings.TrimSpace(s.Facts.User), "this identity"))
	if r.Status == Pass {
		r.Details = []string{plural.Count(len(s.Permissions), "right") + " reviewed"}
	}
	return r
}

// mayEscalate reports whether roles may be written and bound in a namespace, or
// everywhere, without holding their rights.
func mayEscalate(list []plan.Permission, namespace string) bool {
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
