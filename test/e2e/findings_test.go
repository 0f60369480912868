package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What runs in the stores of these tests.
const (
	minioTag   = "RELEASE.2026-06-06T02-44-06Z"
	sidecarTag = "RELEASE.2026-07-14T22-07-12Z"
)

// finding is one thing that is wrong about an installation that is otherwise
// as expected.
type finding struct {
	name string
	// spoil makes it wrong, repair makes it right again.
	spoil, repair func(*findings)
	// check must fail, alone, and say line with what it saw and needed.
	check, line, observed, required string
}

// Validate names each finding by its own check: which pod, which container,
// what was seen and what is required. The cluster stands still meanwhile, so
// that nobody repairs what a case spoils.
func TestValidateNamesEachFindingPrecisely(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.8.0", "--store", "1.0.16", "team-a/primary=16", "team-b/logs=4")
	f := &findings{site: s, registry: s.env["PRIVATE_REGISTRY"]}
	f.until("team-a", "team-b")
	f.freeze()
	// First, because it takes its time: its finalizer keeps the pod.
	f.kubectl("patch", "pod", "logs-pool-0-2", "-n", "team-b", "-p", `{"metadata":{"finalizers":["example.com/stay"]}}`)
	f.kubectl("delete", "pod", "logs-pool-0-2", "-n", "team-b", "--grace-period=1", "--wait=false")
	gone := time.Now().Add(time.Second + 30*time.Second)

	if r, code := f.validate("team-a"); code != 0 || len(r.failing()) > 0 {
		t.Fatalf("before anything is spoilt: exit %d, %v: %s", code, r.failing(), r.Verdict)
	}
	for _, c := range cases(f) {
		c.spoil(f)
		r, code := f.validate("team-a")
		f.expect(c, r, code)
		c.repair(f)
	}
	if r, code := f.validate("team-a"); code != 0 {
		t.Errorf("after all was mended: exit %d, %v: %s", code, r.failing(), r.Verdict)
	}
	f.withoutRightsInTheCluster()
	time.Sleep(time.Until(gone) + time.Second)
	r, code := f.validate("team-b")
	f.expect(finding{name: "a stuck terminating pod", check: "rollout-complete,workloads-healthy",
		line: "pod team-b/logs-pool-0-2: stuck terminating for", observed: "terminating since 20", required: "gone"}, r, code)
}

func cases(f *findings) []finding {
	image := func(kind, container, image string) func(*findings) {
		return func(f *findings) {
			f.kubectl("patch", "pod", "primary-pool-0-7", "-n", "team-a", "-p",
				fmt.Sprintf(`{"spec":{%q:[{"name":%q,"image":%q}]}}`, kind, container, image))
		}
	}
	set := func(status string, args ...any) func(*findings) {
		return func(f *findings) {
			f.kubectl("patch", "statefulset", "primary-pool-0", "-n", "team-a", "--subresource=status", "--type=merge", "-p", fmt.Sprintf(`{"status":`+status+`}`, args...))
		}
	}
	healing := func(n int) func(*findings) {
		return func(f *findings) {
			f.kubectl("patch", "objectstores.aistor.min.io", "primary", "-n", "team-a", "--subresource=status", "--type=merge",
				"-p", fmt.Sprintf(`{"status":{"drivesHealing":%d}}`, n))
		}
	}
	minio, sidecar := f.registry+"/aistor/minio:", f.registry+"/aistor/minio-sidecar:"+sidecarTag
	was := f.kubectl("get", "statefulset", "primary-pool-0", "-n", "team-a", "-o", "jsonpath={.status.updateRevision}")
	digest := f.imageID("minio")
	other := "sha256:" + strings.Repeat("0123", 16)
	return []finding{
		{"one wrong pod of 16", image("containers", "minio", minio+"RELEASE.2026-05-04T23-02-27Z"), image("containers", "minio", minio+minioTag),
			"images-as-asked", "pod team-a/primary-pool-0-7: container minio has image " + minio + "RELEASE.2026-05-04T23-02-27Z, expected " + minio + minioTag,
			minio + "RELEASE.2026-05-04T23-02-27Z", minio + minioTag},
		{"a public image in an init container", image("initContainers", "validate-arguments", "quay.io/minio/aistor/minio-sidecar:"+sidecarTag),
			image("initContainers", "validate-arguments", sidecar),
			"references-private", "pod team-a/primary-pool-0-7: init container validate-arguments: quay.io/minio/aistor/minio-sidecar:" + sidecarTag + " is not in the private registry",
			"quay.io/minio/aistor/minio-sidecar:" + sidecarTag, sidecar},
		{"another digest behind the same tag", func(f *findings) { f.runs("minio", f.registry+"/aistor/minio@"+other) }, func(f *findings) { f.runs("minio", digest) },
			"image-ids", "pod team-a/primary-pool-0-7: container minio runs " + other, other, digest[strings.LastIndex(digest, "sha256:"):]},
		{"a pod that never restarted", func(f *findings) {
			set(`{"updateRevision":"primary-pool-0-new"}`)(f)
			f.kubectl("label", "pods", "-n", "team-a", "-l", "v1.min.io/tenant=primary", "--overwrite", "controller-revision-hash=primary-pool-0-new")
			f.kubectl("label", "pod", "primary-pool-0-7", "-n", "team-a", "--overwrite", "controller-revision-hash="+was)
		}, func(f *findings) {
			set(`{"updateRevision":%q}`, was)(f)
			f.kubectl("label", "pods", "-n", "team-a", "-l", "v1.min.io/tenant=primary", "--overwrite", "controller-revision-hash="+was)
		}, "rollout-complete", "pod team-a/primary-pool-0-7: still has revision " + was + " of statefulset team-a/primary-pool-0", was, "primary-pool-0-new"},
		{"a generation not yet observed", func(f *findings) {
			f.kubectl("patch", "statefulset", "primary-pool-0", "-n", "team-a", "-p", `{"spec":{"minReadySeconds":1}}`)
		}, func(f *findings) {
			f.kubectl("patch", "statefulset", "primary-pool-0", "-n", "team-a", "-p", `{"spec":{"minReadySeconds":0}}`)
			set(`{"observedGeneration":%s}`, f.kubectl("get", "statefulset", "primary-pool-0", "-n", "team-a", "-o", "jsonpath={.metadata.generation}"))(f)
		}, "rollout-complete", "statefulset team-a/primary-pool-0: observed generation", "", ""},
		{"healing drives", healing(3), healing(0), "stores-green", "object store team-a/primary: 3 drives are healing", "3 healing", "0 healing"},
		{"an image that can't be pulled", func(f *findings) {
			f.status("minio", `{"op":"replace","path":"%s/ready","value":false},{"op":"replace","path":"%s/state","value":{"waiting":{"reason":"ImagePullBackOff","message":"401"}}}`)
		}, func(f *findings) {
			f.status("minio", `{"op":"replace","path":"%s/ready","value":true},{"op":"replace","path":"%s/state","value":{"running":{}}}`)
		}, "workloads-healthy", "pod team-a/primary-pool-0-7: container minio: ImagePullBackOff: 401", "ImagePullBackOff", "running"},
	}
}

// findings is an installation that stands still.
type findings struct {
	*site
	registry string
}

type validated struct {
	Results []struct {
		ID, Status, Message, Observed, Required string
		Details                                 []string
	}
	Verdict string
}

// failing are the checks that failed, sorted.
func (v validated) failing() []string {
	var ids []string
	for _, r := range v.Results {
		if r.Status == "fail" || r.Status == "error" {
			ids = append(ids, r.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// expect demands that exactly the checks of c fail, and how.
func (f *findings) expect(c finding, v validated, code int) {
	f.t.Helper()
	if got := strings.Join(v.failing(), ","); got != c.check || code != 3 {
		f.t.Errorf("%s: exit %d with failing %q, want exit 3 with %q", c.name, code, got, c.check)
	}
	for _, r := range v.Results {
		if !slices.Contains(strings.Split(c.check, ","), r.ID) {
			continue
		}
		if !slices.ContainsFunc(r.Details, func(d string) bool { return strings.Contains(d, c.line) }) {
			f.t.Errorf("%s: no detail of %s says %q:\n%s", c.name, r.ID, c.line, strings.Join(r.Details, "\n"))
		}
		if !strings.Contains(r.Observed, c.observed) || !strings.Contains(r.Required, c.required) {
			f.t.Errorf("%s: observed %q, required %q; want %q and %q", c.name, r.Observed, r.Required, c.observed, c.required)
		}
	}
}

func (f *findings) validate(namespace string, more ...string) (validated, int) {
	f.t.Helper()
	var out, errs bytes.Buffer
	cmd := f.command("kubectl", append([]string{"aistor-upgrade", "validate", "-n", namespace, "-o", "json", "--registry", f.registry, "--ca", f.env["PRIVATE_CA"],
		"--expect", "minio=" + minioTag, "--expect", "minio-sidecar=" + sidecarTag}, more...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	var v validated
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		f.t.Fatalf("reading the report: %v\n%s%s", err, out.String(), errs.String())
	}
	return v, cmd.ProcessState.ExitCode()
}

func (f *findings) kubectl(args ...string) string {
	f.t.Helper()
	return f.run("kubectl", args...)
}

// until waits until nothing of these namespaces is about to change.
func (f *findings) until(namespaces ...string) {
	f.t.Helper()
	for _, ns := range namespaces {
		f.run("kubectl", "aistor-upgrade", "validate", "-n", ns, "--watch", "--timeout", "3m", "--ca", f.env["PRIVATE_CA"])
	}
}

// freeze stops everything that changes objects by itself: controllers, nodes
// and the operator. It ends with the test.
func (f *findings) freeze() {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.env["LAB_STATE"], "pids.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	var parts []struct {
		Part string
		PID  int
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		f.t.Fatal(err)
	}
	pids := []int{f.standin.Process.Pid}
	for _, p := range parts {
		if slices.Contains([]string{"kube-controller-manager", "kube-scheduler", "kwok", "puller"}, p.Part) {
			pids = append(pids, p.PID)
		}
	}
	if len(pids) != 5 {
		f.t.Fatalf("found %d of the 5 programs to stop in %s", len(pids), b)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
}

// status patches the status of one container of the pod that cases spoil. Each
// %s stands for its path.
func (f *findings) status(container, operations string) {
	f.t.Helper()
	names := strings.Fields(f.kubectl("get", "pod", "primary-pool-0-7", "-n", "team-a", "-o", "jsonpath={.status.containerStatuses[*].name}"))
	path := fmt.Sprintf("/status/containerStatuses/%d", slices.Index(names, container))
	f.kubectl("patch", "pod", "primary-pool-0-7", "-n", "team-a", "--subresource=status", "--type=json", "-p", "["+strings.ReplaceAll(operations, "%s", path)+"]")
}

func (f *findings) runs(container, imageID string) {
	f.t.Helper()
	f.status(container, fmt.Sprintf(`{"op":"replace","path":"%%s/imageID","value":%q}`, imageID))
}

func (f *findings) imageID(container string) string {
	f.t.Helper()
	return f.kubectl("get", "pod", "primary-pool-0-7", "-n", "team-a", "-o",
		fmt.Sprintf("jsonpath={.status.containerStatuses[?(@.name==%q)].imageID}", container))
}

// withoutRightsInTheCluster looks as somebody who may only read one namespace:
// what lies outside is said, and is neither a failure nor a pass.
func (f *findings) withoutRightsInTheCluster() {
	f.t.Helper()
	f.kubectl("create", "role", "reader", "-n", "team-a", "--verb=get,list,watch", "--resource=*.*")
	f.kubectl("create", "role", "reader-core", "-n", "team-a", "--verb=get,list,watch",
		"--resource=pods,services,secrets,persistentvolumeclaims,serviceaccounts,events")
	for _, role := range []string{"reader", "reader-core"} {
		f.kubectl("create", "rolebinding", role, "-n", "team-a", "--role="+role, "--user=anna")
	}
	v, code := f.validate("team-a", "--as", "anna")
	if code != 0 || !strings.HasPrefix(v.Verdict, "namespace team-a is valid: ") || !strings.Contains(v.Verdict, "skipped") {
		f.t.Errorf("as the owner of one namespace: exit %d, %v: %s", code, v.failing(), v.Verdict)
	}
	for _, r := range v.Results {
		if (r.ID == "crds-established" || r.ID == "webhook-ready") && r.Status == "pass" {
			f.t.Errorf("%s passes, though nobody could look: %s", r.ID, r.Message)
		}
	}
	if v, code := f.validate("team-b", "--as", "anna"); code == 0 {
		f.t.Errorf("what may not be seen passes: %s", v.Verdict)
	}
}
