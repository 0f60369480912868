package aistor_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
)

const privateOperator = `
license: token
repositories:
  aistor: {hostname: "registry.example.com:5000", pathPrefix: team/aistor/, imagePullPolicy: Always, imagePullSecrets: [{name: pull}]}
  minio: {hostname: "registry.example.com:5000", pathPrefix: team/minio/, imagePullSecrets: [{name: pull}]}
operators:
  aihub: {disabled: false}
  prompt: {disabled: false}
  warp: {disabled: false}
`

const privateStore = `
secrets: {name: root, accessKey: admin, secretKey: correct-horse}
objectStore:
  name: primary
  configuration: {name: root}
  image: {repository: registry.example.com/aistor/minio, tag: RELEASE.2026-06-06T02-44-06Z}
  imagePullSecret: {name: pull}
  rollingTimeoutSeconds: 300
  env: [{name: MINIO_DOMAIN, value: example.com}]
  metrics: {enabled: true}
  pools:
  - {name: pool-0, servers: 4, volumesPerServer: 2, size: 1Ti, storageClassName: fast, labels: {a: b}, securityContext: {}, spreadZoneConfig: {enabled: true}}
  - {name: pool-1, servers: 8, storageNamePrefix: disk}
  services: {minio: {serviceType: NodePort, nodePort: 31000}}
  kes:
    configuration: "address: 0.0.0.0:7373"
    image: {repository: registry.example.com/aistor/kes, tag: RELEASE.2026-04-13T20-11-36Z}
    replicas: 2
    keyName: key
    imagePullPolicy: IfNotPresent
    serviceAccountName: kes
    nodeSelector: {disk: ssd}
`

// TestFixturesAgreeWithPublishedCharts renders each fixture and the published
// chart of that version with the same values.
func TestFixturesAgreeWithPublishedCharts(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" {
		t.Skip("AISTOR_CHARTS names no folder of published charts")
	}
	operatorValues := map[string]string{"defaults": "", "private": privateOperator}
	storeValues := map[string]string{"defaults": "secrets: {accessKey: admin, secretKey: correct-horse}", "private": privateStore}
	for _, version := range aistor.Versions() {
		all := operatorValues
		if version.Chart == aistor.StoreChart {
			all = storeValues
		}
		published, err := loader.LoadFile(filepath.Join(dir, version.ID()+".tgz"))
		if err != nil {
			t.Fatal(err)
		}
		fixture := packed(t, version.ID())
		if diff := cmp.Diff(published.Metadata.AppVersion, fixture.Metadata.AppVersion); diff != "" {
			t.Errorf("%s: appVersion (-published +fixture):\n%s", version.ID(), diff)
		}
		for label, values := range all {
			t.Run(version.ID()+"/"+label, func(t *testing.T) {
				t.Parallel()
				want, _, err := render(published, values)
				if err != nil {
					t.Fatal(err)
				}
				got, _, err := render(fixture, values)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(names(want), names(got)); diff != "" {
					t.Fatalf("objects (-published +fixture):\n%s", diff)
				}
				if diff := cmp.Diff(images(want), images(got)); diff != "" {
					t.Errorf("images (-published +fixture):\n%s", diff)
				}
				for name := range want {
					if diff := cmp.Diff(comparable(want[name]), comparable(got[name])); diff != "" {
						t.Errorf("%s (-published +fixture):\n%s", name, diff)
					}
				}
			})
		}
	}
}

// comparable returns the part of an object that must be the same: all of it,
// but for permissions, schemas and the annotations that only decorate.
func comparable(o object) any {
	kind, _ := o["kind"].(string)
	switch {
	case strings.HasSuffix(kind, "Role"):
		return kind
	case kind == "CustomResourceDefinition":
		return definition(o)
	case kind == "Deployment":
		return deployment(o)
	case kind == "ObjectStore":
		return []any{o["spec"], o["scheduler"], o["metadata"]}
	}
	rest := object{}
	for key, value := range o {
		if key != "metadata" {
			rest[key] = value
		}
	}
	return rest
}

// deployment returns what tells one version of an operator's pods from another.
func deployment(o object) any {
	spec := o["spec"].(map[string]any)
	pod := spec["template"].(map[string]any)["spec"].(map[string]any)
	container := pod["containers"].([]any)[0].(map[string]any)
	delete(container, "livenessProbe")
	delete(container, "readinessProbe")
	for _, unordered := range []string{"env", "volumeMounts"} {
		list, _ := container[unordered].([]any)
		byName := map[string]any{}
		for _, item := range list {
			byName[item.(map[string]any)["name"].(string)] = item
		}
		container[unordered] = byName
	}
	labels := spec["template"].(map[string]any)["metadata"].(map[string]any)["labels"]
	return []any{spec["strategy"], spec["selector"], spec["replicas"], labels, container, pod["serviceAccountName"],
		pod["imagePullSecrets"], pod["affinity"], pod["automountServiceAccountToken"], pod["volumes"]}
}

// definition returns what of a CRD must be the same: for object stores also the
// fields of spec, pools and status, down to where Kubernetes' own types begin.
func definition(o object) any {
	spec := o["spec"].(map[string]any)
	versions := spec["versions"].([]any)
	out := []any{spec["group"], spec["scope"], len(versions), o["metadata"].(map[string]any)["annotations"].(map[string]any)["helm.sh/resource-policy"]}
	for _, v := range versions {
		version := v.(map[string]any)
		out = append(out, version["name"], version["served"], version["storage"])
		if spec["names"].(map[string]any)["kind"] == "ObjectStore" {
			schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
			out = append(out, spec["names"], version["subresources"], fields(schema, "", map[string]bool{}))
		}
	}
	return out
}

// fields returns the sorted paths of a schema's fields with their types. It
// does not go below the types that the fixture leaves open.
func fields(schema map[string]any, at string, seen map[string]bool) []string {
	open := []string{"affinity", "lifecycle", "readiness", "liveness", "startup", "ontainers", "olume", "olerations", "opologySpread",
		"ecurityContext", "resources", "env", "tiers", "customCertificates"}
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range properties {
		child := value.(map[string]any)
		path := at + "." + name
		seen[path+" "+fmt.Sprint(child["type"], child["default"], child["required"])] = true
		if items, ok := child["items"].(map[string]any); ok {
			child = items
		}
		if !slices.ContainsFunc(open, func(s string) bool { return strings.Contains(name, s) }) || name == "volumesPerServer" {
			fields(child, path, seen)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
