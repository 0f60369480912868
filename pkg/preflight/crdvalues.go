package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// idValues is the ID of checkValues.
const idValues = "crd-values"

// checkValues holds custom resources against the definitions that will be
// there. No dry run can: the server validates with what is installed.
func checkValues(_ context.Context, s *Subject) Result {
	j := newValueJudge(s)
	for _, c := range s.Inputs.Operator {
		own := definitionsOf("chart "+c.To.String(), ofKind(c.After, "CustomResourceDefinition")...)
		j.stored(own)
		for _, st := range s.Facts.Stores {
			j.live(own, st)
		}
		j.rendered(own, c)
	}
	coming := comingDefinitions(s)
	for _, c := range s.Inputs.Stores {
		j.rendered(coming, c)
	}
	if j.judged == 0 && len(j.f.list) == 0 {
		return skip("no custom resource of AIStor is there or rendered")
	}
	return j.f.result("%s are accepted by every definition on the way", words.Count(j.judged, "custom resource"))
}

// definitions are CustomResourceDefinitions, each with where it comes from.
type definitions []origin

type origin struct {
	crd  images.Object
	from string
}

func definitionsOf(from string, crds ...images.Object) definitions {
	var d definitions
	for _, crd := range crds {
		d = append(d, origin{crd, from})
	}
	return d
}

// comingDefinitions are those of the operator's target, and what the cluster
// has beside them.
func comingDefinitions(s *Subject) definitions {
	var d definitions
	if t := s.target(); t != nil {
		d = definitionsOf("chart "+t.To.String(), ofKind(t.After, "CustomResourceDefinition")...)
	}
	return append(d, installedDefinitions(s)...)
}

func installedDefinitions(s *Subject) definitions {
	var d definitions
	for _, c := range s.Facts.CRDs {
		if len(c.Object) > 0 {
			d = append(d, origin{c.Object, "the installed definition"})
		}
	}
	return d
}

// of is the definition of a custom resource's kind, the first there is; its
// crd is nil where there is none.
func (d definitions) of(o images.Object) origin {
	group, _, grouped := strings.Cut(images.Text(o, "apiVersion"), "/")
	for _, one := range d {
		if grouped && images.Text(one.crd, "spec", "group") == group && images.Text(one.crd, "spec", "names", "kind") == images.Text(o, "kind") {
			return one
		}
	}
	return origin{}
}

// valueJudge gathers what one run of the check finds.
type valueJudge struct {
	s      *Subject
	f      findings
	judged int
	known  map[compiled]*definition
}

// compiled names a schema: by the identity of its definition, since charts of
// several versions define the same name.
type compiled struct {
	crd     uintptr
	version string
}

func newValueJudge(s *Subject) *valueJudge {
	return &valueJudge{s: s, known: map[compiled]*definition{}}
}

// rendered judges the custom resources that a change brings, as they will be
// once Helm has patched them.
func (j *valueJudge) rendered(d definitions, c plan.Change) {
	for _, o := range c.After {
		def := d.of(o)
		if def.crd == nil {
			continue
		}
		before, after := j.beforeAndAfter(c, o)
		k := bindingKey(plan.KeyOf(o, c.Namespace))
		j.judged++
		for _, b := range j.broken(def.crd, before, after) {
			j.tell(Fail, k, b, def.from, valuesName(c))
		}
	}
}

// beforeAndAfter are a custom resource before and after a change renders it.
// Only object stores are known as they live.
func (j *valueJudge) beforeAndAfter(c plan.Change, o images.Object) (before, after images.Object) {
	was := named(c.Before, images.Text(o, "kind"), images.Text(o, "metadata", "name"))
	if live := liveStore(j.s.Facts, c.Namespace, o); live != nil {
		return live, patched(live, was, o)
	}
	return was, o
}

// stored asks that a definition keeps every version that objects are stored in:
// the server refuses it otherwise.
func (j *valueJudge) stored(d definitions) {
	for _, def := range d {
		name, versions := images.Text(def.crd, "metadata", "name"), versionsOf(def.crd)
		for _, have := range j.s.Facts.CRDs {
			for _, v := range have.Stored {
				if have.Name == name && !slices.Contains(versions, v) {
					j.f.fail(crdKey(name), "definition %s: objects are stored in version %s, which %s does not have any more", name, v, def.from).
						wanted("status.storedVersions: "+strings.Join(have.Stored, ", "), "among "+strings.Join(versions, ", "),
							"kubectl get crd "+name+" -o jsonpath='{.status.storedVersions}'")
				}
			}
		}
	}
}

// live judges a store as it is under the definitions of one operator chart: an
// operator could not write what they don't accept.
func (j *valueJudge) live(d definitions, st plan.Store) {
	def := d.of(st.Object)
	if def.crd == nil {
		return
	}
	j.judged++
	list := j.broken(def.crd, st.Object, st.Object)
	if len(list) == 0 {
		return
	}
	status, values := Fail, "the values of object store "+st.Key()
	for _, c := range j.s.Inputs.Stores {
		if o := named(c.After, aistor.KindObjectStore, st.Name); o != nil && c.Namespace == st.Namespace {
			values = valuesName(c)
			if before, after := j.beforeAndAfter(c, o); len(j.broken(def.crd, before, after)) == 0 {
				status = Warn // only until the store's own upgrade
			}
		}
	}
	for _, b := range list {
		j.tell(status, storeKey(st), b, def.from, values)
	}
}

// broken is what a definition does not accept about an object.
func (j *valueJudge) broken(crd, before, o images.Object) []broken {
	version := images.Text(o, "apiVersion")
	version = version[strings.LastIndexByte(version, '/')+1:]
	key := compiled{reflect.ValueOf(crd).Pointer(), version}
	d, ok := j.known[key]
	if !ok {
		var err error
		if d, err = definitionOf(crd, version); errors.Is(err, errNotServed) {
			return []broken{{path: "apiVersion", why: images.Text(o, "apiVersion") + " is not served"}}
		} else if err != nil {
			return []broken{{path: "its definition", unknown: true, why: "can't be read: " + firstLine(err)}}
		}
		j.known[key] = d
	}
	return d.judge(before, o, j.installed(images.Text(crd, "metadata", "name"), version))
}

// installed is the schema that the server validates dry runs with today.
func (j *valueJudge) installed(name, version string) map[string]any {
	for _, c := range j.s.Facts.CRDs {
		if c.Name == name {
			raw, _ := rawSchema(c.Object, version)
			return raw
		}
	}
	return nil
}

func (j *valueJudge) tell(status Status, k plan.ObjectKey, b broken, from, values string) {
	if slices.ContainsFunc(j.f.list, func(one finding) bool { return one.object == k && one.observed == b.String() }) {
		return // another chart on the way said it
	}
	name := strings.Replace(label(k), "objectstore ", "object store ", 1)
	if b.unknown {
		j.f.error(k, "%s: %s: only a server with the definition of %s could judge it", name, b, from).
			wanted(b.String(), "accepted", "look at it, then --waive "+idValues+"=REASON")
		return
	}
	j.f.add(status, k, "%s: %s: %s does not accept it", name, b, from).
		wanted(b.String(), "what "+from+" accepts", "correct it in "+values)
}

// acceptedLater reports whether a refusal is one of the installed definition
// alone: every field it names is found to break that one, and none the coming
// one.
func acceptedLater(s *Subject, t plan.Trial) bool {
	if len(t.Fields) == 0 || strings.Contains(t.Cause, "denied") {
		return false
	}
	j, installed, coming := newValueJudge(s), installedDefinitions(s), comingDefinitions(s)
	for _, c := range s.changes() {
		if c.Key()+" to "+c.To.String() != t.Change {
			continue
		}
		o := named(c.After, t.Kind, t.Name)
		now, then := installed.of(o).crd, coming.of(o).crd
		if o == nil || now == nil || then == nil {
			continue
		}
		before, after := j.beforeAndAfter(c, o)
		refused := j.broken(now, before, after)
		explained := !slices.ContainsFunc(t.Fields, func(field string) bool {
			return !slices.ContainsFunc(refused, func(b broken) bool { return b.path == field })
		})
		return explained && len(j.broken(then, before, after)) == 0
	}
	return false
}

// liveStore is the object store that a rendered one is patched onto, or nil.
func liveStore(f *plan.Facts, namespace string, o images.Object) images.Object {
	if images.Text(o, "kind") != aistor.KindObjectStore {
		return nil
	}
	k := plan.KeyOf(o, namespace)
	for _, st := range f.Stores {
		if st.Namespace == k.Namespace && st.Name == k.Name && len(st.Object) > 0 {
			return st.Object
		}
	}
	return nil
}

// storeAfter is a live store after its own upgrade, nil where the plan does not
// touch it.
func storeAfter(s *Subject, st plan.Store) images.Object {
	for _, c := range slices.Backward(s.Inputs.Stores) {
		if o := named(c.After, aistor.KindObjectStore, st.Name); o != nil && c.Namespace == st.Namespace {
			return patched(st.Object, named(c.Before, aistor.KindObjectStore, st.Name), o)
		}
	}
	return nil
}

// patched is a live object after Helm's patch, which for custom resources is
// made of the two manifests alone. What can't be made is the rendered object.
func patched(live, before, after images.Object) images.Object {
	if before == nil {
		before = after
	}
	docs := make([][]byte, 3)
	for i, o := range []images.Object{live, before, after} {
		docs[i], _ = json.Marshal(o)
	}
	patch, err := jsonpatch.CreateMergePatch(docs[1], docs[2])
	if err != nil {
		return after
	}
	merged, err := jsonpatch.MergePatch(docs[0], patch)
	if err != nil {
		return after
	}
	var out images.Object
	if json.Unmarshal(merged, &out) != nil {
		return after
	}
	return out
}
