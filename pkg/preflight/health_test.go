package preflight

import (
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestWorkloadsHealthy(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "workloads-healthy", workloadCases())
	runCases(t, PostUpgradeChecks(), "workloads-healthy", workloadCases())
}

func workloadCases() []checkCase {
	return []checkCase{
		{name: "all ready", want: Pass, line: "2 workloads and 5 pods"},
		{name: "a pull that fails is named with its cause", want: Fail,
			line:   "pod tenant/primary-pool-0-2: container minio: ImagePullBackOff: 401 from R",
			remedy: "kubectl describe pod primary-pool-0-2 -n tenant",
			change: func(_ *testing.T, s *Subject) {
				p := &s.Facts.Pods[3]
				p.Ready, p.Phase = false, "Pending"
				p.Containers[1].Ready, p.Containers[1].Reason, p.Containers[1].Message = false, "ImagePullBackOff", "401\n from  R"
				p.Containers[2].Ready, p.Containers[2].Reason = false, "PodInitializing"
			}},
		{name: "a crash shows its log", want: Fail, line: "CrashLoopBackOff", remedy: "kubectl logs primary-pool-0-0 -n tenant -c sidecar --previous",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Pods[1].Containers[2].Ready, s.Facts.Pods[1].Containers[2].Reason = false, "CrashLoopBackOff"
			}},
		{name: "a pending pod without a reason", want: Fail, line: "pod tenant/primary-pool-0-0: Pending and not ready",
			change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Ready, s.Facts.Pods[1].Phase = false, "Pending" }},
		{name: "a finished pod is no finding", want: Pass,
			change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Ready, s.Facts.Pods[1].Phase = false, "Succeeded" }},
		{name: "many restarts", want: Warn, line: "container minio restarted 7 times",
			change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Containers[1].Restarts = 7 }},
		{name: "stuck terminating", want: Fail, line: "stuck terminating for 10m0s",
			change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Terminating = testNow().Add(-10 * time.Minute) }},
		{name: "just terminating", want: Warn, line: "pod tenant/primary-pool-0-0: terminating",
			change: func(_ *testing.T, s *Subject) { s.Facts.Pods[1].Terminating = testNow().Add(-time.Second) }},
		{name: "a workload short of a pod", want: Fail, line: "statefulset tenant/primary-pool-0: 3 of 4 pods are ready",
			change: func(_ *testing.T, s *Subject) { s.Facts.Workloads[1].Ready = 3 }},
	}
}

func TestStoresHealthyAndGreen(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "stores-healthy", storeCases())
	runCases(t, PostUpgradeChecks(), "stores-green", storeCases())
}

func storeCases() []checkCase {
	store := func(change func(*plan.Store)) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { change(&s.Facts.Stores[0]) }
	}
	return []checkCase{
		{name: "green", want: Pass, line: "4 servers and 16 drives"},
		{name: "yellow", want: Fail, line: "object store tenant/primary: health is yellow (one node down)", required: "green",
			remedy: "kubectl describe objectstores.aistor.min.io primary -n tenant",
			change: store(func(st *plan.Store) { st.Health, st.Message = "yellow", "one node down" })},
		{name: "no health reported", want: Fail, line: "health is not reported", change: store(func(st *plan.Store) { st.Health = "" })},
		{name: "offline drives", want: Fail, line: "2 drives are offline", change: store(func(st *plan.Store) { st.DrivesOffline = 2 })},
		{name: "healing drives", want: Fail, line: "1 drive is healing", required: "0 healing", change: store(func(st *plan.Store) { st.DrivesHealing = 1 })},
		{name: "a pool that is not ready", want: Fail, line: "pool pool-0 is PoolNotCreated", change: store(func(st *plan.Store) { st.Pools[0].State = "PoolNotCreated" })},
		{name: "no stores", want: Skip, change: func(_ *testing.T, s *Subject) { s.Facts.Stores = nil }},
	}
}

func TestOperatorService(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "operator-service", []checkCase{
		{name: "endpoints on 4221", want: Pass, line: "port 4221"},
		{name: "missing", want: Fail, line: "service aistor/object-store-operator: missing",
			change: func(_ *testing.T, s *Subject) { s.Facts.Services = s.Facts.Services[1:] }},
		{name: "another port", want: Fail, line: "has no port 4221",
			change: func(_ *testing.T, s *Subject) { s.Facts.Services[0].Ports = []int{4223} }},
		{name: "nobody leads", want: Fail, line: "has no ready endpoint", remedy: "kubectl get endpointslices -n aistor",
			change: func(_ *testing.T, s *Subject) { s.Facts.Services[0].Ready = 0 }},
		{name: "a version without it", want: Skip, change: func(_ *testing.T, s *Subject) {
			s.Facts.Operator.Manifest, s.Facts.Workloads, s.Facts.Services = "", nil, nil
		}},
	})
}

func TestWebhookReady(t *testing.T) {
	t.Parallel()
	cases := []checkCase{
		{name: "certificate and endpoints", want: Pass},
		{name: "an empty caBundle refuses new pods", want: Fail, line: "caBundle is empty: new pods of object stores would be refused",
			remedy: "kubectl logs -n aistor deployment/object-store-webhook",
			change: func(_ *testing.T, s *Subject) { s.Facts.Webhooks[0].CABundle = 0 }},
		{name: "an ignored failure is a warning", want: Warn, change: func(_ *testing.T, s *Subject) {
			s.Facts.Webhooks[0].CABundle, s.Facts.Webhooks[0].FailurePolicy = 0, "Ignore"
		}},
		{name: "no endpoint", want: Fail, line: "service aistor/object-store-webhook has no ready endpoint",
			change: func(_ *testing.T, s *Subject) { s.Facts.Services[1].Ready = 0 }},
		{name: "no service", want: Fail, line: "is missing", change: func(_ *testing.T, s *Subject) { s.Facts.Services = s.Facts.Services[:1] }},
		{name: "a service that errors", want: Error, change: func(_ *testing.T, s *Subject) {
			s.Facts.Services, s.Facts.Gaps = nil, []plan.Gap{{Subject: "services in aistor", Cause: "forbidden"}}
		}},
		{name: "rendered but gone", want: Fail, line: "missing, although release aistor/aistor contains it",
			change: func(_ *testing.T, s *Subject) { s.Facts.Webhooks = nil }},
		{name: "a version without one", want: Skip, change: func(_ *testing.T, s *Subject) { s.Facts.Webhooks, s.Facts.Operator.Manifest = nil, "" }},
	}
	runCases(t, PreUpgradeChecks(), "webhook-ready", cases)
	runCases(t, PostUpgradeChecks(), "webhook-ready", cases)
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "budgets", []checkCase{
		{name: "an eviction is allowed", want: Pass},
		{name: "no eviction is allowed", want: Warn, line: "poddisruptionbudget tenant/primary",
			change: func(_ *testing.T, s *Subject) { s.Facts.DisruptionBudgets[0].DisruptionsAllowed = 0 }},
		{name: "no budgets", want: Skip, change: func(_ *testing.T, s *Subject) { s.Facts.DisruptionBudgets = nil }},
	})
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	event := func(since time.Duration) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.Since = testNow().Add(-time.Hour)
			s.Facts.WarningEvents = []plan.Event{{Object: podKey(s.Facts.Pods[1]), Reason: "FailedMount", Message: "no\nvolume", Count: 3, Last: testNow().Add(since)}}
		}
	}
	runCases(t, PostUpgradeChecks(), "cluster-warnings", []checkCase{
		{name: "none", want: Pass},
		{name: "one since the upgrade began", want: Warn, change: event(-time.Minute),
			line: "pod tenant/primary-pool-0-0: FailedMount: no volume (3 times, last 2026-09-01T11:59:00Z)"},
		{name: "one before it", want: Pass, change: event(-2 * time.Hour), line: "since 2026-09-01T11:00:00Z"},
	})
}
