package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// unreadyOperator lists what an operator release still lacks, each with its
// reason. An empty list means that operator and webhook serve.
func unreadyOperator(f *plan.Facts, t operatorTarget, floor map[plan.ObjectKey]int64) []string {
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

func unreadyDeployment(f *plan.Facts, d wantedDeployment, floor map[plan.ObjectKey]int64) []string {
	name := fmt.Sprintf("Deployment/%s/%s", d.key.Namespace, d.key.Name)
	w := workload(f, "Deployment", d.key.Namespace, d.key.Name)
	if w == nil {
		return []string{absent(f, name, "deployments in "+d.key.Namespace)}
	}
	var out []string
	if why := unobserved(*w, floor); why != "" {
		out = append(out, name+": "+why)
	}
	for _, c := range w.Containers {
		if want := d.images[c.Name]; want != "" && !sameImage(c.Image, want) {
			out = append(out, fmt.Sprintf("%s: container %s asks for %s, not %s", name, c.Name, c.Image, want))
		}
	}
	if w.Updated < w.Replicas || w.Ready < w.Replicas {
		out = append(out, fmt.Sprintf("%s: %d of %d updated, %d ready", name, w.Updated, w.Replicas, w.Ready))
	}
	pods := podsOf(f, *w)
	for p := range pods {
		if !p.Terminating.IsZero() {
			out = append(out, podName(p)+": still ending")
		} else if why := podTrouble(f, p); why != "" && len(out) > 0 {
			out = append(out, podName(p)+": "+why)
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

// unreadyStore lists what a store still lacks, each with its reason.
func unreadyStore(f *plan.Facts, t storeTarget) []string {
	s := store(f, t.key)
	if s == nil {
		namespace, _, _ := strings.Cut(t.key, "/")
		return withGaps(f, []string{absent(f, "ObjectStore/"+t.key, "objectstores in "+namespace)})
	}
	var out []string
	if t.own && t.spec != "" && !sameImage(s.Image.String(), t.spec) {
		out = append(out, fmt.Sprintf("ObjectStore/%s: asks for image %s, not %s", t.key, orNone(s.Image.String()), t.spec))
	}
	sets := storeSets(f, t.key)
	for _, p := range s.Pools {
		if p.StatefulSet != "" && !slices.ContainsFunc(sets, func(w plan.Workload) bool { return w.Name == p.StatefulSet }) {
			out = append(out, absent(f, fmt.Sprintf("StatefulSet/%s/%s", s.Namespace, p.StatefulSet), "statefulsets in "+s.Namespace))
		}
	}
	if len(sets) == 0 {
		out = append(out, "ObjectStore/"+t.key+": has no StatefulSet")
	}
	for _, w := range sets {
		out = append(out, unreadySet(f, w, t)...)
	}
	if image := t.image(*s); image != "" {
		out = append(out, otherImages(f, t.key, image)...)
	}
	if why := kesDown(f, t.key); why != "" && !t.lenient() {
		out = append(out, why)
	}
	return withGaps(f, append(out, unhealthy(*s, t)...))
}

// unreadySet judges a StatefulSet by its own update strategy: under OnDelete
// its status never says that it is done, so the pods' revisions count.
func unreadySet(f *plan.Facts, w plan.Workload, t storeTarget) []string {
	name := fmt.Sprintf("StatefulSet/%s/%s", w.Namespace, w.Name)
	var out []string
	if why := unobserved(w, t.floor); why != "" {
		out = append(out, name+": "+why)
	}
	pods := podsOf(f, w)
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
	case updated < w.Replicas || w.Ready < w.Replicas && !t.lenient():
		out = append(out, fmt.Sprintf("%s: %d of %d updated, %d ready", name, updated, w.Replicas, w.Ready))
	case w.Strategy != "OnDelete" && w.CurrentRevision != w.UpdateRevision:
		out = append(out, name+": roll-out is not complete")
	}
	for p := range pods {
		switch {
		case !p.Terminating.IsZero():
			out = append(out, podName(p)+": still ending")
		case !p.Ready && !t.lenient():
			out = append(out, podName(p)+": "+orElse(podTrouble(f, p), "not ready"))
		}
	}
	return out
}

func otherImages(f *plan.Facts, key, image string) []string {
	var out []string
	for _, p := range f.Pods {
		if p.Store != key || !p.Terminating.IsZero() {
			continue
		}
		for _, c := range p.Containers {
			if c.Name == "minio" && !sameImage(c.Image, image) {
				out = append(out, fmt.Sprintf("%s: runs %s, not %s", podName(p), c.Image, image))
			}
		}
	}
	return out
}

func unhealthy(s plan.Store, t storeTarget) []string {
	var out []string
	want := "green"
	if !t.own {
		want = t.baseline
	}
	if health(s.Health) < health(want) && !(t.heals && onlyHeals(s)) {
		msg := fmt.Sprintf("ObjectStore/%s: health is %s, not %s", t.key, orElse(s.Health, "unknown"), want)
		if s.Message != "" {
			msg += ": " + s.Message
		}
		out = append(out, msg)
	}
	return out
}

// health orders the words for a store's health; unknown is below all.
func health(word string) int { return slices.Index([]string{"red", "yellow", "green"}, word) }

// unobserved says why a workload's status is not yet about its newest spec.
func unobserved(w plan.Workload, floor map[plan.ObjectKey]int64) string {
	if w.Generation < floor[bareKey(w.ObjectKey)] || w.Observed < w.Generation {
		return "its controller has not seen the change yet"
	}
	return ""
}
