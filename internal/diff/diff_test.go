package diff

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func mustParseObjects(t *testing.T, docs ...string) []images.Object {
	t.Helper()
	var list []images.Object
	for _, d := range docs {
		o, err := images.ParseObject([]byte(d))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

func diffOf(t *testing.T, before, after []string) ReleaseDiff {
	t.Helper()
	c := plan.Change{Namespace: "aistor", Release: "aistor", Before: mustParseObjects(t, before...), After: mustParseObjects(t, after...)}
	d := ComparePlan(&plan.Plan{}, []plan.Change{c}, nil)
	if len(d.Releases) != 1 || d.Kind != Kind {
		t.Fatalf("%+v", d)
	}
	return d.Releases[0]
}

func TestOnlyWhatChangesIsShown(t *testing.T) {
	t.Parallel()
	r := diffOf(t,
		[]string{
			`{apiVersion: v1, kind: Service, metadata: {name: same}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: changed}, data: {a: "1", b: "2", c: "3", d: "4", e: "5", image: old, x: z}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: gone}}`,
			`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}}`,
			`{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: moved}}`,
		},
		[]string{
			`{apiVersion: v1, kind: Service, metadata: {name: same}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: changed}, data: {a: "1", b: "2", c: "3", d: "4", e: "5", image: new, x: z}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: come, namespace: other}}`,
			`{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: moved}}`,
		})
	var got []string
	for _, o := range r.Objects {
		got = append(got, string(o.Action)+" "+o.String())
	}
	want := []string{"changed ConfigMap/aistor/changed", "kept CustomResourceDefinition/kept", "changed PodDisruptionBudget/aistor/moved",
		"removed Service/aistor/gone", "added Service/other/come"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if r.Same != 1 {
		t.Errorf("%d are the same, want 1", r.Same)
	}
	wantDiff := "--- a/ConfigMap/aistor/changed\n+++ b/ConfigMap/aistor/changed\n@@ -5,7 +5,7 @@\n   c: \"3\"\n   d: \"4\"\n   e: \"5\"\n-  image: old\n+  image: new\n   x: z\n kind: ConfigMap\n metadata:\n"
	if diff := cmp.Diff(wantDiff, r.Objects[0].Diff); diff != "" {
		t.Errorf("diff (-want +got):\n%s", diff)
	}
	if r.Objects[0].Plus != 1 || r.Objects[0].Minus != 1 {
		t.Errorf("counts: %+v", r.Objects[0])
	}
}

func TestSecretsAreMaskedAndTheirChangeIsSaid(t *testing.T) {
	t.Parallel()
	secret := func(password, same string) string {
		return `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: ` + password + `, other: ` + same + `}}`
	}
	env := func(value string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: c, env: [{name: MINIO_ROOT_PASSWORD, value: ` + value + `}]}]}}}}`
	}
	r := diffOf(t, []string{secret("planted-one", "planted-same"), env("planted-a")}, []string{secret("planted-two", "planted-same"), env("planted-b")})
	if len(r.Objects) != 2 {
		t.Fatalf("%d objects change, want 2", len(r.Objects))
	}
	for _, o := range r.Objects {
		if strings.Contains(o.Diff, "planted") {
			t.Errorf("a secret is shown:\n%s", o.Diff)
		}
		if o.Plus != 1 || o.Minus != 1 || !strings.Contains(o.Diff, "+") || !strings.Contains(o.Diff, changedSecretText) {
			t.Errorf("that the secret changes is not said:\n%s", o.Diff)
		}
	}
}

// Comparing must not change what will be applied.
func TestComparingLeavesTheObjectsAsTheyAre(t *testing.T) {
	t.Parallel()
	doc := `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: planted-one}}`
	c := plan.Change{Before: mustParseObjects(t, doc), After: mustParseObjects(t, strings.Replace(doc, "one", "two", 1))}
	ComparePlan(&plan.Plan{}, []plan.Change{c}, nil)
	if diff := cmp.Diff(mustParseObjects(t, strings.Replace(doc, "one", "two", 1)), c.After); diff != "" {
		t.Errorf("the target (-want +got):\n%s", diff)
	}
}
