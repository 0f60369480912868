package plan

import (
	"slices"
	"strings"
)

// Permission is one right, and whether the API server grants it.
type Permission struct {
	Verb string `json:"verb"`
	// Group is the API group, empty for the core's.
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"`
	// Kind and Version are set where Resource was only guessed from the kind.
	Kind    string `json:"kind,omitempty"`
	Version string `json:"version,omitempty"`
	// Namespace is empty for the entire cluster.
	Namespace string `json:"namespace,omitempty"`
	// Names are the objects it is about, sorted: the right to these alone
	// suffices. Empty means any.
	Names []string `json:"names,omitempty"`
	// Optional rights make something easier that can be done without them.
	Optional bool `json:"optional,omitempty"`
	// Held rights are those that roles of the charts grant: the API server lets
	// nobody write a role, or bind it, who lacks one of its rights.
	Held bool `json:"held,omitempty"`
	// Instead are rights, escalate and bind, that stand for all that are held in
	// the same namespace. No role is written with them.
	Instead bool `json:"instead,omitempty"`
	// Why says what an optional right is for.
	Why     string `json:"why,omitempty"`
	Allowed bool   `json:"allowed"`
	// Cause is set where the API server could not answer.
	Cause string `json:"cause,omitempty"`
}

// GroupResource is resource.group, as kubectl takes it.
func (a Permission) GroupResource() string {
	if a.Group == "" {
		return a.Resource
	}
	return a.Resource + "." + a.Group
}

// CanICommand is the command that asks the API server for this right.
func (a Permission) CanICommand() string {
	q := "kubectl auth can-i " + a.Verb + " " + a.GroupResource()
	if len(a.Names) == 1 {
		q += "/" + a.Names[0]
	}
	if a.Namespace != "" {
		q += " -n " + a.Namespace
	}
	return q
}

// permissionSet gathers what is needed, each right once.
type permissionSet struct{ list []Permission }

// addVerbs adds a right for some verbs. A right to any object takes the place of
// one to some, and a right that is needed that of an optional one.
func (r *permissionSet) addVerbs(a Permission, verbs ...string) {
	for _, v := range verbs {
		a.Verb = v
		i := slices.IndexFunc(r.list, func(b Permission) bool {
			return a.Verb == b.Verb && a.Group == b.Group && a.Resource == b.Resource && a.Namespace == b.Namespace &&
				a.Held == b.Held && a.Instead == b.Instead
		})
		if i < 0 {
			one := a
			one.Names = slices.Clone(a.Names)
			r.list = append(r.list, one)
			continue
		}
		have := &r.list[i]
		have.Optional = have.Optional && a.Optional
		if len(have.Names) == 0 || len(a.Names) == 0 {
			have.Names = nil
			continue
		}
		have.Names = append(have.Names, a.Names...)
		slices.Sort(have.Names)
		have.Names = slices.Compact(have.Names)
	}
}

// permissionFor says what an object's kind is called in the API. The plural of
// a kind that no chart was seen to render is a guess.
func permissionFor(k ObjectKey) Permission {
	group, version, ok := strings.Cut(k.APIVersion, "/")
	if !ok {
		group, version = "", k.APIVersion
	}
	a := Permission{Group: group, Namespace: k.Namespace}
	if knownKinds()[k.Kind] {
		a.Resource = plainPlural(k.Kind)
		return a
	}
	a.Resource, a.Kind, a.Version = plainPlural(k.Kind), k.Kind, version
	return a
}

// plainPlural is the lower-case plural by the rules of English, which all of
// Kubernetes' own kinds but Endpoints follow.
func plainPlural(kind string) string {
	n := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(n, "s"), strings.HasSuffix(n, "x"), strings.HasSuffix(n, "ch"):
		return n + "es"
	case strings.HasSuffix(n, "y") && !strings.HasSuffix(n, "ay") && !strings.HasSuffix(n, "ey"):
		return strings.TrimSuffix(n, "y") + "ies"
	}
	return n + "s"
}

// knownKinds are those the charts of AIStor render, and Kubernetes' own beside
// them; the plural of each follows the rules.
func knownKinds() map[string]bool {
	m := map[string]bool{}
	for _, k := range []string{
		"ClusterRole", "ClusterRoleBinding", "ConfigMap", "CronJob", "CustomResourceDefinition", "DaemonSet", "Deployment",
		"Ingress", "Job", "MutatingWebhookConfiguration", "Namespace", "NetworkPolicy", "ObjectStore", "PersistentVolumeClaim", "Pod",
		"PodDisruptionBudget", "PriorityClass", "Role", "RoleBinding", "Secret", "Service", "ServiceAccount", "StatefulSet",
		"StorageClass", "ValidatingWebhookConfiguration",
	} {
		m[k] = true
	}
	return m
}
