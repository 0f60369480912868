package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// mark gives an object of a collection a deletionTimestamp.
func (a *fakeAPIServer) mark(collection, name string) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.objects[collection] {
		if fieldValue(o, "metadata.name") == name {
			o["metadata"].(jsonObject)["deletionTimestamp"] = "2026-11-01T11:58:00Z"
			return
		}
	}
	a.t.Fatalf("there is no %s %s", collection, name)
}

// heldSite is a site with everything that can be marked for deletion.
func heldSite(t *testing.T) *fakeAPIServer {
	a := newAPI(t)
	addSite(a, 2)
	a.addObjects("api/v1/namespaces", `{"metadata":{"name":"aistor"}}`, `{"metadata":{"name":"team-a"}}`, `{"metadata":{"name":"web"}}`)
	a.addObjects("api/v1/persistentvolumeclaims", `{"metadata":{"name":"data0-primary-pool-0-1","namespace":"team-a","uid":"c1"},"spec":{"volumeName":"pv-1"},"status":{"phase":"Bound"}}`)
	a.addObjects("api/v1/persistentvolumes",
		`{"metadata":{"name":"pv-1"},"spec":{"persistentVolumeReclaimPolicy":"Delete","claimRef":{"namespace":"team-a","name":"data0-primary-pool-0-1","uid":"c1"}},"status":{"phase":"Bound"}}`,
		`{"metadata":{"name":"old"},"spec":{"persistentVolumeReclaimPolicy":"Retain","claimRef":{"namespace":"team-a","name":"data0-primary-pool-0-1","uid":"c0"}},"status":{"phase":"Released"}}`,
		`{"metadata":{"name":"foreign"},"spec":{"claimRef":{"namespace":"team-a","name":"data-postgres-0"}}}`,
		`{"metadata":{"name":"free"}}`)
	a.addObjects("apis/apps/v1/daemonsets", `{"metadata":{"name":"agent","namespace":"team-a"}}`)
	a.addObjects("api/v1/configmaps", `{"metadata":{"name":"object-store-operator","namespace":"aistor"}}`)
	a.addObjects("apis/rbac.authorization.k8s.io/v1/clusterroles", `{"metadata":{"name":"aistor-object-store"}}`)
	a.addObjects("apis/networking.k8s.io/v1/networkpolicies", `{"metadata":{"name":"servers","namespace":"team-a"}}`)
	a.addObjects(ofSecrets,
		recordOf("aistor", "aistor", 11, "deployed", "aistor-operator", "5.10.0", strings.Join([]string{
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"object-store-operator"}}`,
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"aistor-object-store"}}`}, "\n---\n")),
		recordOf("team-a", "primary-object-store", 4, "deployed", "aistor-objectstore", "1.0.16", strings.Join([]string{
			`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"agent"}}`,
			`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"servers"}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"gone"}}`}, "\n---\n")))
	return a
}

// What is marked for deletion is found whatever kind it is of, and what others
// delete is not ours.
func TestWhatIsMarkedForDeletionIsFoundInEveryKind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ collection, name, want string }{
		{"api/v1/persistentvolumeclaims", "data0-primary-pool-0-1", "PersistentVolumeClaim/team-a/data0-primary-pool-0-1 of team-a/primary"},
		{"api/v1/persistentvolumes", "pv-1", "PersistentVolume/pv-1 of team-a/primary"},
		{"api/v1/persistentvolumes", "old", "PersistentVolume/old of team-a/primary"},
		{"api/v1/namespaces", "team-a", "Namespace/team-a of team-a/primary"},
		{"api/v1/namespaces", "aistor", "Namespace/aistor of "},
		{ofStores, "primary", "ObjectStore/team-a/primary of team-a/primary"},
		{ofSets, "primary-pool-0", "StatefulSet/team-a/primary-pool-0 of team-a/primary"},
		{ofDeployments, "object-store-operator", "Deployment/aistor/object-store-operator of "},
		{ofCRDs, "objectstores.aistor.min.io", "CustomResourceDefinition/objectstores.aistor.min.io of team-a/primary"},
		{ofServices, "minio", "Service/team-a/minio of "},
		{ofBindings, "aistor-object-store", "ClusterRoleBinding/aistor-object-store of "},
		{ofRoles, "object-store-operator", "RoleBinding/aistor/object-store-operator of "},
		{ofWebhooks, "object-store-operator-webhook", "MutatingWebhookConfiguration/object-store-operator-webhook of "},
		{ofSecrets, "store-secret", "Secret/team-a/store-secret of "},
		{ofSecrets, "minio-license", "Secret/aistor/minio-license of "},
		{ofSecrets, "sh.helm.release.v1.aistor.v11", "Secret/aistor/sh.helm.release.v1.aistor.v11 of "},
		{"api/v1/serviceaccounts", "object-store", "ServiceAccount/aistor/object-store of "},
		{"apis/policy/v1/poddisruptionbudgets", "primary", "PodDisruptionBudget/team-a/primary of "},
		{"api/v1/nodes", "node-1", "Node/node-1 of team-a/primary"},
		{"api/v1/configmaps", "object-store-operator", "ConfigMap/aistor/object-store-operator of "},
		{"apis/rbac.authorization.k8s.io/v1/clusterroles", "aistor-object-store", "ClusterRole/aistor-object-store of "},
		{"apis/apps/v1/daemonsets", "agent", "DaemonSet/team-a/agent of "},
		{"apis/networking.k8s.io/v1/networkpolicies", "servers", "NetworkPolicy/team-a/servers of "},
		{"api/v1/persistentvolumes", "foreign", ""},
		{"api/v1/persistentvolumes", "free", ""},
		{"api/v1/persistentvolumeclaims", "data-postgres-0", ""},
		{"api/v1/namespaces", "web", ""},
		{ofServices, "db", ""},
		{ofPods, "primary-pool-0-0", ""},
	} {
		t.Run(tt.collection+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			a := heldSite(t)
			a.mark(tt.collection, tt.name)
			f, err := a.newClient().Facts(t.Context(), Scope{})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, d := range f.Deletions() {
				got = d.Object.String() + " of " + strings.Join(d.Stores, ",")
				if want := time.Date(2026, 11, 1, 11, 58, 0, 0, time.UTC); !d.Since.Equal(want) {
					t.Errorf("received since %s, expected %s", d.Since, want)
				}
			}
			if got != tt.want {
				t.Errorf("received %q, expected %q", got, tt.want)
			}
		})
	}
}

// The small look before a step finds the same of what holds data, in requests
// that do not grow with the pods, and asks only where it is told to.
func TestTheSmallLookFindsWhatHoldsData(t *testing.T) {
	t.Parallel()
	objects := []plan.ObjectKey{
		{APIVersion: "v1", Kind: "ConfigMap", Namespace: "aistor", Name: "object-store-operator"},
		{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: "objectstores.aistor.min.io"},
		{APIVersion: "aistor.min.io/v1", Kind: "ObjectStore", Namespace: "team-a", Name: "primary"},
	}
	a := heldSite(t)
	for i := range 50 {
		a.addObjects(ofPods, storePod(i+2))
	}
	a.mark("api/v1/persistentvolumeclaims", "data0-primary-pool-0-1")
	a.mark(ofCRDs, "objectstores.aistor.min.io")
	a.mark("api/v1/configmaps", "object-store-operator")
	f, err := a.newClient().Deletions(t.Context(), Scope{Namespaces: []string{"team-a"}}, objects)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PersistentVolumeClaim/team-a/data0-primary-pool-0-1", "ConfigMap/aistor/object-store-operator", "CustomResourceDefinition/objectstores.aistor.min.io"}
	if d := cmp.Diff(want, namesOf(f.Deletions(), func(d plan.Deletion) string { return d.Object.String() })); d != "" {
		t.Errorf("deletions (-expected +received):\n%s", d)
	}
	if n := countRequests(a.listRequests(), "pods"); n != 0 || len(a.listRequests()) > 10 {
		t.Errorf("received %d requests for pods, and these: %v", n, a.listRequests())
	}
}

// A claim belongs to the StatefulSet with the longest name that fits.
func TestAClaimIsOfTheStoreThatItIsNamedAfter(t *testing.T) {
	t.Parallel()
	sets := map[string]string{"pool-0": "team-a/short", "primary-pool-0": "team-a/primary"}
	for claim, want := range map[string]string{
		"data0-primary-pool-0-3": "team-a/primary", "data0-pool-0-3": "team-a/short", "primary-pool-0-1": "team-a/short",
		"data0-primary-pool-0-x": "", "data0-other-1": "", "data": "",
	} {
		if got := storeOfClaim(claim, sets); got != want {
			t.Errorf("%s: received %q, expected %q", claim, got, want)
		}
	}
}

// What a user may not read is a gap that keeps nobody from upgrading, one for
// each resource.
func TestWhatMayNotBeReadOfManifestsIsOneGapForEachResource(t *testing.T) {
	t.Parallel()
	a := heldSite(t)
	a.deny = func(p string) bool {
		return strings.Contains(p, "clusterroles/") || strings.Contains(p, "configmaps/") || p == "api/v1/persistentvolumes"
	}
	f, err := a.newClient().Facts(t.Context(), Scope{})
	if err != nil {
		t.Fatal(err)
	}
	got := namesOf(f.Gaps, func(g plan.Gap) string { return fmt.Sprint(g.Subject, " ", g.Denied, g.Optional) })
	want := []string{"persistentvolumes true true", "rendered clusterroles true true", "rendered configmaps in aistor true true", "rendered configmaps in team-a true true"}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("gaps (-expected +received):\n%s", d)
	}
}
