package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The runs of one preflight each. In the first everything is as expected;
// each other one finds the installation broken in many ways at once.
const (
	runReady   = "ready"   // a healthy installation and a good bundle
	runOld     = "old"     // a bundle of older charts, damaged, and a login that may not push
	runLooker  = "looker"  // as somebody who may only look
	runFar     = "far"     // another API server than that of the reviewed plan, an old one
	runSilent  = "silent"  // an API server that does not tell its version
	runTagged  = "tagged"  // another tag for a store whose values name a public image
	runBroken  = "broken"  // cluster, secrets, values and charts in disorder
	runNothing = "nothing" // the operator's release is gone
)

// everyCheck says how each check of preflight comes to its finding: in which
// run, with which status, and what it says then.
type everyCheck struct {
	id, run, status string
	// how the installation is broken, for whoever reads the table.
	how string
	// text is part of what the check says.
	text string
}

func everyChecks() []everyCheck {
	return []everyCheck{
		{"cluster-reachable", runSilent, "error", "/version is refused", "did not return its version"},
		{"cluster-version", runFar, "fail", "the server says v1.20.0", "the server is 1.20.0, older than 1.22"},
		{"cluster-same", runFar, "fail", "--plan was made for another kube-system", "the plan was made for another cluster"},
		{"permissions", runLooker, "fail", "get, list and watch alone", "not allowed; kubectl --as looker auth can-i"},
		{"nodes-ready", runBroken, "fail", "a server's node is NotReady", "not ready, and pod team-"},
		{"releases-found", runNothing, "fail", "the operator's records are deleted", "no Helm release of the operator chart was found"},
		{"releases-settled", runBroken, "fail", "a record says pending-upgrade, a minute ago", "release team-b/logs: revision 1 is pending-upgrade: another Helm operation may be in progress"},
		// It never fails: both majors of Helm work with either.
		{"releases-helm4", runBroken, "pass", "a record says ssa, as Helm 4 writes it", "1 of 3 releases were applied by Helm 4"},
		{"release-size", runBroken, "fail", "a stray file in the store's chart", "more than the API server's limit; heaviest: stray.bin"},
		{"gitops-owners", runBroken, "fail", "a store has Flux' labels", "release team-a/primary: reconciled by Flux"},
		{"nothing-deleting", runBroken, "fail", "a claim is deleted while its pod runs", "persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked for deletion since 20"},
		{"volumes-kept", runFar, "fail", "a claim is another one than in the plan of --plan", "persistentvolumeclaim team-a/data0-primary-pool-0-0 was replaced; another claim has its name and its volume"},
		{"volumes-bound", runBroken, "fail", "a volume is Released", "is Released"},
		{"workloads-healthy", runBroken, "fail", "a pod's image can't be pulled", "pod team-a/primary-pool-0-0: container minio: ImagePullBackOff: 401 from somewhere"},
		{"stores-healthy", runBroken, "fail", "a drive is healing", "object store team-a/primary: 1 drive is healing"},
		{"operator-service", runBroken, "fail", "its EndpointSlices are deleted", "service aistor/object-store-operator: has no ready endpoint"},
		{"webhook-ready", runBroken, "fail", "its caBundle is empty", "its caBundle is empty: new pods of object stores would be refused"},
		{"cluster-warnings", runBroken, "warn", "an event about a server", "pod team-a/primary-pool-0-0: Planted: disk is slow"},
		{"budgets", runBroken, "warn", "a budget allows nothing", "currently allows no eviction"},
		{"roleref-immutable", runBroken, "fail", "extraResources name another role", "rolebinding team-a/readers: chart aistor-objectstore-1.0.16 changes its role from Role/one to Role/two"},
		{"ownership", runOld, "fail", "the license's Secret is another release's", "secret aistor/minio-license: exists and belongs to aistor/other"},
		{"crd-removal", runBroken, "fail", "the values rename a store", "object store team-b/logs: the upgrade of team-b/logs to aistor-objectstore-1.0.16 would delete and recreate it"},
		{"license-removal", runBroken, "fail", "the values have no license", "the values contain no license"},
		{"crd-fields", runBroken, "fail", "a live store has a field that the chart's definition lacks", "object store team-a/primary: chart aistor-operator-5.10.0 does not know spec.legacy"},
		{"crd-values", runBroken, "fail", "a live store has a number where the chart's definition wants text", "object store team-a/primary: spec.mountPath is a value of type number, expected string: chart aistor-operator-5.10.0 does not accept it"},
		{"operator-image", runBroken, "fail", "the values pin the old operator", "chart aistor-operator-5.10.0 would run operator RELEASE."},
		{"credentials-kept", runBroken, "fail", "a root password was edited by hand", "the root credentials of team-a/primary change: password"},
		{"license", runOld, "fail", "the license given has expired", "the license expired on 2001-09-09"},
		{"server-accepts", runBroken, "fail", "extraResources are of a kind that nobody serves", "the server has no kind Foo in example.com/v1"},
		{"pods-admitted", runBroken, "fail", "Pod Security was tightened", `violates PodSecurity "restricted`},
		{"order", runOld, "fail", "the operator's chart is older than the store's needs", "object store chart 1.0.16 requires operator 5.2.0, but 5.1.0 would run"},
		{"downgrade", runOld, "fail", "the operator's chart is older than the installed one", "release aistor/aistor: would be downgraded from 5.8.0 to 5.1.0"},
		{"downtime", runBroken, "fail", "a store has one server", "restarts the only pod at the same time, which is an outage"},
		{"drain-time", runBroken, "warn", "rollingTimeoutSeconds is 5", "object store team-a/primary: requests are cut off 5 s after a restart begins"},
		{"kes", runBroken, "fail", "KES is not ready", "none of its 1 KES pod is ready"},
		{"manual-backups", runBroken, "warn", "nothing is acknowledged", "manual step not confirmed: export bucket metadata"},
		{"chart-name", runOld, "warn", "the operator's chart has its old name", "is discontinued"},
		{"plan", runBroken, "fail", "no values file has what the private registry needs", "values-not-kept"},
		{"references-private", runTagged, "fail", "an init container comes from outside", "image docker.io/library/busybox:1: pulled from outside the private registry"},
		{"bundle-intact", runOld, "fail", "a byte of a layer is another one", "1 corrupt range"},
		{"bundle-complete", runOld, "fail", "an image was left out of the bundle", "minio-sidecar:"},
		{"node-platforms", runBroken, "fail", "a node is arm64", "the bundle has it for linux/amd64"},
		{"release-tags", runBroken, "warn", "a store's image is tagged custom", "/aistor/minio:custom: the tag is not a release"},
		{"pull-secrets-present", runBroken, "fail", "a namespace's secret is deleted", "secret team-b/private-repo-pull-secret, referenced by "},
		{"pull-secrets-valid", runBroken, "fail", "a secret is for another host", "secret aistor/private-repo-pull-secret: has no entry for "},
		{"registry-writable", runOld, "fail", "a login that the registry does not know", "must be pushed: 401 from "},
		{"rollback-ready", runBroken, "warn", "what a server runs is not in the registry", "cannot be pulled: 404 from "},
		{"images-present", runOld, "fail", "nobody pushed the old chart's images", "404 from "},
		{"pull-secrets-accepted", runBroken, "fail", "a secret has another password", "secret team-a/private-repo-pull-secret: 401 from "},
		{"pull-test", runBroken, "fail", "a policy refuses the test's pods", "the test pod was rejected: "},
	}
}

// Every check passes where all is well and finds what it is there to find where
// it is not, on a real API server, with its own words for it.
func TestEveryCheckOfPreflightFailsForItsReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reports := map[string]map[string]finished{
		runReady: w.ready(), runOld: w.old(), runLooker: w.looker(), runFar: w.far(), runSilent: w.silent(),
		runTagged: w.tagged(), runBroken: w.broken(), runNothing: w.nothing(),
	}
	known := listedChecks(w.site)
	for _, c := range everyChecks() {
		known = slices.DeleteFunc(known, func(id string) bool { return id == c.id })
		if r := reports[runReady][c.id]; r.Status != "pass" {
			t.Errorf("%s: where all is well: %s: %s", c.id, r.Status, r.says())
		}
		r := reports[c.run][c.id]
		if r.Status != c.status || !strings.Contains(r.says(), c.text) {
			t.Errorf("%s where %s: %s, expected %s with %q:\n%s", c.id, c.how, r.Status, c.status, c.text, r.says())
		}
	}
	if len(known) > 0 {
		t.Errorf("no row for %s: each check of preflight --list is shown to find something", strings.Join(known, ", "))
	}
}

// listedChecks are the IDs of preflight --list.
func listedChecks(s *site) []string {
	var ids []string
	for i, line := range strings.Split(s.run("kubectl", "aistor-upgrade", "preflight", "--list"), "\n") {
		if id, _, _ := strings.Cut(line, " "); i > 0 && id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// finished is one result of a report.
type finished struct {
	ID, Status, Message, Observed, Required string
	Details                                 []string
}

func (f finished) says() string {
	return strings.Join(append([]string{f.Message}, f.Details...), "\n")
}

// resultsOf reads a report by ID.
func resultsOf(t *testing.T, out []byte) map[string]finished {
	t.Helper()
	var report struct{ Results []finished }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("reading a report: %v\n%s", err, out)
	}
	m := map[string]finished{}
	for _, r := range report.Results {
		m[r.ID] = r
	}
	return m
}
