package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkRollout asks whether every workload has arrived where its spec says.
func checkRollout(_ context.Context, s *Subject) Result {
	if len(s.Facts.Workloads) == 0 {
		if unlisted(s.Facts, "deployments", "statefulsets") {
			return notListed(s.Facts, "deployments", "statefulsets")
		}
		if len(s.Facts.Pods) > 0 {
			return Result{Status: Fail, Message: "there are pods, but no workloads that own them", Observed: "0 workloads", Required: ">= 1"}
		}
		return noPods(s)
	}
	byOwner := map[string][]plan.Pod{}
	for _, p := range s.Facts.Pods {
		byOwner[p.Namespace+"/"+p.Owner] = append(byOwner[p.Namespace+"/"+p.Owner], p)
	}
	var f findings
	for _, w := range s.Facts.Workloads {
		judgeWorkload(&f, w)
		judgeScale(&f, s, w)
		judgeRevisions(&f, w, byOwner[w.Namespace+"/"+w.Kind+"/"+w.Name])
	}
	for _, p := range s.Facts.Pods {
		if !p.Terminating.IsZero() {
			judgeTerminating(&f, p, s.Now)
		}
	}
	judgeServers(&f, s)
	return f.result("%s rolled out, with %s", words.Are(len(s.Facts.Workloads), "workload"), words.Count(len(s.Facts.Pods), "pod"))
}

func judgeWorkload(f *findings, w plan.Workload) {
	name := label(w.ObjectKey)
	status := shell.Command("kubectl rollout status %s/%s -n %s", strings.ToLower(w.Kind), w.Name, w.Namespace)
	switch {
	case w.Observed < w.Generation:
		f.fail(w.ObjectKey, "%s: its controller has seen generation %d of %d", name, w.Observed, w.Generation).
			wanted(fmt.Sprint(w.Observed), fmt.Sprint(w.Generation), status)
	case w.Updated < w.Replicas:
		f.fail(w.ObjectKey, "%s: %d of %s of the new revision", name, w.Updated, words.Are(w.Replicas, "pod")).
			wanted(fmt.Sprintf("%d updated", w.Updated), fmt.Sprintf("%d updated", w.Replicas), status)
	case w.Kind == "Deployment" && w.Total > w.Updated:
		f.fail(w.ObjectKey, "%s: %s not gone yet", name, words.Are(w.Total-w.Updated, "old pod")).
			wanted(words.Count(w.Total, "pod"), words.Count(w.Updated, "pod"), status)
	case w.Ready < w.Replicas:
		f.fail(w.ObjectKey, "%s: %d of %s ready", name, w.Ready, words.Are(w.Replicas, "pod")).
			wanted(fmt.Sprintf("%d ready", w.Ready), fmt.Sprintf("%d ready", w.Replicas), status)
	}
}

// judgeScale finds a workload of the operator that somebody scaled to nothing:
// it is rolled out, with none of its pods, and nobody does its work.
func judgeScale(f *findings, s *Subject, w plan.Workload) {
	if w.Store != "" || w.Replicas > 0 {
		return
	}
	want := int64(1) // the API's default, and what nobody knows better
	if op := s.Facts.Operator; op != nil {
		for _, o := range ofKind(images.ParseObjects(op.Manifest), w.Kind) {
			if images.Text(o, "metadata", "name") == w.Name {
				want = replicasOf(o)
			}
		}
	}
	if want > 0 {
		f.fail(w.ObjectKey, "%s: is scaled to 0, and nobody does its work", label(w.ObjectKey)).
			wanted("0 replicas", words.Count(int(want), "replica"), shell.Command("kubectl scale %s/%s -n %s --replicas=%d", strings.ToLower(w.Kind), w.Name, w.Namespace, want))
	}
}

// replicasOf are those that a rendered workload asks for; the API's default
// is 1.
func replicasOf(o images.Object) int64 {
	switch n := images.At(o, "spec", "replicas").(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	case int:
		return int64(n)
	}
	return 1
}

// judgeRevisions names the pods that never restarted.
func judgeRevisions(f *findings, w plan.Workload, pods []plan.Pod) {
	if w.UpdateRevision == "" {
		return
	}
	for _, p := range pods {
		if p.Revision != "" && p.Revision != w.UpdateRevision && p.Terminating.IsZero() {
			f.fail(podKey(p), "%s: is still of revision %s of %s, created %s", label(podKey(p)), p.Revision, label(w.ObjectKey), p.Created.UTC().Format(time.RFC3339)).
				wanted(p.Revision, w.UpdateRevision, describe(podKey(p)))
		}
	}
}

// judgeServers holds the pods of each store against the servers it asks for.
func judgeServers(f *findings, s *Subject) {
	if unlisted(s.Facts, "statefulsets") {
		return
	}
	ready := map[string]int{}
	for _, w := range s.Facts.Workloads {
		if w.Store != "" && w.Kind == "StatefulSet" {
			ready[w.Store] += w.Replicas
		}
	}
	for _, st := range s.Facts.Stores {
		if n := ready[st.Key()]; n < st.Servers() {
			f.fail(storeKey(st), "object store %s: its StatefulSets have %s for %s", st.Key(), words.Count(n, "replica"), words.Count(st.Servers(), "server")).
				wanted(fmt.Sprint(n), fmt.Sprint(st.Servers()), describe(storeKey(st)))
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
		return skip("no Helm releases")
	}
	var f findings
	for _, r := range all {
		look := shell.Command("helm history %s -n %s", r.Name, r.Namespace)
		if r.Status != "deployed" {
			f.fail(releaseKey(r.Key()), "release %s: revision %d is %s", r.Key(), r.Revision, r.Status).wanted(r.Status, "deployed", look)
		}
		have := plan.Chart{Name: r.Chart, Version: r.Version}
		if to, ok := want[r.Key()]; ok && to.String() != have.String() {
			f.fail(releaseKey(r.Key()), "release %s: carries chart %s, expected %s", r.Key(), have, to).wanted(have.String(), to.String(), look)
		}
		delete(want, r.Key())
	}
	for _, key := range sortedKeys(want) {
		if unlisted(s.Facts, "releases") {
			break
		}
		f.fail(releaseKey(key), "release %s: not found, expected chart %s", key, want[key]).wanted("none", want[key].String(), "helm list -A --all")
	}
	return f.result("%s deployed with the expected chart", words.Are(len(all), "release"))
}

// targetCharts is the last chart that each release gets.
func targetCharts(s *Subject) map[string]plan.Chart {
	m := map[string]plan.Chart{}
	for _, c := range s.changes() {
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
	if unlisted(s.Facts, "customresourcedefinitions") && len(s.Facts.CRDs) == 0 {
		return notListed(s.Facts, "customresourcedefinitions")
	}
	if len(s.Facts.CRDs) == 0 {
		return Result{Status: Fail, Message: "no definitions of AIStor were found", Observed: "none", Required: "at least objectstores.aistor.min.io",
			Remedy: "kubectl get crd objectstores.aistor.min.io"}
	}
	var f findings
	k := crdKey(aistor.CRDObjectStores)
	known := slices.ContainsFunc(s.Facts.CRDs, func(c plan.CRD) bool { return c.Name == k.Name })
	if !known && !unlisted(s.Facts, "customresourcedefinitions") {
		f.fail(k, "definition %s: not found", k.Name).wanted("none", k.Name, "kubectl get crd "+k.Name)
	}
	for _, c := range s.Facts.CRDs {
		k := crdKey(c.Name)
		if at := images.Text(c.Object, "metadata", "deletionTimestamp"); at != "" {
			f.fail(k, "definition %s: is being deleted, with every object of its kind", c.Name).wanted("being deleted since "+at, "established", describe(k))
			continue
		}
		if !c.Established {
			f.fail(k, "definition %s: not established", c.Name).wanted("not established", "established", describe(k))
		}
		for _, v := range c.Stored {
			if !served(c, v) {
				f.fail(k, "definition %s: objects are stored as %s, which is not served any more", c.Name, v).
					wanted(v, strings.Join(c.Served, ", "), describe(k))
			}
		}
	}
	return f.result("%s established", words.Are(len(s.Facts.CRDs), "definition"))
}

func served(c plan.CRD, version string) bool {
	return len(c.Served) == 0 || slices.Contains(c.Served, version)
}

func checkServices(_ context.Context, s *Subject) Result {
	if unlisted(s.Facts, "services") && len(s.Facts.Services) == 0 {
		return notListed(s.Facts, "services")
	}
	if len(s.Facts.Services) == 0 {
		return Result{Status: Fail, Message: "no Services of AIStor were found", Observed: "0 Services", Required: ">= 1",
			Remedy: "kubectl get services -A"}
	}
	var f findings
	for _, v := range s.Facts.Services {
		if v.Ready == 0 && v.Type != "ExternalName" && !unlisted(s.Facts, "endpointslices") {
			k := serviceKey(v.Namespace, v.Name)
			f.fail(k, "%s: has no ready endpoint", label(k)).
				wanted("0 endpoints", ">= 1", shell.Command("kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", v.Namespace, v.Name))
		}
	}
	return f.result("%s endpoints", words.Have(len(s.Facts.Services), "Service"))
}

// warningsLast is how long an API server keeps events, and how far back they
// are looked for.
const warningsLast = time.Hour

// checkWarnings passes on what the cluster itself warned of.
func checkWarnings(_ context.Context, s *Subject) Result {
	var f findings
	ready := readyPods(s.Facts)
	for _, e := range s.Facts.Warnings {
		if !s.Since.IsZero() && e.Last.Before(s.Since) || ready[e.Object.Namespace+"/"+e.Object.Name] && overcome(e.Reason, s.Since.IsZero()) {
			continue
		}
		f.warn(e.Object, "%s: %s: %s (%s, last %s)", label(e.Object), e.Reason, strings.Join(strings.Fields(e.Message), " "),
			words.Times(max(e.Count, 1)), e.Last.UTC().Format(time.RFC3339)).wanted(e.Reason, "no warnings", describe(e.Object))
	}
	if s.Since.IsZero() || s.Now.Sub(s.Since) > warningsLast {
		return f.result("no warnings in the last hour; the API server keeps no older ones")
	}
	return f.result("no warnings since %s", s.Since.UTC().Format(time.RFC3339))
}

func readyPods(f *plan.Facts) map[string]bool {
	ready := map[string]bool{}
	for _, p := range f.Pods {
		ready[p.Namespace+"/"+p.Name] = p.Ready
	}
	return ready
}

// overcome reports whether a warning is about a hurdle that a pod can't have
// any more once it is ready: while it starts its probes fail, and it may have
// waited for a volume. Before an upgrade a past failure to pull is over too;
// during one it is worth reading.
func overcome(reason string, before bool) bool {
	switch reason {
	case "FailedScheduling", "Unhealthy":
		return true
	case "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "Failed", "BackOff":
		return before
	}
	return false
}
