package standin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// statefulSets makes missing StatefulSets and gives changed ones their new pod
// template. One by one means one pool after the other too.
func (r *run) statefulSets(ctx context.Context) error {
	collection := Path("apps/v1", r.store.Namespace(), "statefulsets")
	for _, pool := range r.store.List("spec", "pools") {
		wanted := DesiredStatefulSet(r.store, pool, r.config, r.switches)
		current, ok := r.sets[wanted.Name()]
		if !ok {
			r.created = true
			if err := r.serviceAccount(ctx); err != nil {
				return err
			}
			r.logf("creating StatefulSet %s/%s", r.store.Namespace(), wanted.Name())
			if err := r.Client.Create(ctx, collection, wanted); err != nil {
				return err
			}
			continue
		}
		if !r.changed(current, wanted) {
			r.busy = r.busy || !steady(current)
			continue
		}
		mode := r.mode(current, wanted)
		if mode == "one-by-one" && r.busy {
			continue
		}
		r.busy = true
		r.logf("rolling StatefulSet %s/%s to %s, %s", r.store.Namespace(), wanted.Name(), serverTag(wanted), mode)
		if err := r.Client.Update(ctx, collection+"/"+wanted.Name(), rolled(current, wanted, mode, r.Now())); err != nil {
			return err
		}
	}
	return nil
}

// changed reports whether the pods must be rolled.
func (r *run) changed(current, wanted Object) bool {
	if current.Text("spec", "updateStrategy", "type") != wanted.Text("spec", "updateStrategy", "type") {
		return true
	}
	if current.Annotation(templateKey) == wanted.Annotation(templateKey) {
		return false
	}
	return r.switches.RestartOnConfigMap || current.Annotation(storeKey) != wanted.Annotation(storeKey)
}

// mode returns one-by-one or all-at-once.
func (r *run) mode(current, wanted Object) string {
	if r.switches.Rollout != "auto" {
		return r.switches.Rollout
	}
	if crosses(serverTag(current), serverTag(wanted)) {
		return "all-at-once"
	}
	return "one-by-one"
}

// rolled returns the StatefulSet with the wanted pods in it.
func rolled(current, wanted Object, mode string, now time.Time) Object {
	next := current.Copy()
	spec := next.Map("spec")
	spec["template"], spec["updateStrategy"] = wanted.At("spec", "template"), wanted.At("spec", "updateStrategy")
	// Volume templates cannot change, and replicas must not for a pool.
	next.Annotate(templateKey, wanted.Annotation(templateKey))
	next.Annotate(storeKey, wanted.Annotation(storeKey))
	next.Annotate(rolloutKey, mode)
	next.Annotate(rolledKey, now.UTC().Format(time.RFC3339))
	return next
}

// rollout deletes the pods that the StatefulSet controller will not.
func (r *run) rollout(ctx context.Context) error {
	for _, name := range sortedNames(r.sets) {
		set := r.sets[name]
		doomed := outdated(set, r.pods)
		if len(doomed) == 0 {
			continue
		}
		if set.Annotation(rolloutKey) == "all-at-once" {
			r.busy = true
			r.logf("deleting %d outdated pods of StatefulSet %s/%s", len(doomed), r.store.Namespace(), name)
			if err := r.Client.Delete(ctx, allOutdated(set)); err != nil {
				return err
			}
			continue
		}
		if set.Text("spec", "updateStrategy", "type") != "OnDelete" || !r.allReady() || r.heals() {
			continue
		}
		r.busy = true
		r.logf("deleting outdated pod %s/%s", r.store.Namespace(), doomed[0].Name())
		return r.Client.Delete(ctx, Path("v1", r.store.Namespace(), "pods", doomed[0].Name()))
	}
	return nil
}

// allOutdated is the collection of the set's pods of other revisions than the
// one it updates to. The published operator may delete collections of pods; one
// request also leaves no time in which what was deleted first is already back.
func allOutdated(set Object) string {
	selector := []string{"controller-revision-hash!=" + set.Text("status", "updateRevision")}
	for k, v := range set.Map("spec", "selector", "matchLabels") {
		selector = append(selector, fmt.Sprintf("%s=%v", k, v))
	}
	sort.Strings(selector)
	return Path("v1", set.Namespace(), "pods") + "?" + url.Values{"labelSelector": {strings.Join(selector, ",")}}.Encode()
}

// outdated returns the set's pods of another revision than the one it updates
// to, highest ordinal first. Until its controller has seen the latest template
// there is no telling, and none are returned.
func outdated(set Object, pods []Object) []Object {
	if set.Number("status", "observedGeneration") < set.Number("metadata", "generation") {
		return nil
	}
	var out []Object
	for _, pod := range podsOf(set, pods) {
		if pod.Text("metadata", "deletionTimestamp") == "" && pod.Label("controller-revision-hash") != set.Text("status", "updateRevision") {
			out = append(out, pod)
		}
	}
	sort.Slice(out, func(i, j int) bool { return ordinal(out[i]) > ordinal(out[j]) })
	return out
}

func podsOf(set Object, pods []Object) []Object {
	var out []Object
	for _, pod := range pods {
		for _, owner := range pod.List("metadata", "ownerReferences") {
			if owner.Text("uid") == set.Text("metadata", "uid") {
				out = append(out, pod)
			}
		}
	}
	return out
}

func ordinal(pod Object) int {
	n, err := strconv.Atoi(pod.Name()[strings.LastIndex(pod.Name(), "-")+1:])
	if err != nil {
		return 0
	}
	return n
}

// allReady reports whether every pod of every pool is Ready.
func (r *run) allReady() bool {
	for _, set := range r.sets {
		if countReady(podsOf(set, r.pods)) < set.Number("spec", "replicas") {
			return false
		}
	}
	return true
}

// heals reports whether drives of some pool still heal.
func (r *run) heals() bool {
	for _, set := range r.sets {
		if r.healing(set, podsOf(set, r.pods)) > 0 {
			return true
		}
	}
	return false
}

func countReady(pods []Object) int {
	n := 0
	for _, pod := range pods {
		if ready(pod) {
			n++
		}
	}
	return n
}

// steady reports whether all of the set's pods are of its latest template and
// Ready.
func steady(set Object) bool {
	replicas := set.Number("spec", "replicas")
	return set.Number("status", "observedGeneration") >= set.Number("metadata", "generation") &&
		set.Number("status", "updatedReplicas") >= replicas && set.Number("status", "readyReplicas") >= replicas
}

func serverTag(set Object) string {
	for _, c := range set.List("spec", "template", "spec", "containers") {
		if c.Text("name") == "minio" {
			return tag(c.Text("image"))
		}
	}
	return ""
}

func (r *run) serviceAccount(ctx context.Context) error {
	if r.store.Text("spec", "serviceAccountName") != "" {
		return nil
	}
	err := r.Client.Create(ctx, Path("v1", r.store.Namespace(), "serviceaccounts"), Object{"apiVersion": "v1", "kind": "ServiceAccount",
		"metadata": map[string]any{"name": r.store.Name() + "-sa", "namespace": r.store.Namespace(), "ownerReferences": owner(r.store)}})
	if hasCode(err, http.StatusConflict) {
		return nil
	}
	return err
}

func sortedNames(m map[string]Object) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
