package planinput_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const newMinIO = "RELEASE.2026-06-06T02-44-06Z"

func TestGatherPutsSettingsOnTopOfTheReleaseAndKeepsTrackOfThem(t *testing.T) {
	t.Parallel()
	r := upgradeRequest(t, pinnedValues())
	r.Operator.Sets = chart.SetFlags{Set: []string{"images.minio.image=minio:" + newMinIO}, String: []string{"annotations.tier=1"}}
	in, err := planinput.Gather(r)
	if err != nil {
		t.Fatal(err)
	}
	change := in.Operator[0]
	var edits []string
	for _, e := range change.Edits {
		edits = append(edits, e.Path+": "+e.Why)
	}
	want := []string{"annotations: set on the command line", "images.minio.image: set on the command line"}
	if len(edits) < 2 || !slices.Equal(edits[:2], want) {
		t.Errorf("edits %q, want first %q", edits, want)
	}
	added := map[string]any{
		"annotations":  map[string]any{"tier": "1"},
		"images":       map[string]any{"minio": map[string]any{"image": "minio:" + newMinIO}},
		"repositories": map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}},
	}
	if diff := gocmp.Diff(added, change.Added); diff != "" {
		t.Errorf("added to the release's values (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(change.Values, values.Merge(r.Facts.Operator.Values, change.Added)); diff != "" {
		t.Errorf("release and added together are not what is applied (-applied +together):\n%s", diff)
	}
	if slices.ContainsFunc(change.Warnings, func(n plan.Notice) bool { return n.ID == "stale-pin" }) {
		t.Error("the pin that the setting mended is warned about")
	}
}

func TestGatherRefusesSettingsThatNoFileHas(t *testing.T) {
	t.Parallel()
	given := pinnedValues()
	given["repositories"] = map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}}
	for name, tc := range map[string]struct {
		set, refusal string
	}{
		"a new one":             {"images.minio.image=minio:" + newMinIO, "update the values files with\n  helm aistor values --operator --set images.minio.image=minio:" + newMinIO + " -f operator.yaml --bundle a.bundle --registry registry.example.com --pull-secret none --write"},
		"one that it has as so": {"images.minio.image=minio:" + oldMinIO, ""},
	} {
		r := upgradeRequest(t, pinnedValues())
		r.Bundle.Name = "a.bundle"
		r.Operator = planinput.Values{
			Files: []string{"operator.yaml"}, UserValues: given,
			Sets: chart.SetFlags{Set: []string{tc.set}}, Flags: "--set " + tc.set,
		}
		_, p := mustPlan(t, r)
		got := refusalOf(p, "values-not-kept").Hint
		if got != tc.refusal {
			t.Errorf("%s: refused with %q, want %q", name, got, tc.refusal)
		}
	}
}
