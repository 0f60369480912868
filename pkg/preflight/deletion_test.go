package preflight

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Whatever kind of object is marked for deletion, the check fails, names it and
// says since when.
func TestAnObjectOfAnyKindThatIsMarkedForDeletionFails(t *testing.T) {
	t.Parallel()
	since := testNow().Add(-2 * time.Minute)
	rows := []checkCase{{name: "nothing is marked", want: Pass, line: "is marked for deletion"}}
	for _, kind := range []struct {
		name, label string
		mark        func(*plan.Facts)
	}{
		{"claim", "persistentvolumeclaim tenant/data-primary-pool-0-1", func(f *plan.Facts) { f.Claims[1].Terminating = since }},
		{"volume", "persistentvolume pv-1", func(f *plan.Facts) { f.Volumes[1].Terminating = since }},
		{"object store", "objectstore tenant/primary", func(f *plan.Facts) { f.Stores[0].Terminating = since }},
		{"namespace of the store", "namespace tenant", func(f *plan.Facts) { f.Namespaces[1].Terminating = since }},
		{"namespace of the operator", "namespace aistor", func(f *plan.Facts) { f.Namespaces[0].Terminating = since }},
		{"definition", "customresourcedefinition objectstores.aistor.min.io", func(f *plan.Facts) { f.CRDs[0].Terminating = since }},
		{"stateful set", "statefulset tenant/primary-pool-0", func(f *plan.Facts) { f.Workloads[1].Terminating = since }},
		{"deployment", "deployment aistor/object-store-operator", func(f *plan.Facts) { f.Workloads[0].Terminating = since }},
		{"service", "service aistor/object-store-operator", func(f *plan.Facts) { f.Services[0].Terminating = since }},
		{"binding", "clusterrolebinding aistor-op", func(f *plan.Facts) { f.Bindings[0].Terminating = since }},
		{"webhook configuration", "mutatingwebhookconfiguration object-store-operator-webhook", func(f *plan.Facts) { f.Webhooks[0].Terminating = since }},
		{"pull secret", "secret tenant/pull", func(f *plan.Facts) { f.PullSecrets[1].Terminating = since }},
		{"license", "secret aistor/minio-license", func(f *plan.Facts) { f.License.Terminating = since }},
		{"operator's record", "secret aistor/sh.helm.release.v1.aistor.v2", func(f *plan.Facts) { f.Operator.Terminating = since }},
		{"store's record", "secret tenant/sh.helm.release.v1.primary.v1", func(f *plan.Facts) { f.Releases[0].Terminating = since }},
		{"budget", "poddisruptionbudget tenant/primary", func(f *plan.Facts) { f.DisruptionBudgets[0].Terminating = since }},
		{"node in use", "node n1", func(f *plan.Facts) { f.Nodes[0].Terminating = since }},
		{"account", "serviceaccount tenant/primary-sa", func(f *plan.Facts) {
			f.ServiceAccounts = append(f.ServiceAccounts, plan.ServiceAccount{Namespace: "tenant", Name: "primary-sa", Terminating: since})
		}},
		{"rendered object", "daemonset tenant/agent", func(f *plan.Facts) {
			f.Marked = []plan.MarkedObject{{ObjectKey: plan.ObjectKey{Kind: "DaemonSet", Namespace: "tenant", Name: "agent"}, Terminating: since}}
		}},
	} {
		rows = append(rows, checkCase{name: kind.name, want: Fail, line: kind.label + " is marked for deletion since 2026-09-01T11:58:00Z (2m ago)",
			observed: "deletionTimestamp 2026-09-01T11:58:00Z", required: "no deletionTimestamp", remedy: "kubectl ",
			change: func(_ *testing.T, s *Subject) { kind.mark(s.Facts) }})
	}
	runCases(t, PreUpgradeChecks(), "nothing-deleting", rows)
	runCases(t, PostUpgradeChecks(), "nothing-deleting", rows)
}

func TestDeletionsThatNeedAReader(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "nothing-deleting", []checkCase{
		{name: "all is well", want: Pass},
		{name: "a pod that a roll-out replaces", want: Pass, change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Terminating = testNow() }},
		{name: "a node that runs nothing of ours", want: Pass, change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Terminating = testNow() }},
		{name: "a clock that is behind", want: Fail, line: "(0s ago)",
			change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].Terminating = testNow().Add(time.Hour) }},
		{name: "all claims", want: Fail, line: "(and 3 more)", remedy: `kubectl patch pv pv-0 pv-1 pv-2 pv-3 --patch '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`,
			details: []string{"data-primary-pool-0-3 is marked for deletion since", "the reclaim policy of volume pv-3 is Delete"},
			change: func(_ *testing.T, s *Subject) {
				for i := range s.Facts.Claims {
					s.Facts.Claims[i].Terminating = testNow()
				}
			}},
		{name: "a namespace takes its volumes along", want: Fail, remedy: "kubectl patch pv pv-0 pv-1 pv-2 pv-3 ",
			change: func(_ *testing.T, s *Subject) { s.Facts.Namespaces[1].Terminating = testNow() }},
		{name: "retained volumes need no patch", want: Fail, remedy: "kubectl describe persistentvolumeclaim data-primary-pool-0-0 -n tenant",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Claims[0].Terminating, s.Facts.Volumes[0].ReclaimPolicy = testNow(), "Retain"
			}},
		{name: "a server's claim is gone", want: Fail, line: "persistentvolumeclaim tenant/data-primary-pool-0-2 was deleted; its pod gets an empty volume when it restarts",
			observed: "no such claim", remedy: "kubectl patch pv pv-2 ",
			change: func(_ *testing.T, s *Subject) { s.Facts.Claims = slices.Delete(s.Facts.Claims, 2, 3) }},
		{name: "claims that could not be listed are not missing", want: Error, line: "persistentvolumeclaims in tenant could not be read",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Claims, s.Facts.Gaps = nil, []plan.Gap{gapIn("persistentvolumeclaims")}
			}},
		{name: "volumes that nobody may list are no pass", want: Skip, line: "persistentvolumes could not be read: forbidden", remedy: "kubectl auth can-i list persistentvolumes",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Volumes, s.Facts.Gaps = nil, []plan.Gap{{Subject: "persistentvolumes", Cause: "forbidden", Denied: true, Optional: true}}
			}},
		{name: "volumes that could not be listed are an error", want: Error, line: "persistentvolumes could not be read: away",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Volumes, s.Facts.Gaps = nil, []plan.Gap{{Subject: "persistentvolumes", Cause: "away", Optional: true}}
			}},
		{name: "a claim that is marked fails beside a gap", want: Fail, line: "marked for deletion", details: []string{"persistentvolumes could not be read"},
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Claims[0].Terminating = testNow()
				s.Facts.Gaps = []plan.Gap{{Subject: "persistentvolumes", Cause: "forbidden", Denied: true, Optional: true}}
			}},
		{name: "and in one namespace alone", want: Fail, line: "marked for deletion",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Namespace, s.Facts.Claims[0].Terminating = "tenant", testNow()
				s.Facts.Gaps = []plan.Gap{{Subject: "customresourcedefinitions", Cause: "forbidden", Denied: true}}
			}},
	})
}

func TestVolumesKept(t *testing.T) {
	t.Parallel()
	rows := []checkCase{
		{name: "as recorded", want: Pass, line: "4 volume claims are as recorded"},
		{name: "nothing recorded", want: Skip, change: func(_ *testing.T, s *Subject) { s.Plan.Claims = nil }},
		{name: "a further claim", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.Facts.Claims = append(s.Facts.Claims, plan.Claim{Namespace: "tenant", Name: "data-primary-pool-0-4", UID: "new", Store: "tenant/primary"})
		}},
		{name: "another volume", want: Fail, line: "its volume was pv-0 and is pv-9 now", observed: "UID new, volume pv-9", required: "UID uid-0, volume pv-0", remedy: "--accept-volume-change tenant/data-primary-pool-0-0, if that was wanted",
			change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].UID, s.Facts.Claims[0].Volume = "new", "pv-9" }},
		{name: "another claim with the same volume", want: Fail, line: "replaced; another claim has its name and its volume pv-0",
			change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].UID = "new" }},
		{name: "no claim any more", want: Fail, line: "data-primary-pool-0-0 was deleted; its volume was pv-0", observed: "no such claim",
			change: func(_ *testing.T, s *Subject) { s.Facts.Claims = s.Facts.Claims[1:] }},
		{name: "no store any more", want: Fail, line: "(and 3 more)", change: func(_ *testing.T, s *Subject) { s.Facts.Claims, s.Facts.Stores = nil, nil }},
		{name: "a journal's record wins over the plan's", want: Fail, line: "its volume was old-0 and is pv-0 now",
			change: func(_ *testing.T, s *Subject) {
				s.Recorded = plan.ClaimRecords{"tenant/primary": {"data-primary-pool-0-0": {UID: "old", Volume: "old-0"}}}
			}},
		{name: "another namespace than the one looked at", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.Facts.Namespace = "tenant"
			s.Plan.Claims["team-b/logs"] = map[string]plan.ClaimID{"data-logs-pool-0-0": {UID: "x", Volume: "y"}}
		}},
		{name: "claims that could not be listed", want: Error, change: func(_ *testing.T, s *Subject) {
			s.Facts.Claims, s.Facts.Gaps = nil, []plan.Gap{gapIn("persistentvolumeclaims")}
		}},
		{name: "too many to record each: kept", want: Pass, line: "4 volume claims are as recorded", change: func(_ *testing.T, s *Subject) { s.Plan.Claims = s.Plan.Claims.Summary(3) }},
		{name: "too many to record each: replaced", want: Fail, line: "objectstore tenant/primary was replaced; its volume claims are not those", change: func(_ *testing.T, s *Subject) {
			s.Plan.Claims = s.Plan.Claims.Summary(3)
			s.Facts.Claims[2].Volume = "pv-9"
		}},
	}
	runCases(t, PreUpgradeChecks(), "volumes-kept", rows)
	runCases(t, PostUpgradeChecks(), "volumes-kept", rows)
	if PostUpgradeChecks()[0].ID != "volumes-kept" {
		t.Error("validate does not say first that a volume was replaced")
	}
}

func TestVolumesBound(t *testing.T) {
	t.Parallel()
	rows := []checkCase{
		{name: "all bound", want: Pass, line: "4 volume claims are bound; reclaim policy Delete for 4: the data is deleted with the claim"},
		{name: "retained", want: Pass, line: "4 volume claims are bound", change: func(_ *testing.T, s *Subject) {
			for i := range s.Facts.Volumes {
				s.Facts.Volumes[i].ReclaimPolicy = "Retain"
			}
		}},
		{name: "no claims", want: Skip, change: func(_ *testing.T, s *Subject) { s.Facts.Claims = nil }},
		{name: "pending", want: Fail, line: "persistentvolumeclaim tenant/data-primary-pool-0-0: Pending", observed: "Pending", required: "Bound",
			remedy: "kubectl describe persistentvolumeclaim data-primary-pool-0-0 -n tenant", change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].Phase = "Pending" }},
		{name: "pending after an interrupted upgrade", want: Warn, change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].Phase, s.Resuming = "Pending", true }},
		{name: "lost", want: Fail, line: "data-primary-pool-0-0: Lost", change: func(_ *testing.T, s *Subject) { s.Facts.Claims[0].Phase, s.Resuming = "Lost", true }},
		{name: "released", want: Fail, line: "its volume pv-0 is Released", change: func(_ *testing.T, s *Subject) { s.Facts.Volumes[0].Phase = "Released" }},
		{name: "another claim's", want: Fail, line: "its volume pv-0 belongs to another claim", change: func(_ *testing.T, s *Subject) { s.Facts.Volumes[0].ClaimUID = "other" }},
		{name: "no volume", want: Fail, line: "its volume pv-0 does not exist", change: func(_ *testing.T, s *Subject) { s.Facts.Volumes = s.Facts.Volumes[1:] }},
		{name: "volumes that nobody may list", want: Skip, line: "persistentvolumes could not be read", change: func(_ *testing.T, s *Subject) {
			s.Facts.Volumes, s.Facts.Gaps = nil, []plan.Gap{{Subject: "persistentvolumes", Cause: "forbidden", Denied: true, Optional: true}}
		}},
		{name: "the volume of an earlier claim", want: Warn, line: "persistentvolume old: Released, of an earlier claim tenant/data-primary-pool-0-0", change: func(_ *testing.T, s *Subject) {
			s.Facts.Volumes = append(s.Facts.Volumes, plan.Volume{Name: "old", Phase: "Released", ClaimNamespace: "tenant", ClaimName: "data-primary-pool-0-0", ClaimUID: "gone"})
		}},
	}
	runCases(t, PreUpgradeChecks(), "volumes-bound", rows)
	runCases(t, PostUpgradeChecks(), "volumes-bound", rows)
}

// No choice of the user keeps the check from failing.
func TestAMandatoryCheckIsNeitherLeftOutNorWaived(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"nothing-deleting", "volumes-kept"} {
		s := readySubject(t)
		s.Facts.Claims[0].Terminating, s.Facts.Claims[0].UID = testNow(), "other"
		r := Run(t.Context(), PreUpgradeChecks(), s, Options{Only: []string{id}, Skip: []string{id}, Waivers: []plan.Waiver{{Check: id, Reason: "it is fine"}}})
		if one := r.Results[0]; r.OK() || one.Status != Fail || one.Waived != "" || !strings.Contains(strings.Join(one.Details, "\n"), "cannot be waived") {
			t.Errorf("%s: received %s, waived %q: %v", id, one.Status, one.Waived, one.Details)
		}
		if !Mandatory(id) {
			t.Errorf("%s is not said to be mandatory", id)
		}
	}
}
