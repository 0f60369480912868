package preflight

import (
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// changePod changes one pod of the store; 1 to 4 are its servers.
func changePod(i int, change func(*plan.Pod)) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) { change(&s.Facts.Pods[i]) }
}

func TestRunningReferencesPrivate(t *testing.T) {
	t.Parallel()
	runCases(t, PostUpgradeChecks(), "references-private", []checkCase{
		{name: "all containers", want: Pass, line: "5 pods come from " + private},
		{name: "a public image in an init container", want: Fail, line: "pod tenant/primary-pool-0-1: init container validate-arguments: quay.io/minio/aistor/minio-sidecar:R is not in the private registry",
			required: private + "/aistor/minio-sidecar:R",
			change:   changePod(2, func(p *plan.Pod) { p.Containers[0].Image = "quay.io/minio/aistor/minio-sidecar:R" })},
		{name: "a native sidecar", want: Fail, line: "sidecar log: docker.io/busybox",
			change: changePod(2, func(p *plan.Pod) {
				p.Containers = append(p.Containers, plan.Container{Name: "log", Init: true, Restartable: true, Image: "docker.io/busybox"})
			})},
		{name: "no pods where some should be", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.Pods = nil }},
		{name: "no registry set", want: Skip, change: func(_ *testing.T, s *Subject) { s.Plan.Registry.Registry = "" }},
	})
}

func TestImagesAsAsked(t *testing.T) {
	t.Parallel()
	other := private + "/aistor/minio:RELEASE.2026-05-04T23-02-27Z"
	alone := func(_ *testing.T, s *Subject) { s.Plan, s.Inputs = nil, nil }
	runCases(t, PostUpgradeChecks(), "images-as-asked", []checkCase{
		{name: "as planned", want: Pass, line: "13 containers in 5 pods", details: []string{"minio containers of tenant/primary: " + private + "/aistor/minio:" + minioR + " (4 pods)"}},
		{name: "one wrong pod of many", want: Fail, line: "pod tenant/primary-pool-0-2: container minio has image " + other + ", expected " + private + "/aistor/minio:" + minioR,
			remedy: `jsonpath='{.items[*].spec.containers[?(@.name=="minio")].image}'`,
			change: changePod(3, func(p *plan.Pod) { p.Containers[1].Image = other })},
		{name: "an old operator", want: Fail, line: "container controller has image", change: changePod(0, func(p *plan.Pod) { p.Containers[0].Image = private + "/aistor/operator:" + oldOp })},
		{name: "the release says it without a plan", want: Pass, change: alone},
		{name: "a Ceph volume and a logo are no images", want: Pass, change: func(t *testing.T, s *Subject) {
			alone(t, s)
			s.Facts.Operator.Manifest += "\n---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: z}, spec: {rbd: {image: minio}}}" +
				"\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: z}, data: {theme: \"logo: {image: https://example.com/operator}\\nx: 1\\n\"}}"
		}},
		{name: "an image in two values counts", want: Fail, line: "container controller has image", change: func(t *testing.T, s *Subject) {
			alone(t, s)
			s.Facts.Operator.Manifest += "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: z}, data: {own: \"image: {repository: " + private + "/aistor/operator, tag: other}\\nx: 1\\n\"}}"
		}},
		{name: "and finds what differs", want: Fail, change: func(t *testing.T, s *Subject) {
			alone(t, s)
			changePod(3, func(p *plan.Pod) { p.Containers[1].Image = other })(t, s)
		}},
		{name: "what the user expects overrules the plan", want: Fail, line: "expected " + private + "/aistor/minio:RELEASE.2026-09-07T00-00-00Z",
			change: func(_ *testing.T, s *Subject) {
				s.ExpectedImages = map[string]string{"minio": "RELEASE.2026-09-07T00-00-00Z"}
			}},
		{name: "in full too", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.ExpectedImages = map[string]string{"minio": private + "/aistor/minio:" + minioR}
		}},
		{name: "a store with an image of its own", want: Fail, line: "expected " + other, change: func(t *testing.T, s *Subject) {
			alone(t, s)
			s.Facts.Stores[0].Image = mustParseRef(t, other)
		}},
		{name: "the plan's image for that store", want: Fail, line: "expected " + other, change: func(t *testing.T, s *Subject) {
			s.Inputs = nil
			s.Plan.Images = append(s.Plan.Images, plan.PlannedImage{Private: mustParseRef(t, other),
				Reasons: []images.Reason{{Kind: images.KindDefault, Object: "ObjectStore/tenant/primary", Path: ".spec.image"}}})
		}},
		{name: "an expectation of a name that nothing has", want: Error, line: `no running container is named "mino"`, remedy: "--expect minio=TAG",
			change: func(_ *testing.T, s *Subject) { s.ExpectedImages = map[string]string{"mino": minioR} }},
		{name: "a tag with its digest", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.ExpectedImages = map[string]string{"minio": minioR + "@" + digestA}
			for i := 1; i <= 4; i++ {
				s.Facts.Pods[i].Containers[1].Image += "@" + digestA
			}
		}},
		{name: "a container of the user's own that is not what its StatefulSet asks for", want: Fail,
			line: "pod tenant/primary-pool-0-2: container usage-reporter has image " + private + "/tools/usage:2, expected " + private + "/tools/usage:1",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Workloads[1].Containers = []plan.Container{{Name: "usage-reporter", Image: private + "/tools/usage:1"}}
				s.Facts.Pods[3].Containers = append(s.Facts.Pods[3].Containers, plan.Container{Name: "usage-reporter", Image: private + "/tools/usage:2"})
			}},
		{name: "or its Deployment", want: Fail, line: "container proxy has image " + private + "/tools/proxy:2, expected", change: func(_ *testing.T, s *Subject) {
			s.Facts.Workloads[0].Containers = []plan.Container{{Name: "proxy", Image: private + "/tools/proxy:1"}}
			s.Facts.Pods[0].Containers = append(s.Facts.Pods[0].Containers, plan.Container{Name: "proxy", Image: private + "/tools/proxy:2"})
		}},
		{name: "a container of the user's own", want: Pass, change: changePod(3, func(p *plan.Pod) {
			p.Containers = append(p.Containers, plan.Container{Name: "usage-reporter", Image: private + "/tools/usage:1"})
		})},
		{name: "nothing to expect", want: Error, remedy: "--expect", change: func(t *testing.T, s *Subject) {
			alone(t, s)
			s.Facts.Operator = nil
		}},
		{name: "no pods", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.Pods = nil }},
	})
}

func TestImageIDs(t *testing.T) {
	t.Parallel()
	runs := func(i int, id string) func(*testing.T, *Subject) {
		return changePod(i, func(p *plan.Pod) { p.Containers[1].ImageID = id })
	}
	all := func(id string) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			for i := 1; i <= 4; i++ {
				runs(i, id)(t, s)
			}
		}
	}
	offline := func(then func(*testing.T, *Subject)) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) { s.Registry = nil; then(t, s) }
	}
	minio := private + "/aistor/minio@"
	runCases(t, PostUpgradeChecks(), "image-ids", []checkCase{
		{name: "the index's digest", want: Pass, line: "13 running containers"},
		{name: "the platform's manifest", want: Pass, change: all(minio + "sha256:" + strings.Repeat("1", 64))},
		{name: "the config, as a bare id", want: Pass, change: all("sha256:" + strings.Repeat("c", 64))},
		{name: "with a scheme before it", want: Pass, change: all("docker-pullable://" + minio + digestA)},
		{name: "the plan's digest without a registry", want: Pass, change: offline(func(*testing.T, *Subject) {})},
		{name: "one pod runs another digest behind the same tag", want: Fail, change: runs(3, minio+digestB),
			line: "pod tenant/primary-pool-0-2: container minio runs " + digestB + ", pod tenant/primary-pool-0-0 runs another digest", remedy: "kubectl delete pod primary-pool-0-2 -n tenant"},
		{name: "that is found without a registry too", want: Fail, change: offline(runs(3, minio+digestB)), line: "pod tenant/primary-pool-0-2"},
		{name: "all run another one, and the registry knows", want: Fail, change: all(minio + digestB), line: "and 3 more, which is not a digest of"},
		{name: "all run another one, and nobody knows", want: Warn, change: offline(all(minio + digestB)), line: "is unknown"},
		{name: "the same manifest under another name", want: Pass, change: func(t *testing.T, s *Subject) {
			fakeRegistryOf(s).images[private+"/aistor/twin@"+digestB] = ManifestInfo{Digest: digestB, Children: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("1", 64)}}
			all(private+"/aistor/twin@"+digestB)(t, s)
		}},
		{name: "another image under another name", want: Warn, line: "is unknown", change: all(private + "/aistor/twin@" + digestB)},
		{name: "a bare id that nobody knows", want: Warn, change: all(digestB), line: "is unknown"},
		{name: "the tag moved in the registry", want: Fail, line: "the registry now has " + digestB,
			change: func(_ *testing.T, s *Subject) {
				found := fakeRegistryOf(s).images[private+"/aistor/minio:"+minioR]
				found.Digest = digestB
				fakeRegistryOf(s).images[private+"/aistor/minio:"+minioR] = found
			}},
		{name: "a registry that can't be asked is only noted", want: Pass, change: registryDown(KindUnreachable), details: []string{"is not reachable from this machine"}},
		{name: "a node that reports nothing", want: Warn, line: "pod tenant/primary-pool-0-2: container minio: its node reports no digest", change: runs(3, "")},
		{name: "a digest of another kind", want: Warn, line: "pod tenant/primary-pool-0-0: container minio and 3 more: their nodes report no digest", change: all(minio + "sha512:" + strings.Repeat("a", 128))},
		{name: "no pod has started", want: Error, line: "no running container reports a digest", change: func(_ *testing.T, s *Subject) {
			for i := range s.Facts.Pods {
				s.Facts.Pods[i].Ready = false
				for j := range s.Facts.Pods[i].Containers {
					s.Facts.Pods[i].Containers[j].ImageID, s.Facts.Pods[i].Containers[j].Ready = "", false
				}
			}
		}},
		{name: "no pods", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.Pods = nil }},
	})
}

func TestRolloutComplete(t *testing.T) {
	t.Parallel()
	workload := func(change func(*plan.Workload)) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { change(&s.Facts.Workloads[1]) }
	}
	runCases(t, PostUpgradeChecks(), "rollout-complete", []checkCase{
		{name: "arrived", want: Pass, line: "2 workloads"},
		{name: "a generation not yet observed", want: Fail, line: "statefulset tenant/primary-pool-0: observed generation 2 of 3", change: workload(func(w *plan.Workload) { w.ObservedGeneration = 2 })},
		{name: "not all updated", want: Fail, line: "3 of 4 pods are of the new revision", remedy: "kubectl rollout status statefulset/primary-pool-0 -n tenant", change: workload(func(w *plan.Workload) { w.Updated = 3 })},
		{name: "not all ready", want: Fail, line: "3 of 4 pods are ready", change: workload(func(w *plan.Workload) { w.Ready = 3 })},
		{name: "a pod that never restarted", want: Fail, line: "pod tenant/primary-pool-0-3: still has revision r1", required: "r2", change: changePod(4, func(p *plan.Pod) { p.Revision = "r1" })},
		{name: "a pod stuck terminating", want: Fail, line: "stuck terminating for 5m0s", change: changePod(4, func(p *plan.Pod) { p.Terminating = testNow().Add(-5 * time.Minute) })},
		{name: "a pod still terminating", want: Warn, change: changePod(4, func(p *plan.Pod) { p.Terminating = testNow() })},
		{name: "a store short of servers", want: Fail, line: "4 replicas for 8 servers", change: func(_ *testing.T, s *Subject) { s.Facts.Stores[0].Pools[0].Servers = 8 }},
		{name: "a pod of the old revision beside the new ones", want: Fail, line: "deployment aistor/object-store-operator: 1 old pod is not terminated yet",
			change: func(_ *testing.T, s *Subject) { s.Facts.Workloads[0].Total = 2 }},
		{name: "an operator that somebody scaled to nothing", want: Fail, line: "deployment aistor/object-store-operator: is scaled to 0", required: "1 replica",
			remedy: "kubectl scale deployment/object-store-operator -n aistor --replicas=1",
			change: func(_ *testing.T, s *Subject) {
				w := &s.Facts.Workloads[0]
				w.Replicas, w.Ready, w.Updated = 0, 0, 0
			}},
		{name: "an operator that its values scale to nothing", want: Pass, change: func(_ *testing.T, s *Subject) {
			w := &s.Facts.Workloads[0]
			w.Replicas, w.Ready, w.Updated = 0, 0, 0
			s.Facts.Operator.Manifest = "kind: Deployment\nmetadata: {name: object-store-operator}\nspec: {replicas: 0}\n"
		}},
		{name: "no workloads over pods", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.Workloads = nil }},
	})
}

func TestReleasesDeployed(t *testing.T) {
	t.Parallel()
	runCases(t, PostUpgradeChecks(), "releases-deployed", []checkCase{
		{name: "as planned", want: Pass, line: "2 releases"},
		{name: "another chart", want: Fail, line: "release aistor/aistor: has chart aistor-operator-5.8.0, expected aistor-operator-5.10.0", change: func(_ *testing.T, s *Subject) { s.Facts.Operator.Version = "5.8.0" }},
		{name: "failed", want: Fail, line: "revision 1 is failed", change: func(_ *testing.T, s *Subject) { s.Facts.Releases[0].Status = "failed" }},
		{name: "gone", want: Fail, line: "release tenant/primary: not found", change: func(_ *testing.T, s *Subject) { s.Facts.Releases = nil }},
		{name: "without a plan any chart will do", want: Pass, change: func(_ *testing.T, s *Subject) { s.Plan, s.Inputs, s.Facts.Operator.Version = nil, nil, "5.8.0" }},
	})
}

func TestCRDsEstablished(t *testing.T) {
	t.Parallel()
	runCases(t, PostUpgradeChecks(), "crds-established", []checkCase{
		{name: "established", want: Pass},
		{name: "not yet", want: Fail, line: "CRD objectstores.aistor.min.io: not established", change: func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Established = false }},
		{name: "stored in a version that went", want: Fail, line: "stored version v1beta1", change: func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Stored = []string{"v1beta1"} }},
		{name: "the one of object stores is missing", want: Fail, line: "CRD objectstores.aistor.min.io: not found",
			change: func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Name = "adminjobs.aistor.min.io" }},
		{name: "one that is being deleted", want: Fail, line: "CRD objectstores.aistor.min.io: is being deleted with all its objects", change: func(t *testing.T, s *Subject) {
			s.Facts.CRDs[0].Object = mustParseObject(t, `{metadata: {name: objectstores.aistor.min.io, deletionTimestamp: "2026-09-01T12:00:00Z"}}`)
		}},
		{name: "none", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.CRDs = nil }},
	})
}

func TestServicesEndpoints(t *testing.T) {
	t.Parallel()
	runCases(t, PostUpgradeChecks(), "services-endpoints", []checkCase{
		{name: "all have some", want: Pass, line: "2 Services"},
		{name: "one has none", want: Fail, line: "service aistor/object-store-webhook: has no ready endpoint", change: func(_ *testing.T, s *Subject) { s.Facts.Services[1].Ready = 0 }},
		{name: "none", want: Fail, change: func(_ *testing.T, s *Subject) { s.Facts.Services = nil }},
	})
}

func TestStoresAnswer(t *testing.T) {
	t.Parallel()
	answer := func(a plan.HealthAnswer) func(*testing.T, *Subject) {
		a.Store = "tenant/primary"
		return func(_ *testing.T, s *Subject) { s.Facts.HealthAnswers = []plan.HealthAnswer{a} }
	}
	runCases(t, PostUpgradeChecks(), "stores-answer", []checkCase{
		{name: "with write quorum", want: Pass, line: "1 object store answers"},
		{name: "without", want: Fail, line: "object store tenant/primary: returned 503", observed: "503", required: "200",
			change: answer(plan.HealthAnswer{State: "unavailable", Status: 503})},
		{name: "at its own address", want: Pass, details: []string{"object store tenant/primary was queried at https://s3.example.com/minio/health/cluster"},
			change: answer(plan.HealthAnswer{State: "ok", Status: 200, Address: "https://s3.example.com/minio/health/cluster"})},
		{name: "without, at its own address", want: Fail, line: "returned connection refused", observed: "connection refused", required: "200 from https://s3.example.com/minio/health/cluster",
			change: answer(plan.HealthAnswer{State: "unavailable", Cause: "connection refused", Address: "https://s3.example.com/minio/health/cluster"})},
		{name: "nobody could ask", want: Skip, line: "object store tenant/primary could not be queried: no route", change: answer(plan.HealthAnswer{State: "unknown", Cause: "no route"})},
		{name: "nobody asked", want: Skip, change: func(_ *testing.T, s *Subject) { s.Facts.HealthAnswers = nil }},
	})
}

func TestOperatorLog(t *testing.T) {
	t.Parallel()
	runCases(t, PostUpgradeChecks(), "operator-log", []checkCase{
		{name: "silent", want: Pass, line: "3 operator containers"},
		{name: "an error of pulling", want: Warn, line: "pod aistor/object-store-operator-1: container controller wrote 3 times, last 2026-09-01T12:00:00Z: failed to pull",
			remedy: "kubectl logs object-store-operator-1 -n aistor -c controller", change: func(_ *testing.T, s *Subject) {
				s.Facts.LogErrors = []plan.LogError{{Pod: plan.ObjectKey{Kind: "Pod", Namespace: "aistor", Name: "object-store-operator-1"},
					Container: "controller", Message: "failed to pull", Count: 3, Last: testNow()}}
			}},
		{name: "a log that can't be read", want: Skip, line: "operator logs of aistor/x could not be read: forbidden", change: func(_ *testing.T, s *Subject) {
			s.Facts.LogsRead, s.Facts.Gaps = 0, []plan.Gap{{Subject: "operator logs of aistor/x", Cause: "forbidden", Denied: true}}
		}},
	})
}

// Whoever owns one namespace sees what is in it. What lies outside is neither
// a failure nor a pass, and the verdict says so.
func TestOneNamespaceIsJudgedAloneAndTheRestIsSaid(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	f := s.Facts
	s.Plan, s.Inputs, f.Operator, f.Namespace = nil, nil, nil, "tenant"
	f.CRDs, f.Webhooks, f.LogsRead = nil, nil, 0
	f.Pods, f.Workloads, f.Services = f.Pods[1:], f.Workloads[1:], []plan.Service{{Namespace: "tenant", Name: "minio", Ready: 4}}
	f.Gaps = []plan.Gap{{Subject: "customresourcedefinitions", Cause: "forbidden", Denied: true}, {Subject: "mutatingwebhookconfigurations", Cause: "forbidden", Denied: true}}
	r := Run(t.Context(), PostUpgradeChecks(), s, Options{})
	if !r.OK() || !strings.HasPrefix(r.Verdict, "namespace tenant is valid: 6 skipped") {
		t.Errorf("verdict %q", r.Verdict)
		for _, one := range r.Results {
			t.Logf("%s %s: %s", one.Status, one.ID, one.Message)
		}
	}
	f.Gaps = append(f.Gaps, plan.Gap{Subject: "pods in tenant", Cause: "forbidden", Denied: true})
	if r := Run(t.Context(), PostUpgradeChecks(), s, Options{}); r.OK() {
		t.Errorf("what is inside and errors passes: %s", r.Verdict)
	}
}
