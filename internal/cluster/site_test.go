package cluster

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Collections of the fake API server.
const (
	ofPods        = "api/v1/pods"
	ofSecrets     = "api/v1/secrets"
	ofServices    = "api/v1/services"
	ofEvents      = "api/v1/events"
	ofStores      = "apis/aistor.min.io/v1/objectstores"
	ofSets        = "apis/apps/v1/statefulsets"
	ofDeployments = "apis/apps/v1/deployments"
	ofSlices      = "apis/discovery.k8s.io/v1/endpointslices"
	ofBindings    = "apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
	ofRoles       = "apis/rbac.authorization.k8s.io/v1/rolebindings"
	ofWebhooks    = "apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
	ofCRDs        = "apis/apiextensions.k8s.io/v1/customresourcedefinitions"
)

const (
	helmOwned   = `"annotations":{"meta.helm.sh/release-name":"aistor","meta.helm.sh/release-namespace":"aistor"}`
	operatorRef = "registry.site:5000/aistor/operator:RELEASE.2026-07-21T22-41-48Z"
	minioRef    = "registry.site:5000/aistor/minio:RELEASE.2026-06-06T02-44-06Z"
)

// addSite fills a with an operator in namespace aistor and one object store
// team-a/primary of n servers, shaped as the published charts and the API
// server make them.
func addSite(a *fakeAPIServer, n int) {
	a.addObjects("api/v1/nodes",
		`{"metadata":{"name":"node-1"},"spec":{"unschedulable":true,"taints":[{"key":"disk","value":"nvme","effect":"NoSchedule"}]},
		  "status":{"nodeInfo":{"operatingSystem":"linux","architecture":"arm64"},"conditions":[{"type":"Ready","status":"True"}]}}`)
	siteOperator(a)
	siteStore(a)
	for i := range n {
		a.addObjects(ofPods, storePod(i))
	}
}

func siteOperator(a *fakeAPIServer) {
	a.addObjects(ofCRDs,
		`{"metadata":{"name":"widgets.example.com"}}`,
		`{"metadata":{"name":"objectstores.aistor.min.io","managedFields":[{"manager":"helm"}],"annotations":{
			"meta.helm.sh/release-name":"aistor","meta.helm.sh/release-namespace":"aistor","helm.sh/resource-policy":"keep"}},
		  "spec":{"versions":[{"name":"v1","served":true},{"name":"v0","served":false}]},
		  "status":{"storedVersions":["v1"],"conditions":[{"type":"Established","status":"True"}]}}`,
		`{"metadata":{"name":"policybindings.sts.min.io"}}`)
	a.addObjects(ofWebhooks,
		`{"metadata":{"name":"object-store-operator-webhook",`+helmOwned+`},"webhooks":[{"name":"objectstore-rack-selector.min.io",
		  "failurePolicy":"Fail","clientConfig":{"caBundle":"Y2VydA==","service":{"namespace":"aistor","name":"object-store-webhook"}}}]}`,
		`{"metadata":{"name":"other"},"webhooks":[{"name":"x.example.com"}]}`)
	a.addObjects(ofBindings,
		`{"metadata":{"name":"aistor-object-store",`+helmOwned+`},"roleRef":{"kind":"ClusterRole","name":"aistor-objectstore"}}`,
		`{"metadata":{"name":"cluster-admin"},"roleRef":{"kind":"ClusterRole","name":"cluster-admin"}}`,
		`{"metadata":{"name":"ingress","annotations":{"meta.helm.sh/release-name":"ingress","meta.helm.sh/release-namespace":"web"}},"roleRef":{"kind":"ClusterRole","name":"ingress"}}`)
	a.addObjects(ofRoles,
		`{"metadata":{"name":"object-store-operator","namespace":"aistor",`+helmOwned+`},"roleRef":{"kind":"Role","name":"object-store-operator"}}`)
	a.addObjects(ofDeployments,
		`{"metadata":{"name":"object-store-operator","namespace":"aistor","generation":3,`+helmOwned+`},
		  "spec":{"strategy":{"type":"Recreate"},"template":{"metadata":{"labels":{"aistor.min.io/name":"object-store-operator"}},
		  "spec":{"serviceAccountName":"object-store","imagePullSecrets":[{"name":"private-repo-pull-secret"}],"containers":[{"name":"controller","image":"`+operatorRef+`"}]}}},
		  "status":{"observedGeneration":3,"readyReplicas":1,"updatedReplicas":1}}`,
		`{"metadata":{"name":"unrelated","namespace":"aistor"},"spec":{"template":{"metadata":{"labels":{"app":"x"}}}}}`)
	a.addObjects(ofPods,
		`{"metadata":{"name":"object-store-operator-abc","namespace":"aistor","uid":"p0","labels":{"aistor.min.io/name":"object-store-operator","pod-template-hash":"5"},
		  "ownerReferences":[{"kind":"ReplicaSet","name":"object-store-operator-5","controller":true}]},
		  "spec":{"serviceAccountName":"object-store","containers":[{"name":"controller","image":"`+operatorRef+`"}]},
		  "status":{"phase":"Pending","containerStatuses":[{"name":"controller","state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}]}}`)
	a.addObjects(ofServices,
		`{"metadata":{"name":"object-store-operator","namespace":"aistor",`+helmOwned+`},"spec":{"type":"ClusterIP","ports":[{"port":4221}]}}`,
		`{"metadata":{"name":"somebody-elses","namespace":"aistor"},"spec":{"type":"ClusterIP","selector":{"app":"x"},"ports":[{"port":80}]}}`)
	a.addObjects("api/v1/serviceaccounts",
		`{"metadata":{"name":"object-store","namespace":"aistor"},"imagePullSecrets":[{"name":"account-secret"}]}`,
		`{"metadata":{"name":"unused","namespace":"aistor"},"imagePullSecrets":[{"name":"nobody-asks"}]}`)
	a.addObjects(ofSecrets,
		secretDoc("aistor", "private-repo-pull-secret", "kubernetes.io/dockerconfigjson", nil, map[string]string{".dockerconfigjson": `{"auths":{}}`}),
		secretDoc("aistor", "minio-license", "Opaque", nil, map[string]string{"minio.license": "eyJ.t0ken"}))
	a.addObjects(ofSecrets,
		releaseSecretDoc("aistor", "aistor", 1, "superseded", "aistor-operator", "5.6.4"),
		releaseSecretDoc("aistor", "aistor", 2, "deployed", "aistor-operator", "5.8.0"),
		releaseSecretDoc("aistor", "aistor", 10, "pending-upgrade", "aistor-operator", "5.10.0"),
		releaseSecretDoc("aistor", "cert-thing", 1, "deployed", "cert-manager", "1.0.0"),
		releaseSecretDoc("web", "ingress", 1, "deployed", "ingress-nginx", "4.0.0"))
}

func siteStore(a *fakeAPIServer) {
	a.addObjects(ofStores, `{"metadata":{"name":"primary","namespace":"team-a","uid":"s1","managedFields":[{"manager":"helm"}],
		"annotations":{"meta.helm.sh/release-name":"primary-object-store","meta.helm.sh/release-namespace":"team-a"}},
		"spec":{"image":"`+minioRef+`","imagePullSecret":{"name":"store-secret"},"rollingTimeoutSeconds":900,
		  "pools":[{"name":"pool-0","servers":4}],"kes":{"image":"registry.site:5000/aistor/kes:x"},"firewall":{"enabled":false},
		  "sideCars":{"containers":[{"image":"registry.site:5000/tools/agent:1"}]}},
		"status":{"currentState":"Initialized","healthStatus":"green","drivesOnline":16,"drivesOffline":1,"drivesHealing":2,"revision":7,
		  "licenseExpiration":"2027-01-01","pools":[{"name":"pool-0","ssName":"primary-pool-0","state":"PoolInitialized"}]}}`)
	a.addObjects(ofSets, `{"metadata":{"name":"primary-pool-0","namespace":"team-a","generation":2,
		  "ownerReferences":[{"apiVersion":"aistor.min.io/v1","kind":"ObjectStore","name":"primary","controller":true}]},
		"spec":{"replicas":4,"updateStrategy":{"type":"OnDelete"},"template":{"metadata":{"labels":{"v1.min.io/tenant":"primary","v1.min.io/pool":"pool-0"}},
		  "spec":{"containers":[{"name":"minio","image":"`+minioRef+`"}]}}},
		"status":{"observedGeneration":2,"readyReplicas":3,"updatedReplicas":2,"currentRevision":"r1","updateRevision":"r2"}}`,
		`{"metadata":{"name":"postgres","namespace":"team-a"},"spec":{"template":{"metadata":{"labels":{"app":"db"}}}}}`)
	a.addObjects(ofPods,
		`{"metadata":{"name":"tenant-0","namespace":"team-a","labels":{"v1.min.io/tenant":"another-product"}}}`,
		`{"metadata":{"name":"web-1","namespace":"team-a","labels":{"app":"web"}}}`)
	a.addObjects(ofServices, `{"metadata":{"name":"minio","namespace":"team-a"},"spec":{"type":"ClusterIP","selector":{"v1.min.io/tenant":"primary"},"ports":[{"port":443}]}}`,
		`{"metadata":{"name":"db","namespace":"team-a"},"spec":{"type":"ClusterIP","selector":{"app":"db"},"ports":[{"port":5432}]}}`,
		`{"metadata":{"name":"by-hand","namespace":"team-a"},"spec":{"type":"ClusterIP","ports":[{"port":80}]}}`)
	a.addObjects(ofSlices,
		`{"metadata":{"name":"minio-v4","namespace":"team-a","labels":{"kubernetes.io/service-name":"minio"}},"addressType":"IPv4","endpoints":[
		  {"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","name":"primary-pool-0-0"}},
		  {"addresses":["10.0.0.2"],"conditions":{"ready":true},"targetRef":{"kind":"Pod","name":"primary-pool-0-1"}},
		  {"addresses":["10.0.0.3"],"conditions":{"ready":false},"targetRef":{"kind":"Pod","name":"primary-pool-0-2"}}]}`,
		`{"metadata":{"name":"minio-v6","namespace":"team-a","labels":{"kubernetes.io/service-name":"minio"}},"addressType":"IPv6","endpoints":[
		  {"addresses":["fd00::1"],"targetRef":{"kind":"Pod","name":"primary-pool-0-0"}}]}`)
	a.addObjects("api/v1/persistentvolumeclaims",
		`{"metadata":{"name":"data0-primary-pool-0-0","namespace":"team-a"},"status":{"phase":"Bound"}}`,
		`{"metadata":{"name":"data1-by-label","namespace":"team-a","labels":{"v1.min.io/tenant":"primary"}},"status":{"phase":"Pending"}}`,
		`{"metadata":{"name":"data-postgres-0","namespace":"team-a"},"status":{"phase":"Bound"}}`)
	a.addObjects("apis/policy/v1/poddisruptionbudgets",
		`{"metadata":{"name":"primary","namespace":"team-a"},"spec":{"selector":{"matchLabels":{"v1.min.io/tenant":"primary"}}},"status":{"disruptionsAllowed":1}}`,
		`{"metadata":{"name":"db","namespace":"team-a"},"spec":{"selector":{"matchLabels":{"app":"db"}}}}`)
	a.addObjects(ofSecrets,
		secretDoc("team-a", "store-secret", "kubernetes.io/dockerconfigjson", nil, map[string]string{".dockerconfigjson": `{"auths":{"registry.site:5000":{}}}`}),
		recordOf("team-a", "primary-object-store", 3, "failed", "aistor-objectstore", "1.0.16", storeManifest),
		recordOf("team-a", "primary-object-store", 2, "deployed", "aistor-objectstore", "1.0.13", storeManifest))
	a.addObjects(ofEvents,
		warningEvent("primary-pool-0-3", "BackOff", "2026-11-01T11:50:00Z"),
		warningEvent("primary-pool-0-2", "Old", "2026-11-01T09:00:00Z"),
		warningEvent("web-1", "Foreign", "2026-11-01T11:50:00Z"))
}

// storeManifest is what the release of the site's object store contains.
const storeManifest = "apiVersion: aistor.min.io/v1\nkind: ObjectStore\nmetadata:\n  name: primary\n"

func storePod(i int) string {
	return fmt.Sprintf(`{"metadata":{"name":"primary-pool-0-%[1]d","namespace":"team-a","uid":"u%[1]d","creationTimestamp":"2026-10-01T00:00:00Z",
		"labels":{"v1.min.io/tenant":"primary","v1.min.io/pool":"pool-0","controller-revision-hash":"r1"},
		"ownerReferences":[{"kind":"StatefulSet","name":"primary-pool-0","controller":true}]},
		"spec":{"nodeName":"node-1","imagePullSecrets":[{"name":"store-secret"},{"name":"missing"}],
		  "initContainers":[{"name":"validate-arguments","image":"i:1"},{"name":"sidecar","image":"s:1","restartPolicy":"Always"}],
		  "containers":[{"name":"minio","image":%[2]q}]},
		"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
		  "containerStatuses":[{"name":"minio","ready":true,"restartCount":2,"imageID":"registry.site:5000/aistor/minio@sha256:abc"}]}}`, i, minioRef)
}

func warningEvent(pod, reason, last string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"team-a"},"type":"Warning","reason":%q,"count":3,"lastTimestamp":%q,
		"involvedObject":{"kind":"Pod","namespace":"team-a","name":%q}}`, pod+"."+reason, reason, last, pod)
}

func secretDoc(namespace, n, kind string, labels, data map[string]string) string {
	encoded := map[string]string{}
	for k, v := range data {
		encoded[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	doc, _ := json.Marshal(jsonObject{"type": kind, "data": encoded,
		"metadata": jsonObject{"name": n, "namespace": namespace, "labels": labels}})
	return string(doc)
}

// releaseSecretDoc is a release Secret as Helm writes it.
func releaseSecretDoc(namespace, release string, revision int, status, chart, version string) string {
	return recordOf(namespace, release, revision, status, chart, version, "kind: X\n")
}

// recordOf is a release Secret with a manifest.
func recordOf(namespace, release string, revision int, status, chart, version, manifest string) string {
	doc, _ := json.Marshal(jsonObject{
		"name": release, "namespace": namespace, "version": revision, "manifest": manifest, "config": jsonObject{"license": "eyJ.t0ken"},
		"info":  jsonObject{"status": status, "last_deployed": "2026-10-01T00:00:00Z"},
		"chart": jsonObject{"metadata": jsonObject{"name": chart, "version": version, "apiVersion": "v2"}},
	})
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(doc)
	_ = z.Close()
	return secretDoc(namespace, fmt.Sprintf("sh.helm.release.v1.%s.v%d", release, revision), releaseType,
		map[string]string{"owner": "helm", "name": release, "status": status, "version": fmt.Sprint(revision)},
		map[string]string{"release": base64.StdEncoding.EncodeToString(zipped.Bytes())})
}

// countRequests is the number of requests that contain part.
func countRequests(requests []string, part string) int {
	n := 0
	for _, r := range requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}
