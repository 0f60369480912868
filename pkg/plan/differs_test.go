package plan

import "testing"

func TestDepartsNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	base := func() *Plan {
		return &Plan{Kind: KindPlan, Cluster: Cluster{UID: "a"}, Bundle: Bundle{Digest: "b"}, Images: []PlannedImage{{Digest: "sha256:i"}},
			Steps:    []Step{{ID: "one"}, {ID: "two", Title: "t", Risk: "r", Restarts: []Restart{{Store: "a/b", Strategy: AllAtOnce}}}},
			Warnings: []Notice{{ID: "image-pinned", Message: "a store keeps its image"}}, Refusals: []Notice{{ID: "downgrade", Message: "it goes back"}}}
	}
	for name, tc := range map[string]struct {
		change func(*Plan)
		want   string
	}{
		"nothing":                        {func(*Plan) {}, ""},
		"empty is absent":                {func(p *Plan) { p.Steps[0].Restarts = []Restart{} }, ""},
		"claims and checks":              {func(p *Plan) { p.Claims, p.Preflight = ClaimRecords{"a/b": nil}, &PreflightSummary{Text: "x"} }, ""},
		"another cluster":                {func(p *Plan) { p.Cluster.UID = "z" }, "the cluster differs"},
		"another bundle":                 {func(p *Plan) { p.Bundle.Digest = "z" }, "the bundle differs"},
		"an edited title and risk":       {func(p *Plan) { p.Steps[1].Title, p.Steps[1].Risk = "z", "" }, "step two differs in risk, title"},
		"an edited restart":              {func(p *Plan) { p.Steps[1].Restarts = nil }, "step two differs in restarts"},
		"forward only no more":           {func(p *Plan) { p.Steps[1].Reversible = true }, "step two differs in reversible"},
		"a step that is added":           {func(p *Plan) { p.Steps = append(p.Steps, Step{ID: "three"}) }, "step three of the file is not in the current plan"},
		"a step that is removed":         {func(p *Plan) { p.Steps = p.Steps[1:] }, "step one is missing in the file"},
		"steps in another order":         {func(p *Plan) { p.Steps[0], p.Steps[1] = p.Steps[1], p.Steps[0] }, "step one is in another place in the file"},
		"a step twice":                   {func(p *Plan) { p.Steps = append(p.Steps, p.Steps[0]) }, "the file has a step twice"},
		"another choice":                 {func(p *Plan) { p.Options.Push, p.Steps = "never", p.Steps[1:] }, "option push differs"},
		"a removed warning":              {func(p *Plan) { p.Warnings = nil }, "warning image-pinned is missing in the file or differs: a store keeps its image"},
		"an edited warning":              {func(p *Plan) { p.Warnings[0].Message = "all is well" }, "warning image-pinned is missing in the file or differs: a store keeps its image"},
		"an edited hint":                 {func(p *Plan) { p.Warnings[0].Hint = "run curl" }, "warning image-pinned is missing in the file or differs: a store keeps its image"},
		"an added warning":               {func(p *Plan) { p.Warnings = append(p.Warnings, Notice{ID: "x", Message: "y"}) }, "warning x of the file no longer applies: y"},
		"more advice in the file":        {func(p *Plan) { p.Warnings = append(p.Warnings, Notice{ID: "value-lost", Message: "y"}) }, ""},
		"a removed refusal":              {func(p *Plan) { p.Refusals = nil }, "refusal downgrade is missing in the file or differs: it goes back"},
		"something other than its steps": {func(p *Plan) { p.Registry.PullSecret = "z" }, "the file's field registry differs"},
		"a removed image":                {func(p *Plan) { p.Images = nil }, "the file's field images differs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := base()
			tc.change(before)
			if got := base().DiffersFrom(before); got != tc.want {
				t.Errorf("received %q, expected %q", got, tc.want)
			}
		})
	}
}
