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

// perPod is how long one pod is taken to need, where nothing was observed yet.
// A drain may add up to the store's rollingTimeoutSeconds; that is the bound,
// not the expectation.
const perPod = 90 * time.Second

// operatorRestarts are the stores that the operator may roll because its own
// defaults changed: stores without an image of their own follow its minio
// image, and every store follows its sidecar, for which a store has no field.
// Nobody has published whether the operator does so at once, so the plan
// prepares for it and says that it is unverified.
func operatorRestarts(in Inputs, c Change) []Restart {
	before, after := DefaultImages(c.Before), DefaultImages(c.After)
	var list []Restart
	for _, s := range in.Facts.Stores {
		s = in.meanwhile(s)
		from, to := runs(s, before), runs(s, after)
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
			Store: s.Key(), Pods: s.Servers(), How: how(s, from, to),
			Why: why + " (expected, unverified)", Selected: in.selected(s.Key()),
		})
	}
	return list
}

// storeRestarts is what an object store chart's upgrade restarts: its own
// store, where anything in the object's spec changes.
func storeRestarts(in Inputs, c Change) []Restart {
	before, after := find(c.Before, "ObjectStore", ""), find(c.After, "ObjectStore", "")
	if after == nil || sameSpec(before, after) {
		return nil
	}
	i := slices.IndexFunc(in.Facts.Stores, func(s Store) bool { return s.Key() == c.StoreKey() })
	if i < 0 {
		return nil
	}
	s := in.Facts.Stores[i]
	defaults := in.currentDefaults()
	from, to := runs(s, defaults), storeImage(after, defaults)
	why := "its spec changes"
	if from != to {
		why = fmt.Sprintf("image %s to %s", tagOf(from), tagOf(to))
	}
	return []Restart{{Store: s.Key(), Pods: s.Servers(), How: how(s, from, to), Why: why, Selected: true}}
}

// meanwhile is a store as the operator's step finds it: on the way back its own
// chart has gone back before.
func (in Inputs) meanwhile(s Store) Store {
	if !in.goesBack() {
		return s
	}
	for _, c := range in.Stores {
		if c.StoreKey() == s.Key() {
			s.Image, _ = images.ParseRef(images.Text(find(c.After, "ObjectStore", c.Store), "spec", "image"))
		}
	}
	return s
}

// currentDefaults are the operator's default images when the stores' turn
// comes: on the way up its own part of the plan is done by then.
func (in Inputs) currentDefaults() map[string]string {
	if t := in.target(); t != nil && !in.goesBack() {
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
	data, _ := images.At(find(objects, "ConfigMap", "object-store-operator"), "data").(map[string]any)
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

// runs is the minio image a store runs under the given defaults.
func runs(s Store, defaults map[string]string) string {
	if !s.Image.IsZero() {
		return s.Image.String()
	}
	return defaults["minio"]
}

func storeImage(store images.Object, defaults map[string]string) string {
	if image := images.Text(store, "spec", "image"); image != "" {
		return image
	}
	return defaults["minio"]
}

// how says whether the pods of a store go one by one. Server releases on the
// two sides of the first one-by-one release restart together, and so does the
// only server of a store.
func how(s Store, from, to string) How {
	if s.Servers() == 1 {
		return AllAtOnce
	}
	a, errA := aistor.ParseRelease(tagOf(from))
	b, errB := aistor.ParseRelease(tagOf(to))
	if errA != nil || errB != nil || aistor.RollsAllAtOnce(a, b) {
		return AllAtOnce
	}
	return OneByOne
}

// estimate is the usual time of a step: its base, and for each store its pods
// in turn, or one restart where all go at once.
func estimate(base time.Duration, restarts []Restart) Duration {
	total := base
	for _, r := range restarts {
		if r.How == AllAtOnce {
			total += perPod
			continue
		}
		total += time.Duration(r.Pods) * perPod
	}
	return Duration(total)
}

func sameSpec(a, b images.Object) bool {
	x, _ := json.Marshal(images.At(a, "spec"))
	y, _ := json.Marshal(images.At(b, "spec"))
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
