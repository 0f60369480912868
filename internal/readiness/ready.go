package readiness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Unready lists what an operator release still lacks, each with its
// reason. An empty list means that operator and webhook serve.
func (t Operator) Unready(f *plan.Facts, floor map[plan.ObjectKey]int64) []string {
	var out []string
	for _, d := range t.deployments {
		out = append(out, unreadyDeployment(f, d, floor)...)
	}
	for _, name := range t.webhooks {
		out = append(out, unreadyWebhook(f, name)...)
	}
	for _, key := range t.services {
		i := slices.IndexFunc(f.Services, func(s plan.Service) bool { return s.Namespace == key.Namespace && s.Name == key.Name })
		switch {
		case i < 0:
			out = append(out, absent(f, fmt.Sprintf("Service/%s/%s", key.Namespace, key.Name), "services in "+key.Namespace))
		case f.Services[i].Ready == 0:
			out = append(out, fmt.Sprintf("Service/%s/%s: no ready endpoints", key.Namespace, key.Name))
		}
	}
	for _, name := range t.crds {
		i := slices.IndexFunc(f.CRDs, func(c plan.CRD) bool { return c.Name == name })
		if i >= 0 && !f.CRDs[i].Established {
			out = append(out, "CustomResourceDefinition/"+name+": not established")
		}
	}
	return withGaps(f, out)
}

func unreadyDeployment(f *plan.Facts, d deploymentTarget, floor map[plan.ObjectKey]int64) []string {
	name := fmt.Sprintf("Deployment/%s/%s", d.key.Namespace, d.key.Name)
	w := f.Workload("Deployment", d.key.Namespace, d.key.Name)
	if w == nil {
		return []string{absent(f, name, "deployments in "+d.key.Namespace)}
	}
	var out []string
	if why := unobservedReason(*w, floor); why != "" {
		out = append(out, name+": "+why)
	}
	for _, c := range w.Containers {
		if want := d.images[c.Name]; want != "" && !SameImage(c.Image, want) {
			out = append(out, fmt.Sprintf("%s: container %s has image %s, not %s", name, c.Name, c.Image, want))
		}
	}
	if w.Updated < w.Replicas || w.Ready < w.Replicas {
		out = append(out, fmt.Sprintf("%s: %d of %d updated, %d ready", name, w.Updated, w.Replicas, w.Ready))
	}
	pods := f.PodsOf(*w)
	for p := range pods {
		if !p.Terminating.IsZero() {
			out = append(out, PodName(p)+": still terminating")
		} else if why := podFailureReason(f, p); why != "" && len(out) > 0 {
			out = append(out, PodName(p)+": "+why)
		}
	}
	return out
}

func unreadyWebhook(f *plan.Facts, configuration string) []string {
	seen := false
	var out []string
	for _, w := range f.Webhooks {
		if w.Configuration != configuration {
			continue
		}
		seen = true
		if w.CABundle == 0 {
			out = append(out, fmt.Sprintf("MutatingWebhookConfiguration/%s: webhook %s has no caBundle yet", configuration, w.Name))
		}
	}
	if !seen {
		out = append(out, absent(f, "MutatingWebhookConfiguration/"+configuration, "mutatingwebhookconfigurations"))
	}
	return out
}

// Unready lists what a store still lacks, each with its reason.
func (t Store) Unready(f *plan.Facts) []string {
	s := f.Store(t.Key)
	if s == nil {
		namespace, _, _ := strings.Cut(t.Key, "/")
		return withGaps(f, []string{absent(f, "ObjectStore/"+t.Key, "objectstores in "+namespace)})
	}
	var out []string
	if t.Upgraded && t.spec != "" && !SameImage(s.Image.String(), t.spec) {
		out = append(out, fmt.Sprintf("ObjectStore/%s: has image %s, not %s", t.Key, cmp.Or(s.Image.String(), "(none)"), t.spec))
	}
	sets := f.StatefulSetsOf(t.Key)
	for _, p := range s.Pools {
		if p.StatefulSet != "" && !slices.ContainsFunc(sets, func(w plan.Workload) bool { return w.Name == p.StatefulSet }) {
			out = append(out, absent(f, fmt.Sprintf("StatefulSet/%s/%s", s.Namespace, p.StatefulSet), "statefulsets in "+s.Namespace))
		}
	}
	if len(sets) == 0 {
		out = append(out, "ObjectStore/"+t.Key+": has no StatefulSet")
	}
	for _, w := range sets {
		out = append(out, unreadyStatefulSet(f, w, t)...)
	}
	if image := t.expectedImage(*s); image != "" {
		out = append(out, podsWithOtherImage(f, t.Key, image)...)
	}
	if why := KESUnavailableReason(f, t.Key); why != "" && !t.AcceptsUnready() {
		out = append(out, why)
	}
	return withGaps(f, append(out, healthProblems(*s, t)...))
}

// unreadyStatefulSet evaluates a StatefulSet by its update strategy: under OnDelete
// its status never says that it is done, so the pods' revisions count.
func unreadyStatefulSet(f *plan.Facts, w plan.Workload, t Store) []string {
	name := fmt.Sprintf("StatefulSet/%s/%s", w.Namespace, w.Name)
	var out []string
	if why := unobservedReason(w, t.MinGenerations); why != "" {
		out = append(out, name+": "+why)
	}
	pods := f.PodsOf(w)
	updated := w.Updated
	if w.Strategy == "OnDelete" {
		updated = 0
		for p := range pods {
			if p.Revision == w.UpdateRevision && p.Terminating.IsZero() {
				updated++
			}
		}
	}
	switch {
	case updated < w.Replicas || w.Ready < w.Replicas && !t.AcceptsUnready():
		out = append(out, fmt.Sprintf("%s: %d of %d updated, %d ready", name, updated, w.Replicas, w.Ready))
	case w.Strategy != "OnDelete" && w.CurrentRevision != w.UpdateRevision:
		out = append(out, name+": rollout is not complete")
	}
	for p := range pods {
		switch {
		case !p.Terminating.IsZero():
			out = append(out, PodName(p)+": still terminating")
		case !p.Ready && !t.AcceptsUnready():
			out = append(out, PodName(p)+": "+cmp.Or(podFailureReason(f, p), "not ready"))
		}
	}
	return out
}

func podsWithOtherImage(f *plan.Facts, key, image string) []string {
	var out []string
	for _, p := range f.Pods {
		if p.Store != key || !p.Terminating.IsZero() {
			continue
		}
		for _, c := range p.Containers {
			if c.Name == "minio" && !SameImage(c.Image, image) {
				out = append(out, fmt.Sprintf("%s: runs %s, not %s", PodName(p), c.Image, image))
			}
		}
	}
	return out
}

func healthProblems(s plan.Store, t Store) []string {
	var out []string
	want := "green"
	if !t.Upgraded {
		want = t.Baseline
	}
	if HealthRank(s.Health) < HealthRank(want) && !(t.WaitForHealing && isOnlyHealing(s)) {
		msg := fmt.Sprintf("ObjectStore/%s: health is %s, not %s", t.Key, cmp.Or(s.Health, "unknown"), want)
		if s.Message != "" {
			msg += ": " + s.Message
		}
		out = append(out, msg)
	}
	return out
}

// HealthRank orders the words for a store's health; unknown is below all.
func HealthRank(word string) int { return slices.Index([]string{"red", "yellow", "green"}, word) }

// unobservedReason says why a workload's status is not yet about its newest spec.
func unobservedReason(w plan.Workload, floor map[plan.ObjectKey]int64) string {
	if w.Generation < floor[WithoutVersion(w.ObjectKey)] || w.ObservedGeneration < w.Generation {
		return "the controller has not observed the change yet"
	}
	return ""
}

// isOnlyHealing reports whether a store is yellow for no other reason than that its
// drives heal: each of them is there.
func isOnlyHealing(s plan.Store) bool {
	return s.Health == "yellow" && s.DrivesHealing > 0 && s.DrivesOffline == 0
}

// KESUnavailableReason says that a store asks for KES and none of its key servers is ready:
// a server that restarts then does not come up again, since it cannot read its
// keys. It is empty where one is ready, and where none is to be seen: KES may
// run elsewhere.
func KESUnavailableReason(f *plan.Facts, key string) string {
	s := f.Store(key)
	if s == nil || !s.KES {
		return ""
	}
	seen := 0
	for _, p := range f.Pods {
		if p.Store != key || !p.IsKES() || !p.Terminating.IsZero() {
			continue
		}
		if p.Ready {
			return ""
		}
		seen++
	}
	if seen == 0 {
		return ""
	}
	return fmt.Sprintf("ObjectStore/%s: none of its %d KES pods is ready", key, seen)
}
