package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkRollout asks whether every workload has arrived where its spec says.
func checkRollout(_ context.Context, s *Subject) Result {
	if len(s.Facts.Workloads) == 0 {
		if hasListGap(s.Facts, "deployments", "statefulsets") {
			return notListed(s.Facts, "deployments", "statefulsets")
		}
		if len(s.Facts.Pods) > 0 {
			return Result{Status: Fail, Message: "pods without workloads", Observed: "0 workloads", Required: ">= 1"}
		}
		return noPods(s)
	}
	byOwner := map[string][]plan.Pod{}
	for _, p := range s.Facts.Pods {
		key := p.Namespace + "/" + p.Controller()
		byOwner[key] = append(byOwner[key], p)
	}
	var f findings
	for _, w := range s.Facts.Workloads {
		evaluateWorkload(&f, w)
		evaluateScale(&f, s, w)
		evaluateRevisions(&f, w, byOwner[w.Namespace+"/"+w.Kind+"/"+w.Name])
	}
	for _, p := range s.Facts.Pods {
		if !p.Terminating.IsZero() {
			evaluateTerminating(&f, p, s.Now)
		}
	}
	evaluateServers(&f, s)
	return f.buildResult("%s rolled out, with %s", plural.CountIs(len(s.Facts.Workloads), "workload"), plural.Count(len(s.Facts.Pods), "pod"))
}

func evaluateWorkload(f *findings, w plan.Workload) {
	name := w.ObjectKey.Label()
	status := shellquote.Command("kubectl rollout status %s/%s -n %s", strings.ToLower(w.Kind), w.Name, w.Namespace)
	switch {
	case w.ObservedGeneration < w.Generation:
		f.addFailure(w.ObjectKey, "%s: observed generation %d of %d", name, w.ObservedGeneration, w.Generation).
			setDetails(fmt.Sprint(w.ObservedGeneration), fmt.Sprint(w.Generation), status)
	case w.Updated < w.Replicas:
		f.addFailure(w.ObjectKey, "%s: %d of %s of the new revision", name, w.Updated, plural.CountIs(w.Replicas, "pod")).
			setDetails(fmt.Sprintf("%d updated", w.Updated), fmt.Sprintf("%d updated", w.Replicas), status)
	case w.Kind == "Deployment" && w.Total > w.Updated:
		f.addFailure(w.ObjectKey, "%s: %s not terminated yet", name, plural.CountIs(w.Total-w.Updated, "old pod")).
			setDetails(plural.Count(w.Total, "pod"), plural.Count(w.Updated, "pod"), status)
	case w.Ready < w.Replicas:
		f.addFailure(w.ObjectKey, "%s: %d of %s ready", name, w.Ready, plural.CountIs(w.Replicas, "pod")).
			setDetails(fmt.Sprintf("%d ready", w.Ready), fmt.Sprintf("%d ready", w.Replicas), status)
	}
}

// evaluateScale finds a workload of the operator that somebody scaled to nothing:
// it is rolled out, with none of its pods, and nobody does its work.
func evaluateScale(f *findings, s *Subject, w plan.Workload) {
	if w.Store != "" || w.Replicas > 0 {
		return
	}
	want := int64(1) // the API's default, and what nobody knows better
	if op := s.Facts.Operator; op != nil {
		for _, o := range images.FilterByKind(images.ParseObjects(op.Manifest), w.Kind) {
			if images.NestedString(o, "metadata", "name") == w.Name {
				want = renderedReplicas(o)
			}
		}
	}
	if want > 0 {
		f.addFailure(w.ObjectKey, "%s: is scaled to 0", w.ObjectKey.Label()).
			setDetails("0 replicas", plural.Count(int(want), "replica"), shellquote.Command("kubectl scale %s/%s -n %s --replicas=%d", strings.ToLower(w.Kind), w.Name, w.Namespace, want))
	}
}

// renderedReplicas are those that a rendered workload asks for; the API's default
// is 1.
func renderedReplicas(o images.Object) int64 {
	switch n := images.NestedValue(o, "spec", "replicas").(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	case int:
		return int64(n)
	}
	return 1
}

// evaluateRevisions names the pods that never restarted.
func evaluateRevisions(f *findings, w plan.Workload, pods []plan.Pod) {
	if w.UpdateRevision == "" {
		return
	}
	for _, p := range pods {
		if p.Revision != "" && p.Revision != w.UpdateRevision && p.Terminating.IsZero() {
			f.addFailure(podKey(p), "%s: still has revision %s of %s, created %s", podKey(p).Label(), p.Revision, w.ObjectKey.Label(), p.Created.UTC().Format(time.RFC3339)).
				setDetails(p.Revision, w.UpdateRevision, describeCommand(podKey(p)))
		}
	}
}

// evaluateServers holds the pods of each store against the servers it asks for.
func evaluateServers(f *findings, s *Subject) {
	if hasListGap(s.Facts, "statefulsets") {
		return
	}
	ready := map[string]int{}
	for _, w := range s.Facts.Workloads {
		if w.Store != "" && w.Kind == "StatefulSet" {
			ready[w.Store] += w.Replicas
		}
	}
	for _, st := range s.Facts.Stores {
		if n := ready[st.Key()]; n < st.ServerCount() {
			f.addFailure(storeKey(st), "object store %s: its StatefulSets have %s for %s", st.Key(), plural.Count(n, "replica"), plural.Count(st.ServerCount(), "server")).
				setDetails(fmt.Sprint(n), fmt.Sprint(st.ServerCount()), describeCommand(storeKey(st)))
		}
	}
}

// checkDeployed asks whether every release carries the chart it was to get.
func checkDeployed(_ context.Context, s *Subject) Result {
	all := allReleases(s.Facts)
	want := targetCharts(s)
	for key := range want {
		if only := s.Facts.Namespace; only != "" && !strings.HasPrefix(key, only+"/") {
			delete(want, key)
		}
	}
	if len(all) == 0 && len(want) == 0 {
		return skipResult("no Helm releases")
	}
	var f findings
	for _, r := range all {
		look := shellquote.Command("helm history %s -n %s", r.Name, r.Namespace)
		if r.Status != "deployed" {
			f.addFailure(releaseKey(r.Key()), "release %s: revision %d is %s", r.Key(), r.Revision, r.Status).setDetails(r.Status, "deployed", look)
		}
		have := plan.ChartRef{Name: r.Chart, Version: r.Version}
		if to, ok := want[r.Key()]; ok && to.String() != have.String() {
			f.addFailure(releaseKey(r.Key()), "release %s: has chart %s, expected %s", r.Key(), have, to).setDetails(have.String(), to.String(), look)
		}
		delete(want, r.Key())
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if hasListGap(s.Facts, "releases") {
			break
		}
		f.addFailure(releaseKey(key), "release %s: not found, expected chart %s", key, want[key]).setDetails("none", want[key].String(), "helm list -A --all")
	}
	return f.buildResult("%s deployed with the expected chart", plural.CountIs(len(all), "release"))
}

// targetCharts is the last chart that each release gets.
func targetCharts(s *Subject) map[string]plan.ChartRef {
	m := map[string]plan.ChartRef{}
	for _, c := range s.orderedChanges() {
		m[c.Key()] = c.To
	}
	if s.Plan == nil {
		return m
	}
	for _, st := range s.Plan.Steps {
		if (st.Action == plan.ActionOperator || st.Action == plan.ActionStore) && st.To != nil {
			m[st.Target] = *st.To
		}
	}
	return m
}

func checkDefinitions(_ context.Context, s *Subject) Result {
	if hasListGap(s.Facts, "customresourcedefinitions") && len(s.Facts.CRDs) == 0 {
		return notListed(s.Facts, "customresourcedefinitions")
	}
	if len(s.Facts.CRDs) == 0 {
		return Result{Status: Fail, Message: "no AIStor CRDs found", Observed: "none", Required: "at least objectstores.aistor.min.io",
			Remedy: "kubectl get crd objectstores.aistor.min.io"}
	}
	var f findings
	k := crdKey(aistor.CRDObjectStores)
	known := slices.ContainsFunc(s.Facts.CRDs, func(c plan.CRD) bool { return c.Name == k.Name })
	if !known && !hasListGap(s.Facts, "customresourcedefinitions") {
		f.addFailure(k, "CRD %s: not found", k.Name).setDetails("none", k.Name, "kubectl get crd "+k.Name)
	}
	for _, c := range s.Facts.CRDs {
		k := crdKey(c.Name)
		if at := images.NestedString(c.Object, "metadata", "deletionTimestamp"); at != "" {
			f.addFailure(k, "CRD %s: is being deleted with all its objects", c.Name).setDetails("being deleted since "+at, "established", describeCommand(k))
			continue
		}
		if !c.Established {
			f.addFailure(k, "CRD %s: not established", c.Name).setDetails("not established", "established", describeCommand(k))
		}
		for _, v := range c.Stored {
			if !servesVersion(c, v) {
				f.addFailure(k, "CRD %s: stored version %s is not served", c.Name, v).
					setDetails(v, strings.Join(c.Served, ", "), describeCommand(k))
			}
		}
	}
	return f.buildResult("%s established", plural.CountIs(len(s.Facts.CRDs), "definition"))
}

func servesVersion(c plan.CRD, version string) bool {
	return len(c.Served) == 0 || slices.Contains(c.Served, version)
}

func checkServices(_ context.Context, s *Subject) Result {
	if hasListGap(s.Facts, "services") && len(s.Facts.Services) == 0 {
		return notListed(s.Facts, "services")
	}
	if len(s.Facts.Services) == 0 {
		return Result{Status: Fail, Message: "no AIStor Services found", Observed: "0 Services", Required: ">= 1",
			Remedy: "kubectl get services -A"}
	}
	var f findings
	for _, v := range s.Facts.Services {
		if v.Ready == 0 && v.Type != "ExternalName" && !hasListGap(s.Facts, "endpointslices") {
			k := serviceKey(v.Namespace, v.Name)
			f.addFailure(k, "%s: has no ready endpoint", k.Label()).
				setDetails("0 endpoints", ">= 1", shellquote.Command("kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", v.Namespace, v.Name))
		}
	}
	return f.buildResult("%s endpoints", plural.CountHas(len(s.Facts.Services), "Service"))
}

// eventRetention is how long an API server keeps events, and how far back they
// are read.
const eventRetention = time.Hour

// checkWarnings passes on what the cluster itself warned of.
func checkWarnings(_ context.Context, s *Subject) Result {
	var f findings
	ready := readyPods(s.Facts)
	for _, e := range s.Facts.WarningEvents {
		if !s.Since.IsZero() && e.Last.Before(s.Since) || ready[e.Object.Namespace+"/"+e.Object.Name] && clearedWhenReady(e.Reason, s.Since.IsZero()) {
			continue
		}
		f.addWarning(e.Object, "%s: %s: %s (%s, last %s)", e.Object.Label(), e.Reason, strings.Join(strings.Fields(e.Message), " "),
			plural.CountTimes(max(e.Count, 1)), e.Last.UTC().Format(time.RFC3339)).setDetails(e.Reason, "no warnings", describeCommand(e.Object))
	}
	if s.Since.IsZero() || s.Now.Sub(s.Since) > eventRetention {
		return f.buildResult("no warnings in the last hour; the API server keeps no older ones")
	}
	return f.buildResult("no warnings since %s", s.Since.UTC().Format(time.RFC3339))
}

func readyPods(f *plan.Facts) map[string]bool {
	ready := map[string]bool{}
	for _, p := range f.Pods {
		ready[p.Namespace+"/"+p.Name] = p.Ready
	}
	return ready
}

// clearedWhenReady reports whether a warning is about a hurdle that a pod cannot have
// any more once it is ready: while it starts its probes fail, and it may have
// waited for a volume. Before an upgrade a past failure to pull is over too;
// during one it is worth reading.
func clearedWhenReady(reason string, before bool) bool {
	switch reason {
	case "FailedScheduling", "Unhealthy":
		return true
	case "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "Failed", "BackOff":
		return before
	}
	return false
}
