package standin

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func parse(t *testing.T, text string) Object {
	t.Helper()
	var o Object
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

const storeText = `
apiVersion: aistor.min.io/v1
kind: ObjectStore
metadata: {name: primary, namespace: tenant, uid: u1}
spec:
  imagePullSecret: {name: mine}
  mountPath: /export
  pools:
  - {name: pool-0, servers: 4, volumesPerServer: 2, volumeClaimTemplate: {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}}
  - {name: pool-1, servers: 2, volumesPerServer: 1, spreadZoneConfig: {enabled: true}, volumeClaimTemplate: {metadata: {}, spec: {}}}
  sideCars: {containers: [{name: proxy, image: "r/proxy:1"}]}
`

func testConfig(t *testing.T) Config {
	t.Helper()
	config, err := ParseConfig(parse(t, `
metadata: {name: object-store-operator}
data:
  minio: |
    image: "r/minio:RELEASE.2026-06-06T02-44-06Z"
    imagePullSecrets:
      - name: pull
  minio-sidecar: |
    image: "r/minio-sidecar:RELEASE.2026-07-14T22-07-12Z"
    imagePullPolicy: "Always"
    imagePullSecrets:
      - name: pull
  minwall: |
    image: "r/minwall:RELEASE.2026-05-21T06-25-56Z"
`))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestStatefulSetOfAPool(t *testing.T) {
	t.Parallel()
	store := parse(t, storeText)
	pools := store.List("spec", "pools")
	set := DesiredStatefulSet(store, pools[0], testConfig(t), DefaultSwitches())
	pod := set.Map("spec", "template", "spec")
	var got []any
	for _, c := range append(pod.List("initContainers"), pod.List("containers")...) {
		got = append(got, c.Text("name")+" "+c.Text("image")+" "+c.Text("imagePullPolicy"))
	}
	for _, claim := range set.List("spec", "volumeClaimTemplates") {
		got = append(got, claim.Name())
	}
	got = append(got, set.Name(), set.Number("spec", "replicas"), set.Text("spec", "serviceName"), pod.At("imagePullSecrets"), pod.Text("serviceAccountName"))
	want := []any{
		"validate-arguments r/minio-sidecar:RELEASE.2026-07-14T22-07-12Z Always",
		"minio r/minio:RELEASE.2026-06-06T02-44-06Z IfNotPresent",
		"sidecar r/minio-sidecar:RELEASE.2026-07-14T22-07-12Z Always",
		"proxy r/proxy:1 ",
		"data0", "data1", "primary-pool-0", 4, "primary-hl",
		[]any{map[string]any{"name": "mine"}, map[string]any{"name": "pull"}}, "primary-sa",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("StatefulSet (-want +got):\n%s", diff)
	}
	if set.Map("spec", "template", "metadata", "labels").Text("aistor.min.io/spreadZoneAware") != "" {
		t.Error("the webhook would select pods of a pool without spread zones")
	}
	spread := DesiredStatefulSet(store, pools[1], testConfig(t), DefaultSwitches())
	if spread.Map("spec", "template", "metadata", "labels").Text("aistor.min.io/spreadZoneAware") != "true" {
		t.Error("the webhook would not select pods of a pool with spread zones")
	}
}

func TestTheStoresOwnImageWins(t *testing.T) {
	t.Parallel()
	store := parse(t, storeText)
	store.Map("spec")["image"] = "mine/minio:RELEASE.2025-08-13T17-08-54Z"
	set := DesiredStatefulSet(store, store.List("spec", "pools")[0], testConfig(t), DefaultSwitches())
	if got := serverTag(set); got != "RELEASE.2025-08-13T17-08-54Z" {
		t.Errorf("server runs %q", got)
	}
}

func TestFirewallAndKESTakeTheirDefaultImages(t *testing.T) {
	t.Parallel()
	store := parse(t, storeText)
	if DesiredKES(store, testConfig(t)) != nil {
		t.Error("KES without spec.kes")
	}
	store.Map("spec")["firewall"] = map[string]any{"enabled": true}
	store.Map("spec")["kes"] = map[string]any{"image": "r/kes:1", "replicas": 3.0}
	if got := firewall(store, testConfig(t))["image"]; got != "r/minwall:RELEASE.2026-05-21T06-25-56Z" {
		t.Errorf("firewall runs %v", got)
	}
	kes := DesiredKES(store, testConfig(t))
	if kes.Number("spec", "replicas") != 3 || kes.List("spec", "template", "spec", "containers")[0].Text("image") != "r/kes:1" {
		t.Errorf("KES is %v", kes["spec"])
	}
}

func TestServicesFollowTLSAndNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, spec string
		want       []string
	}{
		{name: "encrypted", spec: "{}", want: []string{"minio 443 ClusterIP", "primary-console 9443 ClusterIP", "primary-hl 9000 ClusterIP"}},
		{name: "plain", spec: "{certificates: {disableAutoCert: true}}", want: []string{"minio 80 ClusterIP", "primary-console 9090 ClusterIP", "primary-hl 9000 ClusterIP"}},
		{name: "named", spec: "{services: {minio: {name: s3, serviceType: NodePort}, console: {name: ui}}}", want: []string{"s3 443 NodePort", "ui 9443 ClusterIP", "primary-hl 9000 ClusterIP"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := Object{"metadata": map[string]any{"name": "primary", "namespace": "tenant"}, "spec": map[string]any(parse(t, test.spec))}
			var got []string
			for _, s := range DesiredServices(store) {
				got = append(got, s.Name()+" "+strconv.Itoa(s.List("spec", "ports")[0].Number("port"))+" "+s.Text("spec", "type"))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBudgetCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	store := parse(t, storeText)
	if DesiredBudget(store) == nil {
		t.Error("no budget by default")
	}
	store.Map("spec")["disablePodDisruptionBudget"] = true
	if DesiredBudget(store) != nil {
		t.Error("a budget although it is switched off")
	}
}

func TestAConfigMapThatIsNoYAMLIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := ParseConfig(parse(t, "data: {minio: '{'}")); err == nil {
		t.Error("no error")
	}
}
