package preflight

import (
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// strictDoc defines object stores with some schemas below spec beside pools.
func strictDoc(properties string) string {
	return `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
  metadata: {name: objectstores.aistor.min.io, annotations: {helm.sh/resource-policy: keep}},
  spec: {group: aistor.min.io, names: {kind: ObjectStore}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, required: [spec],
    properties: {metadata: {type: object}, spec: {type: object, required: [pools, defaulted], properties: {
      image: {type: string}, imagePullSecret: {type: object, properties: {name: {type: string}}},
      defaulted: {type: string, default: x}, rollingTimeoutSeconds: {x-kubernetes-int-or-string: true},
      pools: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name],
        properties: {name: {type: string}, servers: {type: integer, minimum: 1, x-kubernetes-validations: [{rule: "self == oldSelf", message: servers is immutable}]}}}},
      ` + properties + `}}}}}}]}}`
}

// warpDoc defines what an extra resource of a store's values may be.
const warpDoc = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: warps.aistor.min.io},
  spec: {group: aistor.min.io, names: {kind: Warp}, versions: [{name: v1, storage: true, schema: {openAPIV3Schema: {type: object,
    properties: {spec: {type: object, properties: {clients: {type: integer}}}}}}}]}}`

func TestCustomResourceValues(t *testing.T) {
	t.Parallel()
	// installed and coming are the definitions, live and rendered the store.
	type world struct{ installed, coming, live, before, after string }
	set := func(w world) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			s.Facts.CRDs[0].Object = mustParseObject(t, strictDoc(w.installed))
			s.Inputs.Operator[0].After = append(mustParseObjects(t, strictDoc(w.coming), warpDoc), s.Inputs.Operator[0].After[:6]...)
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(w.live))
			s.Inputs.Stores[0].Before = mustParseObjects(t, storeDoc(w.before))
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(w.after))
		}
	}
	mode := `mode: {type: string, enum: [fast, safe]}`
	and := func(first, second func(*testing.T, *Subject)) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) { first(t, s); second(t, s) }
	}
	runCases(t, PreUpgradeChecks(), idValues, []checkCase{
		{name: "nothing is wrong", want: Pass, change: set(world{}), line: "2 custom resources are valid for all CRDs of the plan"},
		{name: "a loose definition accepts it", want: Pass},
		{name: "an enumeration", want: Fail, change: set(world{coming: mode, after: `, mode: quick`}),
			line:     `object store tenant/primary: spec.mode is none of "fast", "safe": chart aistor-operator-5.10.0 does not accept it`,
			observed: `spec.mode is none of "fast", "safe"`, remedy: "correct it in the values of release tenant/primary"},
		{name: "a type", want: Fail, change: set(world{coming: mode, after: `, mode: 7`}), line: "spec.mode is a value of type number, expected string"},
		{name: "a bound in a list", want: Fail, line: "spec.pools[0].servers is less than 1", change: func(t *testing.T, s *Subject) {
			set(world{})(t, s)
			s.Facts.Stores[0].Object = mustParseObject(t, strings.Replace(storeDoc(""), "servers: 4", "servers: 0", 1))
		}},
		{name: "something that is required", want: Fail, change: set(world{coming: `secure: {type: object, required: [mode], properties: {` + mode + `}}`, after: `, secure: {}`}),
			line: "spec.secure.mode is required"},
		{name: "null removes, and what is null is not judged", want: Pass, change: set(world{coming: mode, installed: mode, live: `, mode: safe`, before: `, mode: safe`, after: `, mode: null`})},
		{name: "a port by number or name", want: Pass, change: set(world{after: `, rollingTimeoutSeconds: "600"`})},
		{name: "a live value that the store's own upgrade corrects", want: Warn, line: "spec.mode", change: set(world{coming: mode, live: `, mode: old`, before: `, mode: old`, after: `, mode: safe`})},
		{name: "a live value that somebody set by hand stays", want: Fail, line: "spec.mode", change: set(world{coming: mode, live: `, mode: old`})},
		{name: "an intermediate version does not accept it", want: Warn, line: "chart aistor-operator-5.7.0 does not accept it",
			change: func(t *testing.T, s *Subject) {
				set(world{coming: `mode: {type: string}`, live: `, mode: old`})(t, s)
				stone := s.Inputs.Operator[0]
				stone.Intermediate, stone.To.Version = true, "5.7.0"
				stone.After = mustParseObjects(t, strictDoc(mode))
				s.Inputs.Operator = []plan.Change{stone, s.Inputs.Operator[0]}
				s.Inputs.Stores[0].Before, s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, mode: old`)), mustParseObjects(t, storeDoc(`, mode: safe`))
			}},
		{name: "an immutable field", want: Fail, line: "spec.pools[0].servers servers is immutable", change: func(t *testing.T, s *Subject) {
			set(world{})(t, s)
			s.Inputs.Stores[0].After[0] = mustParseObject(t, strings.Replace(storeDoc(""), "servers: 4", "servers: 8", 1))
		}},
		{name: "another pool beside it", want: Pass, change: func(t *testing.T, s *Subject) {
			set(world{})(t, s)
			s.Inputs.Stores[0].After[0] = mustParseObject(t, strings.Replace(storeDoc(""), "[{name: pool-0", "[{name: pool-1, servers: 8}, {name: pool-0", 1))
		}},
		{name: "a new rule that only a server can judge", want: Error, remedy: "--waive crd-values=REASON", line: "must satisfy the rule self.startsWith('a')",
			change: set(world{coming: `mode: {type: string, x-kubernetes-validations: [{rule: "self.startsWith('a')"}]}`, after: `, mode: b`})},
		{name: "a rule that the server was asked about", want: Pass, change: set(world{
			installed: `mode: {type: string, x-kubernetes-validations: [{rule: "self.startsWith('a')"}]}`,
			coming:    `mode: {type: string, x-kubernetes-validations: [{rule: "self.startsWith('a')"}]}`, after: `, mode: b`})},
		{name: "a new rule for what is not there", want: Pass, change: set(world{coming: `mode: {type: string, x-kubernetes-validations: [{rule: "self.startsWith('a')"}]}`})},
		{name: "a version that objects are stored in", want: Fail, line: "stored version v1beta1 is missing in chart aistor-operator-5.10.0",
			change: and(set(world{}), func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Stored = []string{"v1beta1", "v1"} })},
		{name: "a version that is not served", want: Fail, line: "apiVersion aistor.min.io/v1alpha1 is not served", change: and(set(world{}), func(_ *testing.T, s *Subject) {
			s.Inputs.Stores[0].After[0]["apiVersion"] = "aistor.min.io/v1alpha1"
		})},
		{name: "another custom resource of the values", want: Fail, line: "warp tenant/load: spec.clients is a value of type string, expected integer",
			change: and(set(world{}), func(t *testing.T, s *Subject) {
				s.Inputs.Stores[0].After = append(s.Inputs.Stores[0].After, mustParseObject(t, `{apiVersion: aistor.min.io/v1, kind: Warp, metadata: {name: load, namespace: tenant}, spec: {clients: many}}`))
			})},
		{name: "a definition that can't be read", want: Error, line: "its definition cannot be read", change: set(world{coming: `mode: {type: string, pattern: "("}`})},
		{name: "a hostile definition", want: Pass, change: and(set(world{}), func(_ *testing.T, s *Subject) {
			s.Inputs.Operator[0].After[0] = images.Object{"kind": "CustomResourceDefinition", "spec": map[string]any{"group": 7, "versions": []any{nil, "x", map[string]any{"name": 1}}}}
		})},
	})
}

// The installed definition refuses in a dry run what the coming one accepts.
func TestARefusalOfTheInstalledDefinitionAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		coming string
		fields []string
		want   Status
	}{
		"the coming one accepts it":             {`mode: {type: string}`, []string{"spec.mode"}, Pass},
		"the coming one refuses it, too":        {`mode: {type: string, enum: [fast, slow]}`, []string{"spec.mode"}, Fail},
		"the server refuses another field, too": {`mode: {type: string}`, []string{"spec.mode", "spec.image"}, Fail},
		"the server names none":                 {`mode: {type: string}`, nil, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readySubject(t)
			s.Facts.CRDs[0].Object = mustParseObject(t, strictDoc(`mode: {type: string, enum: [fast]}`))
			s.Inputs.Operator[0].After = append(s.Inputs.Operator[0].After[:6], mustParseObject(t, strictDoc(tc.coming)))
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, mode: new`))
			s.DryRuns = append(s.DryRuns, plan.DryRun{ObjectKey: plan.ObjectKey{APIVersion: "aistor.min.io/v1", Kind: "ObjectStore", Namespace: "tenant", Name: "primary"},
				Change: "tenant/primary to aistor-objectstore-1.0.16", Outcome: plan.DryRunRefused, Cause: `spec.mode: Unsupported value: "new"`, Fields: tc.fields})
			if r := checkServerAccepts(t.Context(), s); r.Status != tc.want {
				t.Errorf("received %s, expected %s: %s %v", r.Status, tc.want, r.Message, r.Details)
			}
		})
	}
}
