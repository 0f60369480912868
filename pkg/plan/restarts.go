package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// podRestartEstimate is how long one pod is taken to need, where nothing was observed yet.
// A drain may add up to the store's rollingTimeoutSeconds; that is the bound,
// not the expectation.
const podRestartEstimate = 90 * time.Second

// operatorRestarts are the stores that the operator may roll because its own
// defaults changed: stores without an image of their own follow its minio
// image, and every store follows its sidecar, for which a store has no field.
// Nobody has published whether the operator does so at once, so the plan
// prepares for it and says that it is unverified.
func operatorRestarts(in Inputs, c Change) []Restart {
	before, after := DefaultImages(c.Before), DefaultImages(c.After)
	var list []Restart
	for _, s := range in.Facts.Stores {
		s = in.storeAtOperatorStep(s)
		from, to := effectiveImage(s, before), effectiveImage(s, after)
		var why string
		switch {
		case from != to && s.Image.IsZero():
			why = fmt.Sprintf("default image %s to %s", tagOf(from), tagOf(to))
		case before["minio-sidecar"] != after["minio-sidecar"]:
			why = fmt.Sprintf("sidecar %s to %s", tagOf(before["minio-sidecar"]), tagOf(after["minio-sidecar"]))
		default:
			continue
		}
		list = append(list, Restart{
			Store: s.Key(), Pods: s.ServerCount(), Strategy: restartStrategy(s, from, to),
			Why: why + " (expected, unverified)", Selected: in.selectsStore(s.Key()),
		})
	}
	return list
}

// storeRestarts is what an object store chart's upgrade restarts: its own
// store, where anything in the object's spec changes.
func storeRestarts(in Inputs, c Change) []Restart {
	before, after := images.FindObject(c.Before, "ObjectStore", ""), images.FindObject(c.After, "ObjectStore", "")
	if after == nil || sameSpec(before, after) {
		return nil
	}
	i := slices.IndexFunc(in.Facts.Stores, func(s Store) bool { return s.Key() == c.StoreKey() })
	if i < 0 {
		return nil
	}
	s := in.Facts.Stores[i]
	defaults := in.currentDefaults()
	from, to := effectiveImage(s, defaults), storeImage(after, defaults)
	why := "its spec changes"
	if from != to {
		why = fmt.Sprintf("image %s to %s", tagOf(from), tagOf(to))
	}
	return []Restart{{Store: s.Key(), Pods: s.ServerCount(), Strategy: restartStrategy(s, from, to), Why: why, Selected: true}}
}

// storeAtOperatorStep is a store as the operator's step finds it: on the rollback its own
// chart has gone back before.
func (in Inputs) storeAtOperatorStep(s Store) Store {
	if !in.isRollback() {
		return s
	}
	for _, c := range in.Stores {
		if c.StoreKey() == s.Key() {
			s.Image, _ = images.ParseRef(images.NestedString(images.FindObject(c.After, "ObjectStore", c.Store), "spec", "image"))
		}
	}
	return s
}

// currentDefaults are the operator's default images when the stores' turn
// comes: on the way up its own part of the plan is done by then.
func (in Inputs) currentDefaults() map[string]string {
	if t := in.operatorTarget(); t != nil && !in.isRollback() {
		return DefaultImages(t.After)
	}
	if op := in.Facts.Operator; op != nil {
		return DefaultImages(images.ParseObjects(op.Manifest))
	}
	return in.Facts.runningDefaults()
}

// runningDefaults are the images that stores without an image of their own run:
// what the operator gives to them, where nothing of it can be seen.
func (f *Facts) runningDefaults() map[string]string {
	m := map[string]string{}
	for _, w := range f.Workloads {
		i := slices.IndexFunc(f.Stores, func(s Store) bool { return s.Key() == w.Store && s.Image.IsZero() })
		if i < 0 || w.Kind != "StatefulSet" {
			continue
		}
		for _, c := range w.Containers {
			if c.Name == aistor.ContainerMinIO {
				m["minio"] = c.Image
			}
		}
	}
	return m
}

// DefaultImages are the references in the ConfigMap that the object store
// operator reads, by image name: what it gives to stores that name none.
func DefaultImages(objects []images.Object) map[string]string {
	m := map[string]string{}
	data, _ := images.NestedValue(images.FindObject(objects, "ConfigMap", "object-store-operator"), "data").(map[string]any)
	for name, v := range data {
		var entry struct {
			Image string `json:"image"`
		}
		if s, ok := v.(string); ok && yaml.Unmarshal([]byte(s), &entry) == nil && entry.Image != "" {
			m[name] = entry.Image
		}
	}
	return m
}

// effectiveImage is the minio image a store runs under the given defaults.
func effectiveImage(s Store, defaults map[string]string) string {
	if !s.Image.IsZero() {
		return s.Image.String()
	}
	return defaults["minio"]
}

func storeImage(store images.Object, defaults map[string]string) string {
	if image := images.NestedString(store, "spec", "image"); image != "" {
		return image
	}
	return defaults["minio"]
}

// restartStrategy says whether the pods of a store go one by one. Server releases on the
// two sides of the first one-by-one release restart together, and so does the
// only server of a store.
func restartStrategy(s Store, from, to string) RestartStrategy {
	if s.ServerCount() == 1 {
		return AllAtOnce
	}
	a, errA := aistor.ParseServerVersion(tagOf(from))
	b, errB := aistor.ParseServerVersion(tagOf(to))
	if errA != nil || errB != nil || aistor.RollsAllAtOnce(a, b) {
		return AllAtOnce
	}
	return OneByOne
}

// estimateDuration is the usual time of a step: its base, and for each store its pods
// in turn, or one restart where all go at once.
func estimateDuration(base time.Duration, restarts []Restart) Duration {
	total := base
	for _, r := range restarts {
		if r.Strategy == AllAtOnce {
			total += podRestartEstimate
			continue
		}
		total += time.Duration(r.Pods) * podRestartEstimate
	}
	return Duration(total)
}

func sameSpec(a, b images.Object) bool {
	x, _ := json.Marshal(images.NestedValue(a, "spec"))
	y, _ := json.Marshal(images.NestedValue(b, "spec"))
	return string(x) == string(y)
}

func tagOf(ref string) string {
	r, err := images.ParseRef(ref)
	switch {
	case err != nil || r.IsZero():
		return "(none)"
	case r.Tag != "":
		return r.Tag
	default:
		return r.Digest
	}
}
