package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Somebody deletes volume claims while their pods run: pvc-protection holds them
// until the pods restart. First between two steps of an upgrade, then before one,
// no pod of the store restarts, whatever was accepted, and no volume is lost.
func TestAStoreWhoseClaimsAreBeingDeletedIsNeverRestarted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4", "team-b/logs=3")
	s.bundle("a.bundle", "5.6.4", "5.8.0", "1.0.16")
	d := &deletion{door: newDoor(t, s), volumes: len(strings.Fields(s.run("kubectl", "get", "pv", "-o", "name")))}
	if d.volumes != 7 {
		t.Fatalf("%d volumes, expected one for each server", d.volumes)
	}
	d.betweenTwoSteps()
	d.beforeAnUpgrade()
	d.afterARestart()
}

// deletion is an installation with volume claims that are marked for deletion.
type deletion struct {
	*door
	volumes int
}

// mark deletes all claims of a namespace as a person does.
func (d *deletion) mark(namespace string) {
	cmd := d.command("kubectl", "delete", "pvc", "--all", "--wait=false", "-n", namespace)
	if b, err := cmd.CombinedOutput(); err != nil {
		d.t.Errorf("deleting the claims in %s: %v\n%s", namespace, err, b)
	}
}

// pods are the UIDs of a namespace's pods.
func (d *deletion) pods(namespace string) string {
	d.t.Helper()
	return d.run("kubectl", "get", "pods", "-n", namespace, "-o", "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}")
}

// kept demands that no pod was restarted since and no claim or volume is gone.
func (d *deletion) kept(namespace, pods string) {
	d.t.Helper()
	if now := d.pods(namespace); now != pods {
		d.t.Errorf("pods of %s were restarted:\nbefore %s\nnow    %s", namespace, pods, now)
	}
	if n := len(strings.Fields(d.run("kubectl", "get", "pv", "-o", "name"))); n != d.volumes {
		d.t.Errorf("%d volumes are left, expected %d", n, d.volumes)
	}
	if bound := strings.Fields(d.run("kubectl", "get", "pvc", "-A", "-o", "jsonpath={.items[*].status.phase}")); len(bound) != d.volumes || strings.Trim(strings.Join(bound, ""), "Bound") != "" {
		d.t.Errorf("the claims are %v, expected %d that are bound", bound, d.volumes)
	}
}

// betweenTwoSteps deletes the claims of the second store when the release of the
// first one was upgraded.
func (d *deletion) betweenTwoSteps() {
	d.t.Helper()
	var once sync.Once
	pods := ""
	d.watch(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/secrets/sh.helm.release.v1.primary.v2") {
			once.Do(func() {
				pods = d.pods("team-b")
				d.mark("team-b")
			})
		}
	})
	out, code := d.finish(d.upgrade().CombinedOutput())
	d.watch(nil)
	for _, want := range []string{
		`running step "store-team-b-logs"`, "persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked for deletion since", "the cluster was changed",
		"hint: kubectl aistor-upgrade preflight --kubeconfig ", " --only nothing-deleting,volumes-kept,volumes-bound",
	} {
		if !strings.Contains(out, want) {
			d.t.Errorf("the upgrade does not say %q", want)
		}
	}
	if code != 5 || pods == "" || d.t.Failed() {
		d.t.Errorf("claims deleted between two steps: exit %d\n%s", code, out)
	}
	d.kept("team-b", pods)
	d.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.16")
	d.wantDeployed("team-b", "logs", "aistor-objectstore-1.0.13")
}

// beforeAnUpgrade tries to continue, with everything accepted that can be.
func (d *deletion) beforeAnUpgrade() {
	d.t.Helper()
	pods := d.pods("team-b")
	site := d.write("waivers.yaml", "apiVersion: upgrade.aistor.dev/v1alpha1\nkind: Site\nwaivers:\n"+
		"- {check: nothing-deleting, reason: it is fine}\n- {check: volumes-kept, reason: it is fine}\n")
	for _, flags := range [][]string{nil, {"--site", site}, {"--accept-downtime", "team-b/logs", "--accept-restart", "team-b/logs"}} {
		cmd := d.upgrade()
		cmd.Args = append(cmd.Args, flags...)
		out, code := d.finish(cmd.CombinedOutput())
		if code != 3 || !strings.Contains(strings.Join(strings.Fields(out), " "), "fail nothing-deleting: persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked") {
			d.t.Errorf("an upgrade with %v: exit %d\n%s", flags, code, out)
		}
		d.kept("team-b", pods)
	}
	for _, flag := range []string{"--waive=nothing-deleting=it is fine", "--waive=volumes-kept=it is fine"} {
		cmd := d.upgrade()
		cmd.Args = append(cmd.Args, flag)
		if out, code := d.finish(cmd.CombinedOutput()); code != 1 || !strings.Contains(out, "cannot be waived") {
			d.t.Errorf("an upgrade with %s: exit %d\n%s", flag, code, out)
		}
	}
	d.says(3, "fail   nothing-deleting: persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked", "kubectl-aistor_upgrade", "preflight")
	d.says(3, "fail   nothing-deleting: persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked", "kubectl-aistor_upgrade", "validate", "-n", "team-b")
	d.says(3, "fail   nothing-deleting: persistentvolumeclaim team-b/data0-logs-pool-0-0 is marked", "helm-aistor", "rollback", "--yes", "--accept-risk", "team-a/primary", "--accept-risk", "team-b/logs", "--accept-restart", "team-b/logs")
	d.says(0, "team-b/data0-logs-pool-0-0 is marked for deletion since", "kubectl-aistor_upgrade", "status")
	if health := d.run("kubectl-aistor_upgrade", "status", "-o", "jsonpath={.objectStores[*].health}"); health != "green deleting" {
		d.t.Errorf("status shows the stores as %q", health)
	}
	d.kept("team-b", pods)
}

// afterARestart shows what the checks are for: the claim goes with its pod, a new
// one takes its name, and validate says so first.
func (d *deletion) afterARestart() {
	d.t.Helper()
	was := d.run("kubectl", "get", "pvc", "data0-logs-pool-0-2", "-n", "team-b", "-o", "jsonpath={.spec.volumeName}")
	d.run("kubectl", "delete", "pod", "logs-pool-0-2", "-n", "team-b")
	d.site.until("the claim is another one", func() bool {
		is := d.run("kubectl", "get", "pvc", "data0-logs-pool-0-2", "-n", "team-b", "--ignore-not-found", "-o", "jsonpath={.spec.volumeName}")
		return is != "" && is != was
	})
	out := d.says(3, fmt.Sprintf("volumes-kept: persistentvolumeclaim team-b/data0-logs-pool-0-2 was replaced; its volume was %s", was), "kubectl-aistor_upgrade", "validate")
	if first, _, _ := strings.Cut(out[strings.Index(out, "✗"):], "\n"); !strings.Contains(first, "volumes-kept") {
		d.t.Errorf("validate says first: %s", first)
	}
	// It was wanted; what is marked for deletion is not accepted.
	validate := []string{"validate", "--only", "volumes-kept"}
	d.says(3, "--accept-volume-change team-b/data0-logs-pool-0-2, if that was wanted", "kubectl-aistor_upgrade", validate...)
	d.says(0, "1 passed", "kubectl-aistor_upgrade", append(validate, "--accept-volume-change", "team-b/data0-logs-pool-0-2")...)
	d.says(3, "volume claim team-b/data0-logs-pool-0-0 is marked for deletion: no change of its volume can be accepted",
		"helm-aistor", "plan", "--bundle", "a.bundle", "--accept-volume-change", "team-b/data0-logs-pool-0-0")
}

// says runs a program that must end with a code and say something.
func (d *deletion) says(code int, text, program string, args ...string) string {
	d.t.Helper()
	out, got := d.finish(d.command(program, args...).CombinedOutput())
	if got != code || !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(text), " ")) {
		d.t.Errorf("%s %s: exit %d, expected %d with %q:\n%s", program, strings.Join(args, " "), got, code, text, out)
	}
	return out
}

// finish is what a program wrote, with its exit code.
func (d *deletion) finish(out []byte, err error) (string, int) {
	d.t.Helper()
	return string(bytes.TrimSpace(out)), exitCode(err)
}
