package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// backInputs lead from what inputs upgrades to back to what there was.
func backInputs() Inputs {
	in := upgradeInputs()
	in.Options = Options{Push: "never", AcceptRisk: []string{"team-a/primary"}, AcceptDowntime: []string{"team-a/primary"}}
	for _, list := range [][]Change{in.Operator, in.Stores} {
		for i := range list {
			c := &list[i]
			c.From, c.To, c.Before, c.After, c.Revision = c.To, c.From, c.After, c.Before, 1
		}
	}
	known := crdWithFields("objectstores.aistor.min.io", "image", "pools", "firewall")
	in.Operator[0].After = append(in.Operator[0].After, known)
	in.Operator[0].Before = append(in.Operator[0].Before, known)
	in.Facts.CRDs = []CRD{{Name: "objectstores.aistor.min.io", Release: "aistor/aistor", Object: known}}
	for i, s := range in.Facts.Stores {
		in.Facts.Stores[i].Object = storeObject(s.Name, "")
	}
	return in
}

// crdWithFields defines objects whose spec has some fields.
func crdWithFields(name string, list ...string) images.Object {
	props := map[string]any{}
	for _, f := range list {
		props[f] = map[string]any{"x-kubernetes-preserve-unknown-fields": true}
	}
	o := crdObject(name, nil)
	o["spec"] = map[string]any{"versions": []any{map[string]any{"name": "v1", "storage": true, "schema": map[string]any{
		"openAPIV3Schema": map[string]any{"properties": map[string]any{"spec": map[string]any{"properties": props}}},
	}}}}
	return o
}

func withField(o images.Object, field string) images.Object {
	spec, _ := o["spec"].(map[string]any)
	if spec == nil {
		spec = map[string]any{}
	}
	spec[field] = map[string]any{"enabled": true}
	o["spec"], o["apiVersion"] = spec, "aistor.min.io/v1"
	return o
}

func TestTheWayBackBeginsWithTheStores(t *testing.T) {
	t.Parallel()
	in := backInputs()
	in.Facts.Bindings = []Binding{newBinding("aistor-adminjob", "aistor-adminjob")}
	in.Operator[0].After = append(in.Operator[0].After, bindingObject("aistor-adminjob", "aistor-objectstore"))
	p := mustBuild(t, in)
	var got []string
	for _, s := range p.Steps {
		got = append(got, s.ID)
	}
	version := in.Operator[0].To.Version
	want := []string{"backup", "preflight", "store-team-a-primary", "recreate-bindings-" + version, "operator-" + version, "validate"}
	if diff := cmp.Diff(want, got); diff != "" || p.Kind != KindRollback {
		t.Errorf("steps of a %s (-want +got):\n%s", p.Kind, diff)
	}
}

func TestGoingBackIsRefusedWhereItWouldHarm(t *testing.T) {
	t.Parallel()
	const definition = "objectstores.aistor.min.io"
	for _, tc := range []struct {
		name string
		in   func(*Inputs)
		want []string
	}{
		{"accepted", func(*Inputs) {}, nil},
		{"a store that nobody accepted", func(in *Inputs) { in.Options.AcceptRisk = nil }, []string{"accept-risk"}},
		{"a store that the operator alone takes back", func(in *Inputs) {
			in.Stores, in.Options.AcceptRisk = nil, nil
			in.Options.AcceptRestart = []string{"team-a/primary"}
		}, []string{"accept-risk"}},
		{"the operator goes and leaves a store that needs a newer one", func(in *Inputs) {
			in.Stores = nil
			in.Options.AcceptRestart = []string{"team-a/primary"}
			in.Operator[0].To.Version = "5.1.0"
		}, []string{"operator-too-old"}},
		{"the operator goes and leaves a store with a setting that needs a newer one", func(in *Inputs) {
			in.Stores = nil
			in.Options.AcceptRestart = []string{"team-a/primary"}
			for i := range in.Facts.Releases {
				in.Facts.Releases[i].Version = "1.0.16"
				in.Facts.Releases[i].Values = map[string]any{"objectStore": map[string]any{"disablePodDisruptionBudget": true}}
			}
		}, []string{"operator-too-old"}},
		{"the older definition lacks a field in use", func(in *Inputs) {
			in.Facts.Stores[0].Object = withField(storeObject("primary", ""), "firewall")
			in.Stores[0].After = []images.Object{withField(storeObject("primary", ""), "firewall")}
			in.Operator[0].After = append(slices.Clone(in.Operator[0].After[:len(in.Operator[0].After)-1]), crdWithFields(definition, "image", "pools"))
		}, []string{"fields-dropped"}},
		{"a field that the store gives up on its own way back", func(in *Inputs) {
			in.Facts.Stores[0].Object = withField(storeObject("primary", ""), "firewall")
			in.Operator[0].After = append(slices.Clone(in.Operator[0].After[:len(in.Operator[0].After)-1]), crdWithFields(definition, "image", "pools"))
		}, nil},
		{"the older store has a field that the definition lost", func(in *Inputs) {
			in.Stores[0].After = []images.Object{withField(storeObject("primary", ""), "features")}
			in.Operator[0].After = append(slices.Clone(in.Operator[0].After[:len(in.Operator[0].After)-1]), crdWithFields(definition, "image", "pools", "features"))
		}, []string{"fields-dropped"}},
		{"a store that errors", func(in *Inputs) {
			in.Stores = nil
			in.Options.AcceptRestart = []string{"team-a/primary"}
			in.Facts.Releases = nil
			in.Facts.Stores[0].Object = nil
		}, []string{"fields-unknown"}},
		{"the license goes", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, newObject("Secret", "minio-license"))
		}, []string{"license-removed"}},
		{"a definition goes, with all its objects", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, crdObject("new.aistor.min.io", nil))
		}, []string{"crd-removed"}},
		{"Flux would revert it", func(in *Inputs) {
			in.Facts.GitOpsOwners = []GitOpsOwner{{Release: "aistor/aistor", Tool: "Flux"}}
		}, []string{"gitops-managed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := backInputs()
			tc.in(&in)
			var got []string
			for _, r := range mustBuild(t, in).Refusals {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

// An upgrade to an older operator chart leaves the same behind as a rollback.
func TestDowngradeOfTheOperatorIsRefusedWhereARollbackIs(t *testing.T) {
	t.Parallel()
	const definition = "objectstores.aistor.min.io"
	disabled := map[string]any{"objectStore": map[string]any{"disablePodDisruptionBudget": true}}
	for _, tc := range []struct {
		name string
		in   func(*Inputs)
		want []string
	}{
		{"stores that it knows", func(*Inputs) {}, nil},
		{"a store that needs a newer one", func(in *Inputs) { in.Operator[0].To.Version = "5.1.0" }, []string{"operator-too-old"}},
		{"a store with a setting that needs a newer one", func(in *Inputs) {
			in.Facts.Releases[0].Version, in.Facts.Releases[0].Values = "1.0.16", disabled
		}, []string{"operator-too-old"}},
		{"the same, and the operator gets newer", func(in *Inputs) {
			in.Facts.Operator.Version, in.Operator[0].To.Version = "5.6.4", "5.8.0"
			in.Facts.Releases[0].Version, in.Facts.Releases[0].Values = "1.0.16", disabled
		}, nil},
		{"a field that it does not know", func(in *Inputs) {
			in.Facts.Stores[0].Object = withField(storeObject("primary", ""), "firewall")
			in.Operator[0].After = append(slices.Clone(in.Operator[0].After), crdWithFields(definition, "image", "pools"))
		}, []string{"fields-dropped"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			in.Stores = nil
			in.Options = Options{AllowDowngrade: true, AcceptRestart: []string{"team-a/primary"}, AcceptDowntime: []string{"team-a/primary"}}
			in.Facts.Operator.Version, in.Operator[0].From.Version, in.Operator[0].To.Version = "5.10.0", "5.10.0", "5.6.4"
			for i, s := range in.Facts.Stores {
				in.Facts.Stores[i].Object = storeObject(s.Name, "")
			}
			tc.in(&in)
			var got []string
			for _, r := range mustBuild(t, in).Refusals {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStepIsReversibleOnlyWhereNothingIsLost(t *testing.T) {
	t.Parallel()
	const definition = "objectstores.aistor.min.io"
	for _, tc := range []struct {
		name string
		in   func(*Inputs)
		want bool
	}{
		{"the same definition", func(*Inputs) {}, true},
		{"a role would have to change back", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, bindingObject("aistor-adminjob", "old"))
			in.Operator[0].After = append(in.Operator[0].After, bindingObject("aistor-adminjob", "new"))
		}, false},
		{"a new definition would go again", func(in *Inputs) {
			in.Operator[0].After = append(in.Operator[0].After, crdObject("new.aistor.min.io", nil))
		}, false},
		{"the older definition lacks a field in use", func(in *Inputs) {
			in.Facts.Stores[0].Object = withField(storeObject("primary", ""), "features")
		}, false},
		{"a store that errors", func(in *Inputs) { in.Facts.Stores[0].Object = nil }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			in.Operator[0].Before = append(in.Operator[0].Before, crdWithFields(definition, "image", "pools"))
			in.Operator[0].After = append(in.Operator[0].After, crdWithFields(definition, "image", "pools"))
			in.Facts.Stores[0].Object = storeObject("primary", "")
			tc.in(&in)
			for _, s := range mustBuild(t, in).Steps {
				if s.Action == ActionOperator && s.Reversible != tc.want {
					t.Errorf("step %s is reversible: %t", s.ID, s.Reversible)
				}
			}
		})
	}
}
