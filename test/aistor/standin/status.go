package standin

import (
	"context"
	"net/http"
	"time"
)

// status writes the store's status where it changed.
func (r *run) status(ctx context.Context) error {
	wanted := r.desiredStatus(ctx)
	if hash(wanted) == hash(r.store["status"]) {
		return nil
	}
	next := r.store.Copy()
	next["status"] = wanted
	err := r.Client.Update(ctx, Path("aistor.min.io/v1", r.store.Namespace(), "objectstores", r.store.Name(), "status"), next)
	if hasCode(err, http.StatusConflict) {
		// Somebody changed the store meanwhile; the next look sees it.
		return nil
	}
	return err
}

func (r *run) desiredStatus(ctx context.Context) map[string]any {
	var pools []PoolHealth
	var entries []any
	online, offline, healing, quorum, drives := 0, 0, 0, 0, 0
	for _, pool := range r.store.List("spec", "pools") {
		set := r.sets[StatefulSetName(r.store.Name(), pool.Text("name"))]
		pods := podsOf(set, r.pods)
		health := PoolHealth{Servers: pool.Number("servers"), Drives: pool.Number("volumesPerServer"), Ready: countReady(pods)}
		pools, entries = append(pools, health), append(entries, poolStatus(r.store, pool, set, pods, health))
		online += min(health.Ready, health.Servers) * health.Drives
		drives += health.Servers * health.Drives
		healing += r.healing(set, pods) * health.Drives
		quorum = max(quorum, health.WriteQuorum())
	}
	offline = drives - online
	color, message := Health(pools)
	status := map[string]any{
		"certificates": map[string]any{"autoCertEnabled": encrypted(r.store)}, "currentState": r.state(offline),
		"healthStatus": color, "healthMessage": message, "pools": entries, "revision": float64(r.revision()), "setup": 1.0, "syncVersion": r.Release,
		"drivesOnline": float64(online), "drivesOffline": float64(offline), "drivesHealing": float64(healing), "writeQuorum": float64(quorum),
	}
	// The license's end is known only where the Secret can be read.
	if secret, err := r.Client.Get(ctx, Path("v1", r.Namespace, "secrets", "minio-license")); err == nil {
		if end, ok := expiry(secret); ok {
			status["licenseExpiration"] = end.Format(time.RFC3339)
		}
	}
	return status
}

func poolStatus(store, pool, set Object, pods []Object, health PoolHealth) map[string]any {
	state := "PoolNotCreated"
	if len(set) > 0 {
		state = "PoolCreated"
		if health.Ready == health.Servers || was(store, pool, "PoolInitialized") {
			state = "PoolInitialized"
		}
	}
	crashing := 0
	for _, pod := range pods {
		for _, c := range append(pod.List("status", "containerStatuses"), pod.List("status", "initContainerStatuses")...) {
			if c.Text("state", "waiting", "reason") == "CrashLoopBackOff" {
				crashing++
				break
			}
		}
	}
	return map[string]any{"name": pool.Text("name"), "ssName": StatefulSetName(store.Name(), pool.Text("name")), "state": state,
		"podStatus": map[string]any{"running": float64(health.Ready), "crashing": float64(crashing), "pending": float64(max(0, health.Servers-health.Ready-crashing))}}
}

// was reports whether the pool had reached that state before.
func was(store, pool Object, state string) bool {
	for _, p := range store.List("status", "pools") {
		if p.Text("name") == pool.Text("name") {
			return p.Text("state") == state
		}
	}
	return false
}

// state returns the text of currentState, in the words of the operator's
// community ancestor.
func (r *run) state(offline int) string {
	switch {
	case r.created:
		return "Provisioning MinIO Statefulset"
	case r.rolling():
		return "Updating MinIO Version"
	case offline > 0:
		return "Waiting for Tenant to be healthy"
	}
	return "Initialized"
}

// rolling reports whether some pod is not of its set's latest template, and
// that template is not the first.
func (r *run) rolling() bool {
	for _, set := range r.sets {
		if set.Annotation(rolledKey) == "" {
			continue
		}
		if set.Number("status", "observedGeneration") < set.Number("metadata", "generation") ||
			set.Number("status", "updatedReplicas") < set.Number("spec", "replicas") {
			return true
		}
	}
	return false
}

// revision counts the templates of the most rolled pool.
func (r *run) revision() int {
	most := 0
	for _, set := range r.sets {
		most = max(most, set.Number("metadata", "generation"))
	}
	return most
}

// healing counts the pods that were restarted so short ago that their drives
// still heal.
func (r *run) healing(set Object, pods []Object) int {
	if r.switches.Healing == 0 || set.Annotation(rolledKey) == "" {
		return 0
	}
	n := 0
	for _, pod := range pods {
		since, err := time.Parse(time.RFC3339, condition(pod, "Ready").Text("lastTransitionTime"))
		if err == nil && ready(pod) && pod.Label("controller-revision-hash") == set.Text("status", "updateRevision") && r.Now().Sub(since) < r.switches.Healing {
			n++
		}
	}
	return n
}
