package plan

import "testing"

func TestDepartsNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	base := func() *Plan {
		return &Plan{Kind: KindPlan, Cluster: Cluster{UID: "a"}, Bundle: Bundle{Digest: "b"}, Steps: []Step{{ID: "one"}, {ID: "two"}}}
	}
	for name, tc := range map[string]struct {
		change func(*Plan)
		want   string
	}{
		"nothing":                    {func(*Plan) {}, ""},
		"a warning is no part":       {func(p *Plan) { p.Warnings = []Notice{{ID: "w"}} }, ""},
		"empty is absent":            {func(p *Plan) { p.Steps[0].Restarts = []Restart{} }, ""},
		"another cluster":            {func(p *Plan) { p.Cluster.UID = "z" }, "the cluster"},
		"another bundle":             {func(p *Plan) { p.Bundle.Digest = "z" }, "the bundle"},
		"another step":               {func(p *Plan) { p.Steps[1].Title = "z" }, "step two"},
		"a step more in the past":    {func(p *Plan) { p.Steps = append(p.Steps, Step{ID: "three"}) }, "step three"},
		"a step more now":            {func(p *Plan) { p.Steps = p.Steps[:1] }, "step two"},
		"another choice":             {func(p *Plan) { p.Options.Push, p.Steps = "never", p.Steps[1:] }, "option push"},
		"something beside its steps": {func(p *Plan) { p.Registry.PullSecret = "z" }, "something beside its steps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := base()
			tc.change(before)
			if got := base().Departs(before); got != tc.want {
				t.Errorf("received %q, expected %q", got, tc.want)
			}
		})
	}
}
