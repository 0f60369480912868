package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	oldMinIO = "RELEASE.2025-08-13T17-08-54Z" // before pods went one by one
	midMinIO = "RELEASE.2026-05-04T23-02-27Z"
	newMinIO = "RELEASE.2026-06-06T02-44-06Z"
)

func TestStepsComeInTheOrderThatKeepsTheClusterSafe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   func(*Inputs)
		want []string
	}{
		{"operator and store", func(*Inputs) {},
			[]string{"backup", "push", "preflight", "operator-5.10.0", "store-team-a-primary", "validate"}},
		{"push forbidden", func(in *Inputs) { in.Options.Push = "never" },
			[]string{"backup", "preflight", "operator-5.10.0", "store-team-a-primary", "validate"}},
		{"a role that changes is mended right before", func(in *Inputs) {
			in.Facts.Bindings = []Binding{newBinding("aistor-adminjob", "aistor-objectstore")}
			in.Operator[0].After = append(in.Operator[0].After, bindingObject("aistor-adminjob", "aistor-adminjob"))
		}, []string{"backup", "push", "preflight", "recreate-bindings-5.10.0", "operator-5.10.0", "store-team-a-primary", "validate"}},
		{"an intermediate version needs no recreated bindings", func(in *Inputs) {
			in.Facts.Bindings = []Binding{newBinding("aistor-adminjob", "aistor-objectstore")}
			last := in.Operator[0]
			last.After = append(last.After, bindingObject("aistor-adminjob", "aistor-adminjob"))
			stone := in.Operator[0]
			stone.To, stone.Intermediate = ChartRef{Name: "aistor-operator", Version: "5.8.0"}, true
			stone.Before = append(stone.Before, bindingObject("aistor-adminjob", "aistor-objectstore"))
			stone.After = append(stone.After, bindingObject("aistor:adminjob", "aistor:adminjob"))
			last.From, last.Before = stone.To, stone.After
			in.Operator = []Change{stone, last}
		}, []string{"backup", "push", "preflight", "operator-5.8.0", "operator-5.10.0", "store-team-a-primary", "validate"}},
		{"a stuck release is freed first", func(in *Inputs) { in.Facts.Operator.Status = "pending-upgrade" },
			[]string{"backup", "push", "preflight", "mark-failed-aistor", "operator-5.10.0", "store-team-a-primary", "validate"}},
		{"names that run into each other", func(in *Inputs) {
			other := in.Stores[0]
			other.Namespace, other.Release, other.Store = "team", "a-primary", "a-primary"
			in.Stores = append(in.Stores, other)
		}, []string{"backup", "push", "preflight", "operator-5.10.0", "store-team-a.primary", "store-team.a-primary", "validate"}},
		{"stuck releases of one name", func(in *Inputs) {
			other := in.Stores[0]
			other.Namespace = "team-b"
			in.Stores = append(in.Stores, other)
			in.Facts.Releases = nil
			for _, c := range in.Stores {
				in.Facts.Releases = append(in.Facts.Releases, InstalledRelease{Namespace: c.Namespace, Name: c.Release, Status: "pending-upgrade"})
			}
		}, []string{"backup", "push", "preflight", "mark-failed-team-a.primary", "mark-failed-team-b.primary", "operator-5.10.0", "store-team-a-primary", "store-team-b-primary", "validate"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			tc.in(&in)
			var got []string
			for _, s := range mustBuild(t, in).Steps {
				got = append(got, s.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanRefusesWhatWouldHarm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   func(*Inputs)
		want []string // refusal ids
	}{
		{"nothing wrong", func(*Inputs) {}, nil},
		{"a definition disappears, and with it its objects", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, crdObject("objectstores.aistor.min.io", nil))
		}, []string{"crd-removed"}},
		{"a definition that is kept may disappear from the chart", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, crdObject("inferences.aistor.min.io", map[string]any{"helm.sh/resource-policy": "keep"}))
		}, nil},
		{"the store is renamed, which deletes it", func(in *Inputs) {
			in.Stores[0].After = []images.Object{storeObject("other", "")}
		}, []string{"store-recreated"}},
		{"the license is gone from the values", func(in *Inputs) {
			in.Operator[0].Before = append(in.Operator[0].Before, newObject("Secret", "minio-license"))
		}, []string{"license-removed"}},
		{"the live license belongs to the release, and a failed revision lost it", func(in *Inputs) {
			in.Facts.License = &License{Namespace: "aistor", Present: true, Release: "aistor/aistor"}
		}, []string{"license-removed"}},
		{"a license made by hand meets one in the values", func(in *Inputs) {
			in.Facts.License = &License{Namespace: "aistor", Present: true}
			in.Operator[0].After = append(in.Operator[0].After, newObject("Secret", "minio-license"))
		}, []string{"ownership"}},
		{"going back", func(in *Inputs) { in.Operator[0].From.Version = "5.11.0" }, []string{"downgrade"}},
		{"going back, accepted", func(in *Inputs) {
			in.Operator[0].From.Version = "5.11.0"
			in.Options.AllowDowngrade = true
		}, nil},
		{"Flux would revert it", func(in *Inputs) {
			in.Facts.GitOpsOwners = []GitOpsOwner{{Release: "aistor/aistor", Tool: "Flux"}}
		}, []string{"gitops-managed"}},
		{"all pods at once is an outage", func(in *Inputs) {
			in.Operator[0].Before = []images.Object{defaultsConfigMap(oldMinIO)}
		}, []string{"accept-downtime"}},
		{"an outage that was accepted", func(in *Inputs) {
			in.Operator[0].Before = []images.Object{defaultsConfigMap(oldMinIO)}
			in.Options.AcceptDowntime = []string{"team-a/primary"}
		}, nil},
		{"another store may restart too", func(in *Inputs) {
			in.Facts.Stores = append(in.Facts.Stores, Store{Namespace: "team-b", Name: "logs", Pools: []Pool{{Servers: 4}}})
		}, []string{"accept-restart"}},
		{"an object store chart that needs a newer operator", func(in *Inputs) {
			in.Operator = nil
			in.Facts.Operator.Version = "5.1.0"
		}, []string{"operator-too-old"}},
		{"a setting of an object store chart that needs a newer operator", func(in *Inputs) {
			in.Operator = nil
			in.Facts.Operator.Version = "5.8.0"
			in.Stores[0].Values = map[string]any{"objectStore": map[string]any{"disablePodDisruptionBudget": true}}
		}, []string{"operator-too-old"}},
		{"an image from outside", func(in *Inputs) { in.Registry = SiteRegistry{} }, []string{"public-reference"}},
		{"values that no file has", func(in *Inputs) {
			in.Operator[0].ValuesFiles = []string{"operator.yaml"}
			in.Operator[0].Edits = []ValueEdit{{Path: "repositories.aistor.hostname", New: "x"}}
		}, []string{"values-not-kept"}},
		{"a file that says it all", func(in *Inputs) { in.Operator[0].ValuesFiles = []string{"operator.yaml"} }, nil},
		{"a release's own values may be rewritten", func(in *Inputs) {
			in.Stores[0].Edits = []ValueEdit{{Path: "objectStore.image.repository", New: "x"}}
		}, nil},
		{"5.7.0 drops the firewall", func(in *Inputs) {
			in.Operator[0].To.Version = "5.7.0"
			in.Operator[0].After = append(in.Operator[0].After, crdWithFields("objectstores.aistor.min.io", "image"))
			in.Facts.Stores[0].Object = withField(storeObject("primary", ""), "firewall")
		}, []string{"fields-dropped"}},
		{"servers that run a newer release than the chart's", func(in *Inputs) {
			in.Facts.Pods = []Pod{{Store: "team-a/primary", Containers: []Container{{Name: "minio", Image: "r.example.com/minio:RELEASE.2026-09-07T00-00-00Z"}}}}
		}, []string{"downgrade"}},
		{"a binding of another release", func(in *Inputs) {
			in.Facts.Bindings = []Binding{{ObjectKey: newBinding("aistor-op", "r").ObjectKey, RoleKind: "ClusterRole", RoleName: "r", Release: "old/minio"}}
			in.Operator[0].After = append(in.Operator[0].After, bindingObject("aistor-op", "r"))
		}, []string{"ownership"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			tc.in(&in)
			p := mustBuild(t, in)
			var got []string
			for _, r := range p.Refusals {
				got = append(got, r.ID)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
			if (p.RefusalError() != nil) != (len(tc.want) > 0) {
				t.Errorf("Refused() = %v with refusals %v", p.RefusalError(), got)
			}
		})
	}
}

func TestRestartsNameStoresPodsAndTheWay(t *testing.T) {
	t.Parallel()
	step := mustBuild(t, upgradeInputs()).Steps[3]
	want := []Restart{{
		Store: "team-a/primary", Pods: 4, Strategy: OneByOne, Selected: true,
		Why: "default image " + midMinIO + " to " + newMinIO + " (expected, unverified)",
	}}
	if diff := cmp.Diff(want, step.Restarts); diff != "" {
		t.Errorf("restarts of %s (-want +got):\n%s", step.ID, diff)
	}
}

func TestPlannedImagesComeFromTheBundleUnderTheirPrivateName(t *testing.T) {
	t.Parallel()
	got := mustBuild(t, upgradeInputs()).Images
	want := []PlannedImage{{
		Source:     mustParseRef(t, "quay.io/minio/aistor/minio:"+newMinIO),
		Private:    mustParseRef(t, "registry.example.com:5000/aistor/minio:"+newMinIO),
		Digest:     "sha256:" + strings.Repeat("a", 64),
		Size:       10,
		Reasons:    []images.Reason{{Kind: images.KindDefault, Object: "ConfigMap/object-store-operator"}},
		Namespaces: []string{"team-a"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

func TestSameInputsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	first, err := json.Marshal(mustBuild(t, upgradeInputs()))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := json.Marshal(mustBuild(t, upgradeInputs()))
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(again) {
			t.Fatalf("plans differ:\n%s\n%s", first, again)
		}
	}
}

func TestNoSecretOfTheValuesReachesThePlan(t *testing.T) {
	t.Parallel()
	in := upgradeInputs()
	in.Operator[0].Values = map[string]any{
		"license":  "planted-license",
		"secrets":  map[string]any{"accessKey": "planted-key", "secretKey": "planted-secret"},
		"extraEnv": []any{map[string]any{"name": "X", "password": "planted-password"}},
	}
	in.Facts.License = &License{Token: Sensitive("planted-token")}
	b, err := json.Marshal([]any{mustBuild(t, in), in.Facts, redact.Values(in.Operator[0].Values)})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "planted") {
		t.Errorf("a secret was written down: %s", b)
	}
	a, c := ValuesDigest(map[string]any{"license": "one"}), ValuesDigest(map[string]any{"license": "two"})
	if a != c {
		t.Errorf("the digest gives a license away: %s and %s differ", a, c)
	}
}

func TestBuildWithNothingToDoIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Build(Inputs{Facts: &Facts{}}); err != ErrNothingToDo {
		t.Errorf("Build = %v, want %v", err, ErrNothingToDo)
	}
}

func mustBuild(t *testing.T, in Inputs) *Plan {
	t.Helper()
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upgradeInputs are a healthy installation of one store with four servers on the way
// from 5.6.4 to 5.10.0.
func upgradeInputs() Inputs {
	reasons := []images.Reason{{Kind: images.KindDefault, Object: "ConfigMap/object-store-operator"}}
	minio := images.Ref{Host: "quay.io", Path: "minio/aistor/minio", Tag: newMinIO}
	return Inputs{
		Facts: &Facts{
			ClusterUID: "uid", ServerVersion: "v1.36.3",
			Operator: &InstalledRelease{Namespace: "aistor", Name: "aistor", Chart: "aistor-operator", Version: "5.6.4", Revision: 3, Status: "deployed"},
			Releases: []InstalledRelease{{Namespace: "team-a", Name: "primary", Chart: "aistor-objectstore", Version: "1.0.13", Revision: 1, Status: "deployed"}},
			Stores:   []Store{{Namespace: "team-a", Name: "primary", Release: "primary", Pools: []Pool{{Name: "pool-0", Servers: 4}}}},
		},
		Bundle: Bundle{Digest: "sha256:b", Images: []BundleImage{{Ref: minio, Digest: "sha256:" + strings.Repeat("a", 64), Size: 10}}},
		Registry: SiteRegistry{
			Mirror: images.Mirror{Registry: "registry.example.com:5000"}, PullSecret: "private-repo-pull-secret",
		},
		Operator: []Change{{
			Namespace: "aistor", Release: "aistor",
			From:   ChartRef{Name: "aistor-operator", Version: "5.6.4"},
			To:     ChartRef{Name: "aistor-operator", Version: "5.10.0"},
			Before: []images.Object{defaultsConfigMap(midMinIO)},
			After:  []images.Object{defaultsConfigMap(newMinIO)},
			Images: []images.Image{{Ref: images.Mirror{Registry: "registry.example.com:5000"}.Map(minio), Reasons: reasons}},
		}},
		Stores: []Change{{
			Namespace: "team-a", Release: "primary", Store: "primary",
			From:   ChartRef{Name: "aistor-objectstore", Version: "1.0.13"},
			To:     ChartRef{Name: "aistor-objectstore", Version: "1.0.16"},
			Before: []images.Object{storeObject("primary", "")},
			After:  []images.Object{storeObject("primary", "")},
		}},
	}
}

func defaultsConfigMap(minio string) images.Object {
	o := newObject("ConfigMap", "object-store-operator")
	o["data"] = map[string]any{"minio": "image: \"registry.example.com:5000/aistor/minio:" + minio + "\"\n"}
	return o
}

func storeObject(name, image string) images.Object {
	o := newObject("ObjectStore", name)
	o["spec"] = map[string]any{"image": image}
	return o
}

func crdObject(name string, annotations map[string]any) images.Object {
	o := newObject("CustomResourceDefinition", name)
	o["metadata"].(map[string]any)["annotations"] = annotations
	return o
}

func newObject(kind, name string) images.Object {
	return images.Object{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}
}

func bindingObject(name, role string) images.Object {
	o := newObject("ClusterRoleBinding", name)
	o["apiVersion"] = "rbac.authorization.k8s.io/v1"
	o["roleRef"] = map[string]any{"kind": "ClusterRole", "name": role}
	return o
}

func newBinding(name, role string) Binding {
	return Binding{
		ObjectKey: ObjectKey{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: name},
		RoleKind:  "ClusterRole", RoleName: role,
	}
}

func mustParseRef(t *testing.T, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlanCarriesWhatIsToBeSaidOfTheValues(t *testing.T) {
	t.Parallel()
	in := upgradeInputs()
	silent := mustBuild(t, in)
	in.Operator[0].Warnings = []Notice{{ID: "stale-pin", Message: "pinned"}}
	in.Stores[0].Ineffective = []Notice{{ID: "value-ineffective", Message: "nothing"}}
	p := mustBuild(t, in)
	var got []string
	for _, w := range p.Warnings {
		got = append(got, w.ID)
	}
	if diff := cmp.Diff([]string{"stale-pin", "value-ineffective"}, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if p.Digest() != silent.Digest() {
		t.Error("what is only said makes it another plan")
	}
}

func TestDigestOfValuesShowsNoSecretInAnyShape(t *testing.T) {
	t.Parallel()
	with := func(s string) map[string]any {
		return map[string]any{
			"env":    []any{map[string]any{"name": "A_SECRET", "value": s}},
			"config": "export MINIO_ROOT_PASSWORD=" + s, "url": "amqp://a:" + s + "@h", "client_secret": s,
		}
	}
	if a, b := ValuesDigest(with("one-secret")), ValuesDigest(with("two-secret")); a != b {
		t.Errorf("%s and %s differ by a secret", a, b)
	}
	if a, b := ValuesDigest(map[string]any{"name": "a"}), ValuesDigest(map[string]any{"name": "b"}); a == b {
		t.Error("plain settings don't count")
	}
}
