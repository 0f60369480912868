package e2e

import (
	"fmt"
	"strings"
	"time"
)

// broken puts everything into disorder that can be at the same time, on a
// cluster that stands still so that nobody repairs it, and looks once.
func (w *world) broken() map[string]finished {
	w.t.Helper()
	w.record("team-b", "logs", pending)
	w.refusePullTests()
	w.breakPods() // before Pod Security is tightened
	w.breakObjects()
	w.breakVolumes()
	w.breakStore()
	w.breakSecrets()
	file := w.bundle("broken.bundle", w.chart("aistor-operator-5.10.0"), w.withStray(w.chart("aistor-objectstore-1.0.16")), "--with", "kes")
	return w.check(w.right(), nil, "--bundle", file, "--drop-missing", "--pull-test",
		"--operator-values", w.operatorValues(), "--store-values", "team-a/primary="+w.storeValues(), "--store-values", "team-b/logs="+w.renamedValues())
}

// tagged changes the image of a store alone, whose values bring a container of
// their own from outside. Any other upgrade rewrites that, or refuses.
func (w *world) tagged() map[string]finished {
	w.t.Helper()
	w.freeze()
	values := w.write("public.yaml", fmt.Sprintf(storeValuesText, "logs", "logs", 1)+"  initContainers: [{name: first, image: docker.io/library/busybox:1}]\n")
	return w.check(w.right(), nil, "--image-only", minioTag, "--object-store", "team-b/logs", "--store-values", "team-b/logs="+values, "--only", "references-private")
}

// refusePullTests lets a policy refuse the pods of the test, and waits until
// the server knows.
func (w *world) refusePullTests() {
	w.t.Helper()
	w.apply(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"no-tests"},"spec":{
"matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]},
"validations":[{"expression":"!('` + someTestPod + `' in object.metadata.?labels.orValue({}))","message":"no pods of tests here"}]}}`)
	w.apply(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"no-tests"},"spec":{"policyName":"no-tests","validationActions":["Deny"]}}`)
	w.site.until("the policy holds", func() bool {
		_, code := w.request("POST", "/api/v1/namespaces/team-a/pods?dryRun=All",
			`{"metadata":{"name":"probe","labels":{"`+someTestPod+`":"x"}},"spec":{"containers":[{"name":"c","image":"x"}]}}`)
		return code == 422 || code == 403
	})
}

func (w *world) apply(doc string) {
	w.t.Helper()
	w.kubectl("apply", "-f", w.write("applied.json", doc))
}

// breakVolumes lets a person delete a claim, and a volume be released.
func (w *world) breakVolumes() {
	w.t.Helper()
	w.kubectl("delete", "pvc", "data0-logs-pool-0-0", "-n", "team-b", "--wait=false")
	volume := w.kubectl("get", "pvc", "data0-primary-pool-0-1", "-n", "team-a", "-o", "jsonpath={.spec.volumeName}")
	w.kubectl("patch", "pv", volume, "--subresource=status", "--type=merge", "-p", `{"status":{"phase":"Released"}}`)
}

// breakObjects spoils what stands beside the stores.
func (w *world) breakObjects() {
	w.t.Helper()
	node := func(server string) string {
		return w.kubectl("get", "pod", server, "-n", "team-a", "-o", "jsonpath={.spec.nodeName}")
	}
	w.kubectl("patch", "node", node("primary-pool-0-0"), "--subresource=status", "-p", `{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Planted"}]}}`)
	w.kubectl("patch", "node", node("primary-pool-0-1"), "--subresource=status", "-p", `{"status":{"nodeInfo":{"architecture":"arm64"}}}`)
	w.kubectl("delete", "endpointslices", "-n", "aistor", "-l", "kubernetes.io/service-name=object-store-operator")
	w.kubectl("patch", "mutatingwebhookconfiguration", "object-store-operator-webhook", "--type=json", "-p", `[{"op":"replace","path":"/webhooks/0/clientConfig/caBundle","value":""}]`)
	w.kubectl("label", "namespace", "team-b", "pod-security.kubernetes.io/enforce=restricted")
	w.apply(fmt.Sprintf(`{"apiVersion":"v1","kind":"Event","metadata":{"name":"planted","namespace":"team-a"},"type":"Warning","reason":"Planted","message":"disk is slow","count":1,
"lastTimestamp":%q,"involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"team-a","name":"primary-pool-0-0"}}`, time.Now().UTC().Format(time.RFC3339)))
	for _, budget := range strings.Fields(w.kubectl("get", "poddisruptionbudgets", "-n", "team-a", "-o", "name")) {
		w.kubectl("patch", budget, "-n", "team-a", "--subresource=status", "--type=merge", "-p", `{"status":{"disruptionsAllowed":0}}`)
	}
	w.apply(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"readers","namespace":"team-a",
"labels":{"app.kubernetes.io/managed-by":"Helm"},"annotations":{"meta.helm.sh/release-name":"primary","meta.helm.sh/release-namespace":"team-a"}},
"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"one"},"subjects":[]}`)
}

// breakStore gives a live store what the coming definition does not know, or
// does not accept, after the installed one was loosened for it.
func (w *world) breakStore() {
	w.t.Helper()
	spec := "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
	w.kubectl("patch", "crd", "objectstores.aistor.min.io", "--type=json", "-p", `[{"op":"add","path":"`+spec+`/legacy","value":{"type":"string"}},
{"op":"replace","path":"`+spec+`/mountPath","value":{"x-kubernetes-int-or-string":true}}]`)
	store := []string{"patch", "objectstores.aistor.min.io", "primary", "-n", "team-a", "--type=merge", "-p"}
	w.site.until("the definition is loosened", func() bool {
		w.kubectl(append(store, `{"spec":{"legacy":"x"}}`)...)
		return w.kubectl("get", "objectstores.aistor.min.io", "primary", "-n", "team-a", "-o", "jsonpath={.spec.legacy}") == "x"
	})
	w.kubectl(append(store, `{"metadata":{"labels":{"helm.toolkit.fluxcd.io/name":"store","helm.toolkit.fluxcd.io/namespace":"team-a"}},"spec":{"mountPath":7,"rollingTimeoutSeconds":5}}`)...)
	w.kubectl(append(store, `{"status":{"drivesHealing":1}}`, "--subresource=status")...)
}

// breakPods spoils what servers and KES say of themselves.
func (w *world) breakPods() {
	w.t.Helper()
	names := strings.Fields(w.kubectl("get", "pod", "primary-pool-0-0", "-n", "team-a", "-o", "jsonpath={.status.containerStatuses[*].name}"))
	for i, name := range names {
		if name == "minio" {
			path := fmt.Sprintf("/status/containerStatuses/%d", i)
			w.kubectl("patch", "pod", "primary-pool-0-0", "-n", "team-a", "--subresource=status", "--type=json", "-p",
				`[{"op":"replace","path":"`+path+`/ready","value":false},{"op":"replace","path":"`+path+`/state","value":{"waiting":{"reason":"ImagePullBackOff","message":"401 from somewhere"}}}]`)
		}
	}
	w.kubectl("patch", "pod", "primary-pool-0-1", "-n", "team-a", "-p",
		fmt.Sprintf(`{"spec":{"containers":[{"name":"sidecar","image":%q}]}}`, w.registry+"/aistor/minio-sidecar:RELEASE.2020-01-01T00-00-00Z"))
	for _, pod := range strings.Fields(w.kubectl("get", "pods", "-n", "team-a", "-l", "v1.min.io/kes", "-o", "name")) {
		w.kubectl("patch", pod, "-n", "team-a", "--subresource=status", "-p", `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`)
	}
}

func (w *world) breakSecrets() {
	w.t.Helper()
	secret := func(namespace, server, password string) {
		w.kubectl("delete", "secret", "private-repo-pull-secret", "-n", namespace)
		if server != "" {
			w.kubectl("create", "secret", "docker-registry", "private-repo-pull-secret", "-n", namespace, "--docker-server="+server, "--docker-username="+w.env["PRIVATE_USER"], "--docker-password="+password)
		}
	}
	secret("team-a", w.registry, "wrong")
	secret("team-b", "", "")
	secret("aistor", "registry.example.com", "wrong")
	w.kubectl("patch", "secret", "primary-env", "-n", "team-a", "--type=merge", "-p",
		`{"stringData":{"config.env":"export MINIO_ROOT_USER=\"planted-access-key\"\nexport MINIO_ROOT_PASSWORD=\"edited-by-hand\"\n"}}`)
}

// operatorValues lack the license, pin the operator that runs now, and name an
// image by its public name.
func (w *world) operatorValues() string {
	w.t.Helper()
	return w.write("operator-values.yaml", `
repositories:
  aistor: {hostname: "`+w.registry+`", pathPrefix: aistor/, imagePullSecrets: [{name: private-repo-pull-secret}]}
images:
  operator: {repository: aistor, image: "operator:`+tagOf(w.image("5.8.0", "operator"))+`"}
  mc: "`+w.image("5.10.0", "mc")+`"
`)
}

func tagOf(ref string) string { return ref[strings.LastIndexByte(ref, ':')+1:] }

const storeValuesText = `
secrets: {name: %[1]s-env, accessKey: planted-access-key, secretKey: planted-secret-key}
objectStore:
  name: %[2]s
  configuration: {name: %[1]s-env}
  imagePullSecret: {name: private-repo-pull-secret}
  pools: [{name: pool-0, servers: %[3]d, volumesPerServer: 1, size: 1Gi}]
`

// storeValues bring a kind that nobody serves, and a binding to another role.
func (w *world) storeValues() string {
	w.t.Helper()
	return w.write("primary.yaml", fmt.Sprintf(storeValuesText, "primary", "primary", 2)+`
extraResources:
- {apiVersion: example.com/v1, kind: Foo, metadata: {name: foo, namespace: team-a}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: readers, namespace: team-a}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: two}
`)
}

// renamedValues would make another store, of an image without a release's tag.
func (w *world) renamedValues() string {
	w.t.Helper()
	return w.write("logs.yaml", fmt.Sprintf(storeValuesText, "logs", "renamed", 1)+`
  image: {repository: "`+w.registry+`/aistor/minio", tag: custom}
`)
}
