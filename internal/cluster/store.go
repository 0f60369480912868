package cluster

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// objectStore is the part of an ObjectStore that is read; the whole object is
// kept beside it.
type objectStore struct {
	Spec struct {
		Image           string  `json:"image"`
		ImagePullSecret nameRef `json:"imagePullSecret"`
		RollingTimeout  int64   `json:"rollingTimeoutSeconds"`
		ServiceAccount  string  `json:"serviceAccountName"`
		Pools           []struct {
			Name    string `json:"name"`
			Servers int    `json:"servers"`
		} `json:"pools"`
		KES            *imageRef  `json:"kes"`
		Firewall       *firewall  `json:"firewall"`
		InitContainers []imageRef `json:"initContainers"`
		SideCars       *struct {
			Containers []imageRef `json:"containers"`
		} `json:"sideCars"`
	} `json:"spec"`
	Status struct {
		State    string `json:"currentState"`
		Health   string `json:"healthStatus"`
		Message  string `json:"healthMessage"`
		Online   int    `json:"drivesOnline"`
		Offline  int    `json:"drivesOffline"`
		Healing  int    `json:"drivesHealing"`
		Revision int    `json:"revision"`
		License  string `json:"licenseExpiration"`
		Pools    []struct {
			Name        string `json:"name"`
			StatefulSet string `json:"ssName"`
			State       string `json:"state"`
		} `json:"pools"`
	} `json:"status"`
}

// nameRef and imaged spell their tags out: the converter minds the case.
type nameRef struct {
	Name string `json:"name"`
}

type imageRef struct {
	Image string `json:"image"`
}

type firewall struct {
	Enabled *bool  `json:"enabled"`
	Image   string `json:"image"`
}

// storeInfo is a store with what tells whose it is.
type storeInfo struct {
	plan.Store
	ownership
	account string
}

// convertStore converts an ObjectStore. The error says that the object isn't of
// the known shape; what could be read is returned all the same.
func convertStore(u *unstructured.Unstructured) (storeInfo, error) {
	u.SetManagedFields(nil)
	var o objectStore
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &o)
	if err != nil {
		err = fmt.Errorf("reading ObjectStore %q: %w", u.GetNamespace()+"/"+u.GetName(), err)
	}
	s := storeInfo{ownership: ownershipOf(u), account: o.Spec.ServiceAccount}
	s.Store = plan.Store{
		Namespace: u.GetNamespace(), Name: u.GetName(), UID: string(u.GetUID()),
		Release:         s.release.name,
		Images:          o.imageFields(u.GetNamespace() + "/" + u.GetName()),
		ImagePullSecret: o.Spec.ImagePullSecret.Name,
		Health:          o.Status.Health, Message: redact.Text(o.Status.Message), State: redact.Text(o.Status.State),
		DrivesOnline: o.Status.Online, DrivesOffline: o.Status.Offline, DrivesHealing: o.Status.Healing,
		Revision:       o.Status.Revision,
		RollingTimeout: time.Duration(o.Spec.RollingTimeout) * time.Second,
		LicenseExpires: o.Status.License,
		KES:            o.Spec.KES != nil,
		Firewall:       o.Spec.Firewall != nil && (o.Spec.Firewall.Enabled == nil || *o.Spec.Firewall.Enabled),
		Object:         images.Object(u.Object),
		Terminating:    deletionOf(u),
	}
	if ref, err := images.ParseRef(o.Spec.Image); err == nil {
		s.Image = ref
	}
	s.Pools = o.mergePools()
	return s, err
}

// mergePools joins the pools asked for with what the operator says of them, by
// name: their order may differ.
func (o *objectStore) mergePools() []plan.Pool {
	var out []plan.Pool
	for _, p := range o.Spec.Pools {
		pool := plan.Pool{Name: p.Name, Servers: p.Servers}
		for _, st := range o.Status.Pools {
			if st.Name == p.Name {
				pool.StatefulSet, pool.State = st.StatefulSet, st.State
			}
		}
		out = append(out, pool)
	}
	return out
}

// imageFields are all fields that name one. What is not a reference is left to the
// checks, which have the whole object.
func (o *objectStore) imageFields(of string) []images.Image {
	var out []images.Image
	add := func(image, path string) {
		ref, err := images.ParseRef(image)
		if err != nil {
			return
		}
		why := images.Reason{Kind: images.KindUser, Object: aistor.KindObjectStore + "/" + of, Path: path}
		if i := slices.IndexFunc(out, func(e images.Image) bool { return e.Ref == ref }); i >= 0 {
			out[i].Reasons = append(out[i].Reasons, why)
			return
		}
		out = append(out, images.Image{Ref: ref, Reasons: []images.Reason{why}})
	}
	add(o.Spec.Image, ".spec.image")
	if o.Spec.KES != nil {
		add(o.Spec.KES.Image, ".spec.kes.image")
	}
	if o.Spec.Firewall != nil {
		add(o.Spec.Firewall.Image, ".spec.firewall.image")
	}
	for i, c := range o.Spec.InitContainers {
		add(c.Image, fmt.Sprintf(".spec.initContainers[%d].image", i))
	}
	if o.Spec.SideCars != nil {
		for i, c := range o.Spec.SideCars.Containers {
			add(c.Image, fmt.Sprintf(".spec.sideCars.containers[%d].image", i))
		}
	}
	slices.SortFunc(out, func(a, b images.Image) int { return a.Ref.Compare(b.Ref) })
	return out
}
