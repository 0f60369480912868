package planinput_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const oldMinIO = "RELEASE.2025-12-20T04-58-37Z"

// The charts are those of the values verb's tests: they decide images the way
// the published ones do.
func loadChart(t *testing.T, folder string) *chart.Chart {
	t.Helper()
	c, err := chart.Load("../cli/testdata/values/" + folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// upgradeRequest upgrades an operator 5.6.4 whose release has these values.
func upgradeRequest(t *testing.T, values map[string]any) planinput.Request {
	t.Helper()
	return planinput.Request{
		Facts: &plan.Facts{Operator: &plan.InstalledRelease{
			Namespace: "aistor", Name: "aistor", Chart: aistor.OperatorChart, Version: "5.6.4", Status: "deployed", Revision: 1, Values: values,
		}},
		Charts:   []planinput.BundleChart{{Chart: loadChart(t, "operator-5.10.0")}},
		Registry: plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.example.com"}, PullSecret: plan.PullSecretNone},
		Options:  plan.Options{RecreateBindings: true},
	}
}

// mustPlan is the plan of a request, with what was gathered for it.
func mustPlan(t *testing.T, r planinput.Request) (plan.Inputs, *plan.Plan) {
	t.Helper()
	in, err := planinput.Gather(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	return in, p
}

// refusalOf is the one of this ID; nothing where the plan has none.
func refusalOf(p *plan.Plan, id string) plan.Notice {
	i := slices.IndexFunc(p.Refusals, func(n plan.Notice) bool { return n.ID == id })
	if i < 0 {
		return plan.Notice{}
	}
	return p.Refusals[i]
}

func pinnedValues() map[string]any {
	return map[string]any{
		"license": "planted-license",
		"images":  map[string]any{"minio": map[string]any{"repository": "aistor", "image": "minio:" + oldMinIO}},
	}
}

func TestGatherRewritesAndSaysWhatItFound(t *testing.T) {
	t.Parallel()
	in, err := planinput.Gather(upgradeRequest(t, pinnedValues()))
	if err != nil {
		t.Fatal(err)
	}
	change := in.Operator[0]
	for _, i := range change.Images {
		if i.Ref.Host != "registry.example.com" {
			t.Errorf("%s is outside the private registry", i.Ref)
		}
	}
	var edits, ids []string
	for _, e := range change.Edits {
		edits = append(edits, e.Path+"="+e.New)
	}
	for _, w := range change.Warnings {
		ids = append(ids, w.ID)
		if !strings.Contains(w.Message, "aistor/aistor") || strings.Contains(w.Message, "planted") {
			t.Errorf("warning %q", w.Message)
		}
	}
	want := []string{"repositories.aistor.hostname=registry.example.com", "repositories.aistor.pathPrefix=aistor/"}
	if diff := gocmp.Diff(want, edits); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"stale-pin"}, ids); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestGatherRefusesReferencesThatNoSettingTurnsRound(t *testing.T) {
	t.Parallel()
	_, err := planinput.Gather(upgradeRequest(t, map[string]any{"sideCars": []any{1.37}}))
	var unresolved *planinput.UnresolvedError
	if !errors.As(err, &unresolved) {
		t.Fatalf("received %v, want an UnresolvedError", err)
	}
	for _, part := range []string{"docker.io/library/busybox:1.37", "Deployment/object-store-operator", "registry.example.com/docker.io/library/busybox:1.37"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %q:\n%v", part, err)
		}
	}
	if !strings.Contains(unresolved.Hint(), "helm aistor values") {
		t.Errorf("hint %q", unresolved.Hint())
	}
}

func TestGatherLeavesReferencesThatTheRuntimeRedirects(t *testing.T) {
	t.Parallel()
	r := upgradeRequest(t, map[string]any{"sideCars": []any{1.37}})
	r.Registry.References = plan.ReferencesKeep
	in, p := mustPlan(t, r)
	if edits := in.Operator[0].Edits; len(edits) > 0 {
		t.Errorf("edits %v, want none", edits)
	}
	for _, i := range p.Images {
		if i.Source.Host == "registry.example.com" || i.Private.Host != "registry.example.com" {
			t.Errorf("%s is pushed as %s", i.Source, i.Private)
		}
	}
	if len(p.Images) != 4 {
		t.Errorf("%d images, want 4", len(p.Images))
	}
}

func TestGatherNamesTheSettingThatAChartRefuses(t *testing.T) {
	t.Parallel()
	r := upgradeRequest(t, nil)
	r.Charts = append(r.Charts, planinput.BundleChart{Chart: loadChart(t, "objectstore-1.0.16")})
	r.Facts.Stores = []plan.Store{{Namespace: "team-a", Name: "primary", Release: "primary"}}
	r.Facts.Releases = []plan.InstalledRelease{{Namespace: "team-a", Name: "primary", Chart: aistor.ObjectStoreChart, Version: "1.0.13"}}
	_, err := planinput.Gather(r)
	var refused *chart.RenderError
	if !errors.As(err, &refused) || refused.Path != "secrets.accessKey" || !refused.Missing {
		t.Errorf("received %v, want the chart's refusal that names secrets.accessKey", err)
	}
}

func TestExplainNamesValuesWithoutEffect(t *testing.T) {
	t.Parallel()
	values := pinnedValues()
	values["images"].(map[string]any)["firewall"] = map[string]any{"image": "minwall:x"}
	values["labels"] = map[string]any{"a": "1", "b": map[string]any{"c": "2"}}
	values["repositories"] = map[string]any{"minio": map[string]any{"hostname": "registry.example.com", "pathPrefix": "minio/"}}
	values["repositorys"] = map[string]any{"aistor": map[string]any{"hostname": "x"}}
	r := upgradeRequest(t, values)
	in, err := planinput.Gather(r)
	if err != nil {
		t.Fatal(err)
	}
	from := loadChart(t, "operator-5.6.4")
	installed := func(key string) *chart.Chart {
		if key != "aistor/aistor" {
			t.Errorf("asked for %q", key)
		}
		return from
	}
	if err := planinput.ExplainChanges(t.Context(), &in, r.Charts, installed); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range in.Operator[0].Ineffective {
		got[n.Message] = n.ID
		if strings.Contains(n.Message, "repositorys") && !strings.Contains(n.Hint, "repositories.aistor.hostname") {
			t.Errorf("the hint does not name the nearest key: %q", n.Hint)
		}
	}
	for message, id := range map[string]string{
		"release aistor/aistor: images.firewall.image had an effect and has none in the new chart": "value-lost",
		"release aistor/aistor: repositorys.aistor.hostname has no effect in the new chart":        "value-ineffective",
		"release aistor/aistor: labels has no effect in the new chart":                             "value-ineffective",
		"release aistor/aistor: repositories.minio has no effect in the new chart":                 "value-ineffective",
	} {
		if got[message] != id {
			t.Errorf("%q is %q, want %q; all: %v", message, got[message], id, got)
		}
	}

	if len(got) != 5 || len(in.Operator[0].Warnings) != 1 {
		t.Errorf("said %v and, before, %v", got, in.Operator[0].Warnings)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := planinput.ExplainChanges(ended, &in, r.Charts, installed); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
}
