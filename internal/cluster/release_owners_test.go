package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// annotatedAs replaces the release that the annotations of the site's object store
// name.
func annotatedAs(a *fakeAPIServer, namespace, release string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	metadata := a.objects[ofStores][0]["metadata"].(jsonObject)
	metadata["annotations"] = jsonObject{helmRelease: release, helmReleaseNamespace: namespace}
	if release == "" {
		delete(metadata, "annotations")
	}
}

func TestReleaseOfStoreIsTheOneWhoseRecordContainsIt(t *testing.T) {
	t.Parallel()
	copied := `{"metadata":{"name":"copy","namespace":"team-a","annotations":{"meta.helm.sh/release-name":"primary-object-store",
		"meta.helm.sh/release-namespace":"team-a"}},"spec":{"pools":[{"name":"pool-0","servers":4}]}}`
	second := recordOf("team-a", "second", 1, "deployed", "aistor-objectstore", "1.0.16", strings.ReplaceAll(storeManifest, "primary", "copy"))
	inBoth := recordOf("team-a", "again", 1, "deployed", "aistor-objectstore", "1.0.16", storeManifest)
	tests := map[string]struct {
		change func(*fakeAPIServer)
		want   map[string]string // release, or "(annotated)", by store
	}{
		"annotations as Helm left them":      {func(*fakeAPIServer) {}, map[string]string{"primary": "primary-object-store"}},
		"annotations removed":                {func(a *fakeAPIServer) { annotatedAs(a, "", "") }, map[string]string{"primary": "primary-object-store"}},
		"annotations name no release":        {func(a *fakeAPIServer) { annotatedAs(a, "team-a", "gone") }, map[string]string{"primary": "primary-object-store"}},
		"annotations name another product":   {func(a *fakeAPIServer) { annotatedAs(a, "web", "ingress") }, map[string]string{"primary": "primary-object-store"}},
		"annotations name the operator":      {func(a *fakeAPIServer) { annotatedAs(a, "aistor", "aistor") }, map[string]string{"primary": "primary-object-store"}},
		"a copy of a store with annotations": {func(a *fakeAPIServer) { a.addObjects(ofStores, copied) }, map[string]string{"primary": "primary-object-store", "copy": "(primary-object-store)"}},
		"two stores with one's annotations": {func(a *fakeAPIServer) { a.addObjects(ofStores, copied); a.addObjects(ofSecrets, second) },
			map[string]string{"primary": "primary-object-store", "copy": "second"}},
		"two releases that contain it, and annotations": {func(a *fakeAPIServer) {
			a.addObjects(ofSecrets, inBoth)
			annotatedAs(a, "team-a", "again")
			// For the copy all records of the namespace are read.
			a.addObjects(ofStores, copied)
		}, map[string]string{"primary": "again", "copy": "(primary-object-store)"}},
		"records that may not be read": {func(a *fakeAPIServer) {
			a.deny = func(path string) bool { return strings.Contains(path, "namespaces/team-a/secrets/sh.helm") }
		}, map[string]string{"primary": "primary-object-store"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			addSite(a, 1)
			tt.change(a)
			f, err := a.newClient().Facts(t.Context(), Scope{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, st := range f.Stores {
				if got[st.Name] = st.Release; st.AnnotatedRelease != "" {
					got[st.Name] = "(" + st.AnnotatedRelease + ")"
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("releases (-expected +received):\n%s", diff)
			}
		})
	}
}

// A record is read for its content only where an annotation does not lead to it.
func TestRecordsOfOtherProductsAreReadOnlyForStoresWithoutARelease(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		release string
		want    int
	}{"annotations as Helm left them": {"primary-object-store", 0}, "annotations removed": {"", 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			addSite(a, 1)
			a.addObjects(ofSecrets, releaseSecretDoc("team-a", "postgres", 1, "deployed", "postgresql", "1.0.0"))
			annotatedAs(a, "team-a", tt.release)
			if _, err := a.newClient().Facts(t.Context(), Scope{}); err != nil {
				t.Fatal(err)
			}
			if got := countRequests(a.listRequests(), "sh.helm.release.v1.postgres"); got != tt.want {
				t.Errorf("%d requests for another product's record, want %d", got, tt.want)
			}
		})
	}
}
