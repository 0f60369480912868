package preflight

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The installation of the tests: an operator in namespace aistor and one store
// of four servers in namespace tenant, on its way from 5.8.0 to 5.10.0.
const (
	private = "registry.example.com:5000"
	oldOp   = "RELEASE.2026-07-14T19-42-05Z"
	newOp   = "RELEASE.2026-07-21T22-41-48Z"
	minioR  = "RELEASE.2026-06-06T02-44-06Z"
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func testNow() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }

func mustParseObject(t testing.TB, doc string) images.Object {
	t.Helper()
	o, err := images.ParseObject([]byte(doc))
	if err != nil {
		t.Fatalf("parsing a fixture: %v\n%s", err, doc)
	}
	return o
}

func mustParseRef(t testing.TB, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// operatorDocs is what an operator chart renders, as far as checks look.
func operatorDocs(release string) []string {
	return []string{
		fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: object-store-operator, namespace: aistor, annotations: {aistor.min.io/version: %s}},
  spec: {template: {spec: {imagePullSecrets: [{name: pull}], containers: [{name: controller, image: "%s/aistor/operator:%s"}]}}}}`, release, private, release),
		fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: object-store-operator, namespace: aistor},
  data: {minio: "image: %[1]s/aistor/minio:%[2]s\nimagePullSecrets:\n- name: pull\n", minio-sidecar: "image: %[1]s/aistor/minio-sidecar:%[2]s\n"}}`, private, minioR),
		`{apiVersion: v1, kind: Service, metadata: {name: object-store-operator, namespace: aistor}}`,
		`{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: object-store-operator-webhook}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: minio-license, namespace: aistor}, stringData: {minio.license: "` + licenseToken(400*24*time.Hour) + `"}}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: aistor-op}, roleRef: {kind: ClusterRole, name: aistor-op}}`,
		crdDoc("rollingTimeoutSeconds", "firewall"),
	}
}

// crdDoc defines object stores with some fields beside image and pools.
func crdDoc(fields ...string) string {
	var props []string
	for _, f := range fields {
		props = append(props, f+`: {x-kubernetes-preserve-unknown-fields: true}`)
	}
	return `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
  metadata: {name: objectstores.aistor.min.io, annotations: {helm.sh/resource-policy: keep}},
  spec: {group: aistor.min.io, names: {kind: ObjectStore}, versions: [{name: v1, storage: true, schema: {openAPIV3Schema: {properties: {spec: {properties: {
    image: {type: string}, imagePullSecret: {properties: {name: {type: string}}},
    pools: {items: {properties: {name: {type: string}, servers: {type: integer}}}}, ` + strings.Join(props, ", ") + `}}}}}}]}}`
}

func storeDoc(spec string) string {
	return `{apiVersion: aistor.min.io/v1, kind: ObjectStore, metadata: {name: primary, namespace: tenant},
  spec: {imagePullSecret: {name: pull}, pools: [{name: pool-0, servers: 4}]` + spec + `}}`
}

func mustParseObjects(t testing.TB, docs ...string) []images.Object {
	t.Helper()
	var list []images.Object
	for _, d := range docs {
		list = append(list, mustParseObject(t, d))
	}
	return list
}

// licenseToken is an unsigned license that expires some time from testNow.
func licenseToken(left time.Duration) string {
	enc := base64.RawURLEncoding.EncodeToString
	claims, _ := json.Marshal(map[string]any{"plan": "ENTERPRISE", "exp": testNow().Add(left).Unix(), "iat": testNow().Add(-time.Hour).Unix()})
	return enc([]byte(`{"alg":"ES384","typ":"JWT"}`)) + "." + enc(claims) + "." + enc([]byte("signature"))
}

func dockerConfig(entries map[string]string) []byte {
	auths := map[string]any{}
	for key, login := range entries {
		auths[key] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(login))}
	}
	b, _ := json.Marshal(map[string]any{"auths": auths})
	return b
}

func pullSecret(namespace string, data []byte) plan.PullSecret {
	return plan.PullSecret{Namespace: namespace, Name: "pull", Present: true, Type: typeDockerConfigJSON, Data: data}
}

func goodSecret(namespace string) plan.PullSecret {
	return pullSecret(namespace, dockerConfig(map[string]string{private: "puller:hunter2"}))
}

// readySubject is a subject that passes every check.
func readySubject(t testing.TB) *Subject {
	t.Helper()
	operator := operatorDocs(newOp)
	opChange := plan.Change{Namespace: "aistor", Release: "aistor",
		From: plan.ChartRef{Name: "aistor-operator", Version: "5.8.0"}, To: plan.ChartRef{Name: "aistor-operator", Version: "5.10.0"},
		Before: mustParseObjects(t, operatorDocs(oldOp)...), After: mustParseObjects(t, operator...)}
	storeChange := plan.Change{Namespace: "tenant", Release: "primary", Store: "primary",
		From: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.13"}, To: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16"},
		Before: mustParseObjects(t, storeDoc("")), After: mustParseObjects(t, storeDoc(`, rollingTimeoutSeconds: 600`))}
	registry := plan.SiteRegistry{Mirror: images.Mirror{Registry: private}, PullSecret: "pull"}
	s := &Subject{
		Facts:    readyFacts(t, operator),
		Inputs:   &plan.Inputs{Registry: registry, Operator: []plan.Change{opChange}, Stores: []plan.Change{storeChange}},
		Plan:     readyPlan(t, registry),
		Registry: newFakeRegistry(t),
		Puller:   fakePuller{},
		Bundle:   fakeBundle{},

		Acknowledged: []string{"bucket-export", "iam-export", "config-export"},
		Now:          testNow(),
		Permissions:  []Permission{{Verb: "patch", Resource: "deployments", Namespace: "aistor", Allowed: true}},
		DryRuns: []plan.DryRun{
			{ObjectKey: plan.ObjectKey{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "aistor", Name: "object-store-operator"}, Change: "aistor/aistor to aistor-operator-5.10.0", Outcome: plan.DryRunAccepted},
			{ObjectKey: plan.ObjectKey{APIVersion: "v1", Kind: "Pod", Namespace: "tenant", Name: "primary-pool-0-0"}, Pod: true, Outcome: plan.DryRunAccepted},
		},
	}
	for _, img := range s.Plan.Images {
		s.Inputs.Bundle.Images = append(s.Inputs.Bundle.Images,
			plan.BundleImage{Ref: img.Source, Digest: img.Digest, Platforms: []string{"linux/amd64", "linux/arm64"}})
	}
	s.Facts.HealthAnswers, s.Facts.LogsRead = []plan.HealthAnswer{{Store: "tenant/primary", State: "ok", Status: 200}}, 3
	s.Inputs.Facts, s.Inputs.Bundle.Name = s.Facts, "aistor.bundle"
	s.Plan.Claims = s.Facts.ClaimRecords()
	return s
}

func readyPlan(t testing.TB, registry plan.SiteRegistry) *plan.Plan {
	image := func(name, tag, object string, namespaces ...string) plan.PlannedImage {
		return plan.PlannedImage{Source: mustParseRef(t, "quay.io/minio/aistor/"+name+":"+tag), Private: mustParseRef(t, private+"/aistor/"+name+":"+tag),
			Digest: digestA, Namespaces: namespaces,
			Reasons: []images.Reason{{Kind: images.KindDefault, Chart: "aistor-operator-5.10.0", Object: object}}}
	}
	opTo, storeTo := plan.ChartRef{Name: "aistor-operator", Version: "5.10.0"}, plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16"}
	return &plan.Plan{
		Cluster: plan.Cluster{UID: "uid-1", Version: "v1.33.1"}, Registry: registry, Bundle: plan.Bundle{Digest: digestB},
		Images: []plan.PlannedImage{
			image("minio", minioR, "ConfigMap/aistor/object-store-operator", "tenant"),
			image("minio-sidecar", minioR, "ConfigMap/aistor/object-store-operator", "tenant"),
			image("operator", newOp, "Deployment/aistor/object-store-operator", "aistor"),
		},
		Steps: []plan.Step{
			{ID: "operator-5.10.0", Action: plan.ActionOperator, Target: "aistor/aistor", To: &opTo},
			{ID: "store-primary", Action: plan.ActionStore, Target: "tenant/primary", Store: "tenant/primary", To: &storeTo,
				Restarts: []plan.Restart{{Store: "tenant/primary", Pods: 4, Strategy: plan.OneByOne, Selected: true}}},
			{ID: "validate", Action: plan.ActionValidate},
		},
	}
}

func readyFacts(t testing.TB, operator []string) *plan.Facts {
	crd := mustParseObject(t, crdDoc("rollingTimeoutSeconds", "firewall"))
	f := &plan.Facts{
		Context: "test", ClusterUID: "uid-1", ServerVersion: "v1.33.1", User: "alice",
		Nodes:    []plan.Node{{Name: "n1", Platform: "linux/amd64", Ready: true}, {Name: "n2", Platform: "linux/amd64", Ready: true}},
		Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Chart: "aistor-operator", Version: "5.10.0", Revision: 2, Status: "deployed", LastDeployed: 2, RecordBytes: 160 << 10, Manifest: strings.Join(operator, "\n---\n")},
		Releases: []plan.InstalledRelease{{Namespace: "tenant", Name: "primary", Chart: "aistor-objectstore", Version: "1.0.16", Revision: 1, Status: "deployed", LastDeployed: 1, Manifest: storeDoc("")}},
		Stores: []plan.Store{{Namespace: "tenant", Name: "primary", Release: "primary", ImagePullSecret: "pull", Health: "green", DrivesOnline: 16,
			Pools: []plan.Pool{{Name: "pool-0", Servers: 4, State: "PoolInitialized"}}, Object: mustParseObject(t, storeDoc(""))}},
		Services: []plan.Service{
			{Namespace: "aistor", Name: "object-store-operator", Type: "ClusterIP", Ports: []int{4221}, Ready: 1},
			{Namespace: "aistor", Name: "object-store-webhook", Type: "ClusterIP", Ports: []int{8443}, Ready: 1}},
		Bindings:          []plan.Binding{{ObjectKey: plan.ObjectKey{Kind: "ClusterRoleBinding", Name: "aistor-op"}, RoleKind: "ClusterRole", RoleName: "aistor-op", Release: "aistor/aistor"}},
		CRDs:              []plan.CRD{{Name: "objectstores.aistor.min.io", Established: true, Keep: true, Release: "aistor/aistor", Served: []string{"v1"}, Stored: []string{"v1"}, Object: crd}},
		Webhooks:          []plan.Webhook{{Configuration: "object-store-operator-webhook", Name: "objectstore-rack-selector.min.io", CABundle: 1468, FailurePolicy: "Fail", Service: "aistor/object-store-webhook"}},
		PullSecrets:       []plan.PullSecret{goodSecret("aistor"), goodSecret("tenant")},
		License:           &plan.License{Namespace: "aistor", Release: "aistor/aistor", Present: true, Token: plan.Sensitive(licenseToken(400 * 24 * time.Hour))},
		DisruptionBudgets: []plan.DisruptionBudget{{Namespace: "tenant", Name: "primary", DisruptionsAllowed: 1}},
		Namespaces:        []plan.Namespace{{Name: "aistor"}, {Name: "tenant"}},
	}
	addPods(f)
	addClaims(f, 4)
	return f
}

// addClaims adds a bound claim and its volume for each server.
func addClaims(f *plan.Facts, servers int) {
	for i := range servers {
		name := fmt.Sprintf("data-primary-pool-0-%d", i)
		f.Claims = append(f.Claims, plan.Claim{Namespace: "tenant", Name: name, UID: fmt.Sprint("uid-", i), Store: "tenant/primary", Phase: "Bound", Volume: fmt.Sprint("pv-", i)})
		f.Volumes = append(f.Volumes, plan.Volume{Name: fmt.Sprint("pv-", i), Phase: "Bound", ReclaimPolicy: "Delete", ClaimNamespace: "tenant", ClaimName: name, ClaimUID: fmt.Sprint("uid-", i)})
	}
}

// addPods adds the operator's pod, four servers and what owns them.
func addPods(f *plan.Facts) {
	pod := func(ns, name, store, owner string, containers ...plan.Container) {
		f.Pods = append(f.Pods, plan.Pod{Namespace: ns, Name: name, Store: store, Owner: owner, Node: "n1", Phase: "Running", Ready: true,
			Created: testNow().Add(-time.Hour), Revision: "r2", Containers: containers, PullSecrets: []string{"pull"}})
	}
	container := func(name, image string) plan.Container {
		full := private + "/aistor/" + image
		return plan.Container{Name: name, Image: full, ImageID: strings.Split(full, ":RELEASE")[0] + "@" + digestA, Ready: true}
	}
	pod("aistor", "object-store-operator-1", "", "Deployment/object-store-operator", container("controller", "operator:"+newOp))
	f.Workloads = []plan.Workload{
		{ObjectKey: plan.ObjectKey{Kind: "Deployment", Namespace: "aistor", Name: "object-store-operator"}, Replicas: 1, Ready: 1, Updated: 1, Generation: 2, ObservedGeneration: 2},
		{ObjectKey: plan.ObjectKey{Kind: "StatefulSet", Namespace: "tenant", Name: "primary-pool-0"}, Store: "tenant/primary",
			Replicas: 4, Ready: 4, Updated: 4, Generation: 3, ObservedGeneration: 3, UpdateRevision: "r2", ClaimTemplates: []string{"data"}},
	}
	for i := range 4 {
		validate := container("validate-arguments", "minio-sidecar:"+minioR)
		validate.Init = true
		pod("tenant", fmt.Sprintf("primary-pool-0-%d", i), "tenant/primary", "StatefulSet/primary-pool-0",
			validate, container("minio", "minio:"+minioR), container("sidecar", "minio-sidecar:"+minioR))
	}
}
