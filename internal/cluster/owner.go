package cluster

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Annotations and labels by which Helm, Flux and Argo CD mark what they own.
const (
	helmRelease          = "meta.helm.sh/release-name"
	helmReleaseNamespace = "meta.helm.sh/release-namespace"
	helmKeep             = "helm.sh/resource-policy"

	fluxHelmName      = "helm.toolkit.fluxcd.io/name"
	fluxHelmNamespace = "helm.toolkit.fluxcd.io/namespace"
	fluxKustName      = "kustomize.toolkit.fluxcd.io/name"
	fluxKustNamespace = "kustomize.toolkit.fluxcd.io/namespace"

	argoTracking = "argocd.argoproj.io/tracking-id"
	argoPrefix   = "argocd.argoproj.io/"
	instance     = "app.kubernetes.io/instance"
)

// namespacedName is a namespace with a name in it; the zero value is nothing.
type namespacedName struct{ namespace, name string }

// String is namespace/name, or empty.
func (n namespacedName) String() string {
	if n.name == "" {
		return ""
	}
	return n.namespace + "/" + n.name
}

// ownership is what an object says of its owners.
type ownership struct {
	release    namespacedName
	tool       string // Flux or "Argo CD"
	reconciler plan.ObjectKey
}

// ownershipOf reads the owners from an object's annotations and labels.
func ownershipOf(o metav1.Object) ownership {
	a, l := o.GetAnnotations(), o.GetLabels()
	var m ownership
	if a[helmRelease] != "" {
		m.release = namespacedName{a[helmReleaseNamespace], a[helmRelease]}
	}
	switch {
	case l[fluxHelmName] != "":
		m.tool = "Flux"
		m.reconciler = plan.ObjectKey{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease",
			Namespace: l[fluxHelmNamespace], Name: l[fluxHelmName]}
	case l[fluxKustName] != "":
		m.tool = "Flux"
		m.reconciler = plan.ObjectKey{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization",
			Namespace: l[fluxKustNamespace], Name: l[fluxKustName]}
	default:
		if app := argoApp(a, l); app.name != "" {
			m.tool = "Argo CD"
			m.reconciler = plan.ObjectKey{APIVersion: "argoproj.io/v1alpha1", Kind: "Application",
				Namespace: app.namespace, Name: app.name}
		}
	}
	return m
}

// argoApp is the Application that tracks an object. A tracking id reads
// "app:group/Kind:namespace/name", and the app "namespace_name" where
// applications may live outside Argo CD's own namespace. The instance label
// alone proves nothing (most charts set it), so it counts only beside an
// annotation of Argo CD's.
func argoApp(annotations, labels map[string]string) namespacedName {
	if app, _, ok := strings.Cut(annotations[argoTracking], ":"); ok && app != "" {
		if ns, n, ok := strings.Cut(app, "_"); ok {
			return namespacedName{ns, n}
		}
		return namespacedName{name: app}
	}
	for k := range annotations {
		if strings.HasPrefix(k, argoPrefix) {
			return namespacedName{name: labels[instance]}
		}
	}
	return namespacedName{}
}

// storeOwner is the ObjectStore that owns an object through its owner
// references.
func storeOwner(o metav1.Object) string {
	for _, r := range o.GetOwnerReferences() {
		if r.Kind == aistor.KindObjectStore && strings.HasPrefix(r.APIVersion, aistor.Group+"/") {
			return r.Name
		}
	}
	return ""
}

// storeLabel is the ObjectStore that an object's labels name. Only the first
// of the labels is known to hold the name; whether the name exists is checked
// where the stores are known.
func storeLabel(labels map[string]string) string {
	if v := labels[aistor.LabelTenant]; v != "" {
		return v
	}
	return labels[aistor.LabelObjectStore]
}

// isAIStorPod reports whether labels are those of a pod of the operator or of a store.
func isAIStorPod(labels map[string]string) bool {
	for _, l := range []string{aistor.LabelOperatorName, aistor.LabelTenant, aistor.LabelObjectStore, labelKES} {
		if _, ok := labels[l]; ok {
			return true
		}
	}
	return false
}

// labelKES is on the pods of a store's key server.
const labelKES = "v1.min.io/kes"

// storePodSelectors find the pods of all stores between them, no pod twice:
// the API cannot ask for one label or another.
func storePodSelectors() []string {
	return []string{
		aistor.LabelTenant,
		aistor.LabelObjectStore + ",!" + aistor.LabelTenant,
		labelKES + ",!" + aistor.LabelObjectStore + ",!" + aistor.LabelTenant,
	}
}
