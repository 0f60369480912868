package supportbundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// What was planted must be in no byte of the archive, whatever it is next to.
var planted = map[string]string{
	"a root password":        "planted-root-password",
	"a key in the values":    "planted-secret-key",
	"a pull secret's":        "planted-pull-password",
	"the license":            "eyJhbGciOiJFUzM4NCJ9.eyJwbGFudGVkIjoxfQ.c2lnbmF0dXJl",
	"a Secret of the user's": `planted "quoted" token`,
}

func testFacts() *plan.Facts {
	docker := `{"auths":{"r.example":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("robot:"+planted["a pull secret's"])) + `"}}}`
	return &plan.Facts{
		Operator:      &plan.InstalledRelease{Namespace: "aistor", Name: "aistor"},
		Releases:      []plan.InstalledRelease{{Namespace: "tenant", Name: "primary", Values: map[string]any{"secrets": map[string]any{"secretKey": planted["a key in the values"]}}}},
		License:       &plan.License{Namespace: "aistor", Present: true, Token: plan.Sensitive(planted["the license"])},
		PullSecrets:   []plan.PullSecret{{Namespace: "tenant", Name: "pull", Present: true, Data: plan.Sensitive(docker)}},
		Stores:        []plan.Store{{Namespace: "tenant", Name: "primary"}},
		Pods:          []plan.Pod{{Namespace: "tenant", Name: "primary-pool-0-0", Store: "tenant/primary", Ready: true, Containers: []plan.Container{{Name: "minio"}}}},
		WarningEvents: []plan.Event{{Message: "pull with " + planted["a pull secret's"] + " failed"}},
		Gaps:          []plan.Gap{{Subject: "nodes", Cause: "denied to " + planted["a root password"]}},
	}
}

func secretTexts() string {
	var b strings.Builder
	for _, v := range planted {
		b.WriteString("seen " + v + " and " + base64.StdEncoding.EncodeToString([]byte(v)) + "\n")
	}
	return b.String()
}

func newObject(apiVersion, kind, name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{"namespace": "tenant", "name": name, "annotations": map[string]any{"note": secretTexts()}}}}
}

func TestNoPlantedSecretIsInTheArchive(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "primary-env"}, Data: map[string][]byte{
			"config.env": []byte("export MINIO_ROOT_USER=\"someone\"\nexport MINIO_ROOT_PASSWORD=\"" + planted["a root password"] + "\"\n")}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "own"}, Data: map[string][]byte{"t": []byte(planted["a Secret of the user's"])}},
	)
	kinds := map[schema.GroupVersionResource]string{}
	for _, r := range collectedResources {
		kinds[r] = r.Resource + "List"
	}
	stranger := newObject("v1", "Pod", "neighbour")
	dyn := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds,
		newObject("v1", "Pod", "primary-pool-0-0"), stranger, newObject("aistor.min.io/v1", "ObjectStore", "primary"))
	var out bytes.Buffer
	index, err := Write(t.Context(), &out, Options{Client: client, Dynamic: dyn, Facts: testFacts(), Now: time.Unix(0, 0),
		Documents: map[string]any{"preflight": map[string]any{"message": secretTexts()}}})
	if err != nil {
		t.Fatal(err)
	}
	text := unpackArchive(t, out.Bytes())
	for what, secret := range planted {
		for _, spelt := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), strings.ReplaceAll(secret, `"`, `\"`)} {
			if strings.Contains(text, spelt) {
				t.Errorf("%s is in the archive", what)
			}
		}
	}
	for _, want := range []string{"namespaces/tenant/pods.yaml", "namespaces/tenant/objectstores.yaml", "logs/tenant/primary-pool-0-0/minio.log", "facts.yaml", "preflight.yaml", "index.yaml"} {
		if !strings.Contains(text, "aistor-collect/"+want) {
			t.Errorf("%s is not in the archive: %v", want, index.Files)
		}
	}
	if strings.Contains(text, "neighbour") {
		t.Error("a neighbour's pod is in the archive")
	}
}

func TestWhatCouldNotBeCollectedIsSaid(t *testing.T) {
	t.Parallel()
	client := fake.NewClientset()
	client.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("denied") })
	kinds := map[schema.GroupVersionResource]string{}
	for _, r := range collectedResources {
		kinds[r] = r.Resource + "List"
	}
	dyn := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds)
	dyn.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("denied") })
	var out bytes.Buffer
	index, err := Write(t.Context(), &out, Options{Client: client, Dynamic: dyn, Facts: testFacts(), Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(index.Missing, "\n")
	for _, want := range []string{"secrets of tenant", "pods in tenant", "nodes: "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
}

// A store of which nothing is ready must not fill the archive with a thousand
// logs that say the same.
func TestOfManyPodsOnlySomeGiveTheirLogs(t *testing.T) {
	t.Parallel()
	f := &plan.Facts{Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor"}}
	for i := range 30 {
		f.Pods = append(f.Pods, plan.Pod{Namespace: "tenant", Name: fmt.Sprintf("primary-pool-0-%d", i), Store: "tenant/primary",
			Ready: i < 10, Containers: []plan.Container{{Name: "minio"}}})
	}
	for i := range 6 {
		f.Pods = append(f.Pods, plan.Pod{Namespace: "aistor", Name: fmt.Sprintf("operator-%d", i), Containers: []plan.Container{{Name: "controller"}}})
	}
	kinds := map[schema.GroupVersionResource]string{}
	for _, r := range collectedResources {
		kinds[r] = r.Resource + "List"
	}
	dyn := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds)
	index, err := Write(t.Context(), io.Discard, Options{Client: fake.NewClientset(), Dynamic: dyn, Facts: f, Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	logs := slices.DeleteFunc(slices.Clone(index.Files), func(name string) bool { return !strings.HasSuffix(name, ".log") })
	if len(logs) != 4+4+6 {
		t.Errorf("%d logs: %v", len(logs), logs)
	}
	if want := []string{"logs: 16 of 20 pods of tenant/primary that are not ready were left out"}; !slices.Equal(index.Missing, want) {
		t.Errorf("left out without a word: %q", index.Missing)
	}
}

func TestAnEventIsOursByWhatItIsAbout(t *testing.T) {
	t.Parallel()
	ours := map[string]bool{"primary-pool-0": true, "object-store-operator": true}
	for name, want := range map[string]bool{
		"primary-pool-0": true, "primary-pool-0-3": true, "object-store-operator-76fdcd96d5-rf4h6": true,
		"primary": false, "neighbour": false, "primary-pool": false, "": false,
	} {
		if isDerivedName(name, ours) != want {
			t.Errorf("an event about %q: ours is not %v", name, want)
		}
	}
}

// unpackArchive is every name and every byte of an archive.
func unpackArchive(t *testing.T, data []byte) string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(h.Name + "\n" + string(body) + "\n")
	}
}
