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
	// Kept is an object that the target lacks and that is kept,
	// because its chart said so (helm.sh/resource-policy: keep).
	Kept Action = "kept"
)

// Document is what a plan would change. It holds no secrets.
type Document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Plan is the plan's digest.
	Plan string `json:"plan"`
	// Releases are in the order in which they are upgraded; one that goes
	// through intermediate versions is listed once for each.
	Releases []ReleaseDiff `json:"releases"`
}

// ReleaseDiff is one `helm upgrade` to be.
type ReleaseDiff struct {
	// Key is namespace/release; Store is namespace/name of the object store,
	// empty for the operator.
	Key   string        `json:"release"`
	Store string        `json:"objectStore,omitempty"`
	From  plan.ChartRef `json:"from"`
	To    plan.ChartRef `json:"to"`
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

// ComparePlan compares what is installed with what each change renders. What a secret
// is, by itself or because secrets knows it, is replaced; that it changes is said.
func ComparePlan(p *plan.Plan, changes []plan.Change, secrets *redact.Redactor) *Document {
	d := &Document{APIVersion: plan.APIVersion, Kind: Kind, Plan: p.Digest(), Releases: []ReleaseDiff{}}
	for _, c := range changes {
		d.Releases = append(d.Releases, compareRelease(c, secrets))
	}
	return d
}

func compareRelease(c plan.Change, secrets *redact.Redactor) ReleaseDiff {
	r := ReleaseDiff{Key: c.Key(), Store: c.StoreKey(), From: c.From, To: c.To, Objects: []Object{}}
	before, after := byKey(c.Before, c.Namespace), byKey(c.After, c.Namespace)
	for _, k := range sortedKeys(before, after) {
		was, is := before[k], after[k]
		o := Object{ObjectKey: keyOf(is, was, c.Namespace), Action: Changed}
		switch {
		case was.object == nil:
			o.Action = Added
		case is.object == nil:
			o.Action = Removed
			if hasKeepPolicy(was.object) {
				o.Action = Kept
				r.Objects = append(r.Objects, o)
				continue
			}
		case reflect.DeepEqual(plainData(was.object), plainData(is.object)):
			r.Same++
			continue
		}
		o.Diff = unifiedDiff(secrets, o.String(), was.object, is.object)
		o.Plus, o.Minus = countLines(o.Diff)
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

func sortedKeys(before, after map[plan.ObjectKey]entry) []plan.ObjectKey {
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

func hasKeepPolicy(o images.Object) bool {
	meta, _ := o["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	return annotations["helm.sh/resource-policy"] == "keep"
}

// unifiedDiff is the diff of two objects in YAML; nil is nothing.
func unifiedDiff(secrets *redact.Redactor, name string, was, is images.Object) string {
	a, b := maskObjects(secrets, was, is)
	name = message.Line(name)
	return udiff.Unified("a/"+name, "b/"+name, yamlDocument(a), yamlDocument(b))
}

func yamlDocument(v any) string {
	if v == nil {
		return ""
	}
	b, err := yaml.Marshal(v)
	if err != nil {
		return fmt.Sprintf("# it cannot be written as YAML: %v\n", err)
	}
	return string(b)
}

func countLines(diff string) (plus, minus int) {
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
