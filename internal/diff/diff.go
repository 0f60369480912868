package diff

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Kind is the kind of a [Document].
const Kind = "PlanDiff"

// Action is what becomes of an object.
type Action string

// The actions.
const (
	Added   Action = "added"
	Changed Action = "changed"
	Removed Action = "removed"
	// Left is an object that the target lacks and that stays nevertheless,
	// because its chart said so (helm.sh/resource-policy: keep).
	Left Action = "left"
)

// Document is what a plan would change. It holds no secrets.
type Document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Plan is the plan's digest.
	Plan string `json:"plan"`
	// Releases are in the order in which they are upgraded; one that goes
	// through stepping stones is there once for each.
	Releases []Release `json:"releases"`
}

// Release is one `helm upgrade` to be.
type Release struct {
	// Key is namespace/release; Store is namespace/name of the object store,
	// empty for the operator.
	Key   string     `json:"release"`
	Store string     `json:"objectStore,omitempty"`
	From  plan.Chart `json:"from"`
	To    plan.Chart `json:"to"`
	// Objects are those that change, and Same counts the others.
	Objects []Object `json:"objects"`
	Same    int      `json:"same"`
}

// Object is one object that changes.
type Object struct {
	plan.ObjectKey `json:",inline"`
	Action         Action `json:"action"`
	// Diff is unified, with three lines of context.
	Diff string `json:"diff,omitempty"`
	// Plus and Minus count its lines.
	Plus  int `json:"plus"`
	Minus int `json:"minus"`
}

// Of compares what is installed with what each change renders. What a secret
// is, by itself or because secrets knows it, is replaced; that it changes is said.
func Of(p *plan.Plan, changes []plan.Change, secrets *redact.Redactor) *Document {
	d := &Document{APIVersion: plan.APIVersion, Kind: Kind, Plan: p.Digest(), Releases: []Release{}}
	for _, c := range changes {
		d.Releases = append(d.Releases, release(c, secrets))
	}
	return d
}

func release(c plan.Change, secrets *redact.Redactor) Release {
	r := Release{Key: c.Key(), Store: c.StoreKey(), From: c.From, To: c.To, Objects: []Object{}}
	before, after := byKey(c.Before, c.Namespace), byKey(c.After, c.Namespace)
	for _, k := range keys(before, after) {
		was, is := before[k], after[k]
		o := Object{ObjectKey: keyOf(is, was, c.Namespace), Action: Changed}
		switch {
		case was.object == nil:
			o.Action = Added
		case is.object == nil:
			o.Action = Removed
			if keeps(was.object) {
				o.Action = Left
				r.Objects = append(r.Objects, o)
				continue
			}
		case reflect.DeepEqual(plainData(was.object), plainData(is.object)):
			r.Same++
			continue
		}
		o.Diff = unified(secrets, o.String(), was.object, is.object)
		o.Plus, o.Minus = count(o.Diff)
		r.Objects = append(r.Objects, o)
	}
	return r
}

// entry is an object under a key without its version: one that moves to a newer
// version of its API is still the same.
type entry struct{ object images.Object }

func byKey(objects []images.Object, namespace string) map[plan.ObjectKey]entry {
	m := map[plan.ObjectKey]entry{}
	for _, o := range objects {
		k := plan.KeyOf(o, namespace)
		group, _, ok := strings.Cut(k.APIVersion, "/")
		if !ok {
			group = ""
		}
		if k.APIVersion = group; k.Kind != "" {
			m[k] = entry{o}
		}
	}
	return m
}

func keyOf(is, was entry, namespace string) plan.ObjectKey {
	if is.object != nil {
		return plan.KeyOf(is.object, namespace)
	}
	return plan.KeyOf(was.object, namespace)
}

func keys(before, after map[plan.ObjectKey]entry) []plan.ObjectKey {
	var list []plan.ObjectKey
	for k := range before {
		list = append(list, k)
	}
	for k := range after {
		if _, there := before[k]; !there {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, plan.ObjectKey.Compare)
	return list
}

func keeps(o images.Object) bool {
	meta, _ := o["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	return annotations["helm.sh/resource-policy"] == "keep"
}

// unified is the diff of two objects in YAML; nil is nothing.
func unified(secrets *redact.Redactor, name string, was, is images.Object) string {
	a, b := masked(secrets, was, is)
	name = message.Line(name)
	return udiff.Unified("a/"+name, "b/"+name, document(a), document(b))
}

func document(v any) string {
	if v == nil {
		return ""
	}
	b, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Sprintf("# it can't be written as YAML: %v\n", err)
	}
	return string(b)
}

func count(diff string) (plus, minus int) {
	for l := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(l, "+++ "), strings.HasPrefix(l, "--- "):
		case strings.HasPrefix(l, "+"):
			plus++
		case strings.HasPrefix(l, "-"):
			minus++
		}
	}
	return plus, minus
}
