package preflight

import (
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "order", []checkCase{
		{name: "operator first", want: Pass, line: "supports 5.10.0"},
		{name: "steps the other way round", want: Fail, line: "step operator-5.10.0 comes after store-primary",
			change: func(_ *testing.T, s *Subject) { s.Plan.Steps[0], s.Plan.Steps[1] = s.Plan.Steps[1], s.Plan.Steps[0] }},
		{name: "an operator that is too old", want: Fail, line: "object store chart 1.0.16 requires operator 5.2.0, but 5.1.0 would run", required: ">= 5.2.0",
			change: func(_ *testing.T, s *Subject) { s.Inputs.Operator, s.Facts.Operator.Version = nil, "5.1.0" }},
		{name: "a setting that needs a newer operator", want: Fail, line: "with objectStore.disablePodDisruptionBudget requires operator 5.9.0",
			change: func(_ *testing.T, s *Subject) {
				s.Inputs.Operator, s.Facts.Operator.Version = nil, "5.8.0"
				s.Inputs.Stores[0].Values = map[string]any{"objectStore": map[string]any{"disablePodDisruptionBudget": true}}
			}},
		{name: "the same operator without the setting", want: Pass, change: func(_ *testing.T, s *Subject) { s.Inputs.Operator, s.Facts.Operator.Version = nil, "5.8.0" }},
	})
}

func TestDowngrade(t *testing.T) {
	t.Parallel()
	newer := func(_ *testing.T, s *Subject) {
		for i := range s.Facts.Pods {
			for j := range s.Facts.Pods[i].Containers {
				c := &s.Facts.Pods[i].Containers[j]
				c.Image = strings.Replace(c.Image, minioR, "RELEASE.2026-09-07T00-00-00Z", 1)
			}
		}
	}
	runCases(t, PreUpgradeChecks(), "downgrade", []checkCase{
		{name: "forward", want: Pass},
		{name: "a chart goes back", want: Fail, line: "release aistor/aistor: would be downgraded from 5.11.0 to 5.10.0", remedy: "--allow-downgrade",
			change: func(_ *testing.T, s *Subject) { s.Inputs.Operator[0].From.Version = "5.11.0" }},
		{name: "accepted", want: Warn, change: func(_ *testing.T, s *Subject) {
			s.Inputs.Operator[0].From.Version = "5.11.0"
			s.Plan.Options.AllowDowngrade = true
		}},
		{name: "the chart's default server is older than what runs", want: Fail, change: newer,
			line: "object store tenant/primary: servers would be downgraded from RELEASE.2026-09-07T00-00-00Z to " + minioR},
		{name: "a store that keeps its own image", want: Pass, change: func(t *testing.T, s *Subject) {
			newer(t, s)
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, image: "`+private+`/aistor/minio:RELEASE.2026-09-07T00-00-00Z"`))
		}},
	})
}

func TestDowntime(t *testing.T) {
	t.Parallel()
	restart := func(r plan.Restart) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { s.Plan.Steps[1].Restarts = []plan.Restart{r} }
	}
	runCases(t, PreUpgradeChecks(), "downtime", []checkCase{
		{name: "one by one", want: Pass, details: []string{"restarts 4 pods one by one"}},
		{name: "all at once", want: Fail, line: "restarts all 4 pods at the same time, which is an outage (crossing)", remedy: "--accept-downtime tenant/primary",
			change: restart(plan.Restart{Store: "tenant/primary", Pods: 4, Strategy: plan.AllAtOnce, Selected: true, Why: "crossing"})},
		{name: "a single server", want: Fail, line: "the only pod",
			change: restart(plan.Restart{Store: "tenant/primary", Pods: 1, Strategy: plan.AllAtOnce, Selected: true})},
		{name: "accepted", want: Warn, change: func(t *testing.T, s *Subject) {
			restart(plan.Restart{Store: "tenant/primary", Pods: 4, Strategy: plan.AllAtOnce, Selected: true})(t, s)
			s.Plan.Options.AcceptDowntime = []string{"tenant/primary"}
		}},
		{name: "a store that nobody selected", want: Fail, line: "object store b/other: step store-primary may restart all 8 pods", remedy: "--accept-restart b/other",
			change: restart(plan.Restart{Store: "b/other", Pods: 8, Strategy: plan.OneByOne})},
	})
}

func TestChartName(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "chart-name", []checkCase{
		{name: "the current name", want: Pass},
		{name: "the stale name", want: Warn, line: "aistor-objectstore-operator-5.1.0 is discontinued", required: "aistor-operator",
			change: func(_ *testing.T, s *Subject) {
				s.Inputs.Operator[0].To = plan.ChartRef{Name: "aistor-objectstore-operator", Version: "5.1.0"}
			}},
	})
}

func TestPlanNotices(t *testing.T) {
	t.Parallel()
	reviewed := func(change func(*plan.Plan)) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			p := *s.Plan
			p.Steps = slices.Clone(p.Steps)
			change(&p)
			s.Reviewed = &p
		}
	}
	runCases(t, PreUpgradeChecks(), "plan", []checkCase{
		{name: "the reviewed one", want: Pass, change: reviewed(func(*plan.Plan) {})},
		{name: "the reviewed one had another step", want: Fail, change: reviewed(func(p *plan.Plan) { p.Steps[0].Title = "another" }),
			line: "the reviewed plan is out of date: it was edited, or it was made for another cluster state: step operator-5.10.0 differs", remedy: "helm aistor plan --out"},
		{name: "a warning that the reviewed one lacks", want: Fail, change: func(_ *testing.T, s *Subject) {
			p := *s.Plan
			s.Plan.Warnings = []plan.Notice{{ID: "x", Message: "y"}}
			s.Reviewed = &p
		}, line: "it was edited, or it was made for another cluster state: warning x is missing in the file or differs: y"},
		{name: "a claim that the reviewed one lacks", want: Fail, change: func(_ *testing.T, s *Subject) {
			p := *s.Plan
			s.Reviewed, s.StaleReason = &p, "volume claim a/b is missing in the file"
		}, line: "the reviewed plan is out of date: volume claim a/b is missing in the file"},
		{name: "nothing refused", want: Pass, line: "3 steps"},
		{name: "a refusal of its own", want: Fail, line: "unknown-chart: what is this", remedy: "look",
			change: func(_ *testing.T, s *Subject) {
				s.Plan.Refusals = []plan.Notice{{ID: "unknown-chart", Message: "what is this", Hint: "look"}}
			}},
		{name: "a warning", want: Warn, change: func(_ *testing.T, s *Subject) { s.Plan.Warnings = []plan.Notice{{ID: "x", Message: "y"}} }},
		{name: "one that another check looks into", want: Pass, change: func(_ *testing.T, s *Subject) { s.Plan.Refusals = []plan.Notice{{ID: "downgrade", Message: "back"}} }},
		{name: "which without inputs nobody else can", want: Fail, change: func(_ *testing.T, s *Subject) {
			s.Inputs = nil
			s.Plan.Refusals = []plan.Notice{{ID: "downgrade", Message: "back"}}
		}},
	})
}
