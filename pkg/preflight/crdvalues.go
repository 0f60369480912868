package preflight

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// idValues is the ID of checkValues.
const idValues = "crd-values"

// checkValues holds custom resources against the definitions that will be
// there. No dry run can: the server validates with what is installed.
func checkValues(_ context.Context, s *Subject) Result {
	j := newValueValidator(s)
	for _, c := range s.Inputs.Operator {
		own := c.CRDs()
		j.validateStoredVersions(own)
		for _, st := range s.Facts.Stores {
			j.validateLive(own, st)
		}
		j.validateRendered(own, c)
	}
	coming := s.ruleInputs().TargetCRDs()
	for _, c := range s.Inputs.Stores {
		j.validateRendered(coming, c)
	}
	if j.evaluated == 0 && len(j.findings.list) == 0 {
		return skipResult("no AIStor custom resources")
	}
	return j.findings.buildResult("%s are valid for all CRDs of the plan", plural.Count(j.evaluated, "custom resource"))
}

// valueValidator gathers what one run of the check finds.
type valueValidator struct {
	subject   *Subject
	findings  findings
	evaluated int
	schemas   map[schemaKey]*crdSchema
}

// schemaKey names a schema: by the identity of its definition, since charts of
// several versions define the same name.
type schemaKey struct {
	crd     uintptr
	version string
}

func newValueValidator(s *Subject) *valueValidator {
	return &valueValidator{subject: s, schemas: map[schemaKey]*crdSchema{}}
}

// validateRendered validates the custom resources that a change renders, as they will be
// once Helm has patched them.
func (j *valueValidator) validateRendered(d plan.CRDList, c plan.Change) {
	for _, o := range c.After {
		def := d.FindFor(o)
		if def.CRD == nil {
			continue
		}
		before, after := j.beforeAndAfter(c, o)
		k := plan.KeyOf(o, c.Namespace).WithoutVersion()
		j.evaluated++
		for _, b := range j.findViolations(def.CRD, before, after) {
			j.addViolation(Fail, k, b, def.From, c.ValuesName())
		}
	}
}

// beforeAndAfter are a custom resource before and after a change renders it.
// Only object stores are known as they live.
func (j *valueValidator) beforeAndAfter(c plan.Change, o images.Object) (before, after images.Object) {
	was := images.FindObject(c.Before, images.NestedString(o, "kind"), images.NestedString(o, "metadata", "name"))
	if live := liveStore(j.subject.Facts, c.Namespace, o); live != nil {
		return live, plan.ApplyHelmPatch(live, was, o)
	}
	return was, o
}

// validateStoredVersions asks that a definition keeps every version that objects are stored in:
// the server refuses it otherwise.
func (j *valueValidator) validateStoredVersions(d plan.CRDList) {
	for _, def := range d {
		name, versions := images.NestedString(def.CRD, "metadata", "name"), versionsOf(def.CRD)
		for _, have := range j.subject.Facts.CRDs {
			for _, v := range have.Stored {
				if have.Name == name && !slices.Contains(versions, v) {
					j.findings.addFailure(crdKey(name), "CRD %s: stored version %s is missing in %s", name, v, def.From).
						setDetails("status.storedVersions: "+strings.Join(have.Stored, ", "), "among "+strings.Join(versions, ", "),
							"kubectl get crd "+name+" -o jsonpath='{.status.storedVersions}'")
				}
			}
		}
	}
}

// validateLive validates a live store against the CRDs of one operator chart: an
// operator could not write what they don't accept.
func (j *valueValidator) validateLive(d plan.CRDList, st plan.Store) {
	def := d.FindFor(st.Object)
	if def.CRD == nil {
		return
	}
	j.evaluated++
	list := j.findViolations(def.CRD, st.Object, st.Object)
	if len(list) == 0 {
		return
	}
	status, values := Fail, "the values of object store "+st.Key()
	for _, c := range j.subject.Inputs.Stores {
		if o := images.FindObject(c.After, aistor.KindObjectStore, st.Name); o != nil && c.Namespace == st.Namespace {
			values = c.ValuesName()
			if before, after := j.beforeAndAfter(c, o); len(j.findViolations(def.CRD, before, after)) == 0 {
				status = Warn // only until the store's own upgrade
			}
		}
	}
	for _, b := range list {
		j.addViolation(status, storeKey(st), b, def.From, values)
	}
}

// findViolations is what a definition does not accept about an object.
func (j *valueValidator) findViolations(crd, before, o images.Object) []violation {
	version := images.NestedString(o, "apiVersion")
	version = version[strings.LastIndexByte(version, '/')+1:]
	key := schemaKey{reflect.ValueOf(crd).Pointer(), version}
	d, ok := j.schemas[key]
	if !ok {
		var err error
		if d, err = compileCRDSchema(crd, version); errors.Is(err, errNotServed) {
			return []violation{{path: "apiVersion", reason: images.NestedString(o, "apiVersion") + " is not served"}}
		} else if err != nil {
			return []violation{{path: "its definition", serverOnly: true, reason: "cannot be read: " + firstLine(err)}}
		}
		j.schemas[key] = d
	}
	return d.findViolations(before, o, j.installedSchema(images.NestedString(crd, "metadata", "name"), version))
}

// installedSchema is the schema that the server validates dry runs with today.
func (j *valueValidator) installedSchema(name, version string) map[string]any {
	for _, c := range j.subject.Facts.CRDs {
		if c.Name == name {
			raw, _ := rawSchema(c.Object, version)
			return raw
		}
	}
	return nil
}

func (j *valueValidator) addViolation(status Status, k plan.ObjectKey, b violation, from, values string) {
	if slices.ContainsFunc(j.findings.list, func(one finding) bool { return one.object == k && one.observed == b.String() }) {
		return // another chart on the way said it
	}
	name := strings.Replace(k.Label(), "objectstore ", "object store ", 1)
	if b.serverOnly {
		j.findings.addError(k, "%s: %s: can be validated only by a server with the CRD of %s", name, b, from).
			setDetails(b.String(), "accepted", "review it, then --waive "+idValues+"=REASON")
		return
	}
	j.findings.addFinding(status, k, "%s: %s: %s does not accept it", name, b, from).
		setDetails(b.String(), "what "+from+" accepts", "correct it in "+values)
}

// acceptedByTarget reports whether a refusal is one of the installed definition
// alone: every field it names is found to break that one, and none the coming
// one.
func acceptedByTarget(s *Subject, t plan.DryRun) bool {
	if len(t.Fields) == 0 || strings.Contains(t.Cause, "denied") {
		return false
	}
	j, installed, coming := newValueValidator(s), s.Facts.InstalledCRDs(), s.ruleInputs().TargetCRDs()
	for _, c := range s.orderedChanges() {
		if c.Key()+" to "+c.To.String() != t.Change {
			continue
		}
		o := images.FindObject(c.After, t.Kind, t.Name)
		now, then := installed.FindFor(o).CRD, coming.FindFor(o).CRD
		if o == nil || now == nil || then == nil {
			continue
		}
		before, after := j.beforeAndAfter(c, o)
		refused := j.findViolations(now, before, after)
		explained := !slices.ContainsFunc(t.Fields, func(field string) bool {
			return !slices.ContainsFunc(refused, func(b violation) bool { return b.path == field })
		})
		return explained && len(j.findViolations(then, before, after)) == 0
	}
	return false
}

// liveStore is the object store that a rendered one is patched onto, or nil.
func liveStore(f *plan.Facts, namespace string, o images.Object) images.Object {
	if images.NestedString(o, "kind") != aistor.KindObjectStore {
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
