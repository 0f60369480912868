package preflight

import (
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestReleasesFound(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "releases-found", []checkCase{
		{name: "operator and store", want: Pass, line: "2 releases, 1 object store", details: []string{"release aistor/aistor: chart aistor-operator-5.10.0"}},
		{name: "no operator", want: Fail, line: "no Helm release of the operator", remedy: "helm list -A",
			change: func(_ *testing.T, s *Subject) { s.Facts.Operator = nil; s.Inputs = nil }},
		{name: "an operator that this user may not see", want: Error, line: "release is not visible to this user", change: func(_ *testing.T, s *Subject) {
			s.Inputs, s.Plan, s.Facts.Operator = nil, nil, nil
			s.Facts.Gaps = []plan.Gap{{Subject: "operator pods in all namespaces", Cause: "forbidden", Denied: true}}
		}},
		{name: "a release the plan upgrades is gone", want: Fail, line: "release tenant/primary: not found",
			change: func(_ *testing.T, s *Subject) { s.Facts.Releases = nil }},
		{name: "a store that no release owns", want: Warn, line: "object store tenant/primary: not owned by a Helm release",
			change: func(_ *testing.T, s *Subject) { s.Facts.Stores[0].Release = "" }},
		{name: "another operator", want: Warn, line: "namespace second: another AIStor operator runs there", remedy: "kubectl get pods -n second -l aistor.min.io/name",
			change: func(_ *testing.T, s *Subject) { s.Facts.OtherOperators = []string{"second"} }},
	})
}

func TestReleasesSettled(t *testing.T) {
	t.Parallel()
	operator := func(status string, plans ...plan.Step) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Facts.Operator.Status, s.Facts.Operator.Revision, s.Facts.Operator.LastDeployed = status, 3, 2
			s.Plan.Steps = append(plans, s.Plan.Steps...)
		}
	}
	begun := func(ago time.Duration, change func(*testing.T, *Subject)) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			change(t, s)
			s.Facts.Operator.Updated = testNow().Add(-ago)
		}
	}
	unstick := plan.Step{Action: plan.ActionMarkFailed, Target: "aistor/aistor"}
	runCases(t, PreUpgradeChecks(), "releases-settled", []checkCase{
		{name: "deployed", want: Pass},
		{name: "a killed upgrade", want: Fail, change: operator("pending-upgrade"), line: "release aistor/aistor: revision 3 is pending-upgrade",
			observed: "pending-upgrade", required: "deployed", remedy: "resolve it with: helm aistor upgrade --bundle BUNDLE"},
		{name: "a killed upgrade that the plan settles", want: Warn, line: "the plan resolves it",
			change: operator("pending-upgrade", unstick)},
		{name: "an upgrade that may be under way", want: Fail, line: "another Helm operation may be in progress since 2026-09-01T11:46:00Z",
			remedy: "wait, or rerun after 2026-09-01T12:01:00Z",
			change: begun(14*time.Minute, operator("pending-upgrade", unstick))},
		{name: "an upgrade that was killed a while ago", want: Warn, line: "the plan resolves it",
			change: begun(15*time.Minute, operator("pending-upgrade", unstick))},
		{name: "an upgrade of ours that was killed just now", want: Warn, line: "the plan resolves it",
			change: begun(time.Minute, func(t *testing.T, s *Subject) {
				operator("pending-upgrade", unstick)(t, s)
				s.OwnPending = []string{"aistor/aistor"}
			})},
		{name: "a failed upgrade that this one goes over again", want: Warn, change: operator("failed"), line: "partially updated"},
		{name: "a failed release that nobody upgrades", want: Fail, line: "is failed",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Releases = append(s.Facts.Releases, plan.InstalledRelease{Namespace: "other", Name: "b", Status: "failed", Revision: 1})
			}},
	})
}

func TestReleasesHelm4(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "releases-helm4", []checkCase{
		{name: "Helm 3", want: Pass, line: "client side"},
		{name: "Helm 4 is named and passes", want: Pass, line: "1 of 2 releases were applied by Helm 4", details: []string{"release aistor/aistor"},
			change: func(_ *testing.T, s *Subject) { s.Facts.Operator.ApplyMethod = "ssa" }},
	})
}

func TestReleaseSize(t *testing.T) {
	t.Parallel()
	coming := func(n int, heavy ...string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Inputs.Operator[0].RecordSize = plan.RecordSize{Bytes: n, LargestParts: heavy}
		}
	}
	runCases(t, PreUpgradeChecks(), "release-size", []checkCase{
		{name: "small", want: Pass, line: "160 of 1024 KiB"},
		{name: "the installed one is near the limit", want: Warn, line: "release aistor/aistor: the release Secret has 1000 of 1024 KiB; the next one may be too large",
			change: func(_ *testing.T, s *Subject) { s.Facts.Operator.RecordBytes = 1000 << 10 }},
		{name: "the coming one is the largest", want: Pass, change: coming(300 << 10), line: "300 of 1024 KiB"},
		{name: "the coming one is near the limit", want: Warn, change: coming(1000<<10, "values (900 KiB)"), line: "close to the API server's limit; heaviest: values (900 KiB)"},
		{name: "the coming one just fits", want: Warn, change: coming(1 << 20)},
		{name: "the coming one is too large", want: Fail, change: coming(1<<20+1, "files/inspect.zip (900 KiB)", "manifest (90 KiB)"),
			line:     "release aistor/aistor: the record of aistor-operator-5.10.0 will be 1024 KiB, more than the API server's limit; heaviest: files/inspect.zip (900 KiB), manifest (90 KiB)",
			observed: "1048577 bytes", required: "<= 1048576 bytes", remedy: "files/inspect.zip"},
	})
}

func TestGitOpsOwners(t *testing.T) {
	t.Parallel()
	manager := func(release, tool, kind string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Facts.GitOpsOwners = []plan.GitOpsOwner{{Release: release, Tool: tool, Reconciler: plan.ObjectKey{Kind: kind, Namespace: "gitops", Name: "store"}}}
		}
	}
	runCases(t, PreUpgradeChecks(), "gitops-owners", []checkCase{
		{name: "nobody else", want: Pass},
		{name: "Flux reconciles what is upgraded", want: Fail, change: manager("tenant/primary", "Flux", "HelmRelease"),
			line: "release tenant/primary: reconciled by Flux (HelmRelease/gitops/store)", remedy: "flux suspend helmrelease store -n gitops"},
		{name: "Argo CD reconciles what is upgraded", want: Fail, change: manager("aistor/aistor", "Argo CD", "Application"),
			remedy: "kubectl -n gitops patch application store"},
		{name: "another release", want: Warn, change: manager("other/b", "Flux", "HelmRelease")},
	})
}
