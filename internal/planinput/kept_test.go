package planinput_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// What an upgrade applies is what the files say, or the release, or what was
// referenced by name. Anything else is refused, and the refusal says which file
// is to be changed.
func TestAnUpgradeAppliesNoValuesThatNothingKeeps(t *testing.T) {
	t.Parallel()
	applied := 0
	for _, s := range shapesOf(t, "operator") {
		if s.refused {
			continue
		}
		files, _, err := merged(s.files)
		if err != nil {
			t.Fatal(err)
		}
		// As they are, and as rewriting makes them.
		result, err := planinput.Rewrite(loadChart(t, "operator-5.10.0"), files, upgradeRequest(t, nil).Registry, "", func(v map[string]any) chart.RenderOptions {
			return chart.RenderOptions{Namespace: "aistor", Values: v}
		})
		if err != nil {
			continue // the fixture is not every version of the chart
		}
		for _, given := range []map[string]any{files, result.Values} {
			for _, release := range []map[string]any{nil, {"license": "planted", "labels": map[string]any{"kept": "yes"}}} {
				for _, policy := range []planinput.MissingPolicy{planinput.MissingAsk, planinput.MissingReuse, planinput.MissingDrop} {
					if onlyKept(t, s.name, given, release, policy) {
						applied++
					}
				}
			}
		}
	}
	if applied < 20 {
		t.Errorf("%d plans would be carried out: too few to prove anything", applied)
	}
}

// onlyKept plans an upgrade with a file, and reports whether it would be
// executed.
func onlyKept(t *testing.T, name string, file, release map[string]any, policy planinput.MissingPolicy) bool {
	t.Helper()
	r := upgradeRequest(t, release)
	r.Missing = policy
	r.Operator = planinput.Values{Files: []string{"op.yaml"}, UserValues: file}
	in, err := planinput.Gather(r)
	if err != nil {
		return false // the release's settings are missing, or the chart refuses
	}
	kept := file
	if policy == planinput.MissingReuse {
		kept = values.Merge(release, file)
	}
	p, err := plan.Build(in)
	if err != nil {
		t.Fatal(err)
	}
	same := gocmp.Equal(roundTripJSON(t, kept), roundTripJSON(t, in.Operator[0].Values))
	notice := refusalOf(p, "values-not-kept")
	refusal := notice.Message + notice.Hint
	if same == (refusal != "") {
		t.Errorf("%s (%s): applied values are the kept ones: %t, refusal: %q", name, policy, same, refusal)
	}
	if refusal != "" && (!strings.Contains(refusal, "op.yaml") || !strings.Contains(refusal, "--write")) {
		t.Errorf("%s: the refusal names no file and no command: %q", name, refusal)
	}
	return p.RefusalError() == nil
}

// roundTripJSON are values as Helm stores them.
func roundTripJSON(t *testing.T, v map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// What was referenced by name is kept by whoever asked: a release without files
// keeps it itself.
func TestSettingsOnTheCommandLineAreKeptByFileOrRelease(t *testing.T) {
	t.Parallel()
	right := map[string]any{"repositories": map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}}}
	for name, given := range map[string]map[string]any{"release": nil, "file": right} {
		r := upgradeRequest(t, right)
		r.Operator = planinput.Values{UserValues: given, Sets: chart.SetFlags{Set: []string{"labels.tier=1"}}, Flags: "--set labels.tier=1"}
		if given != nil {
			r.Operator.Files = []string{"op.yaml"}
		}
		in, p := mustPlan(t, r)
		if refused := refusalOf(p, "values-not-kept").ID != ""; refused != (name == "file") {
			t.Errorf("%s: refusals %v", name, p.Refusals)
		}
		want := maps.Clone(right)
		want["labels"] = map[string]any{"tier": 1.0}
		if diff := gocmp.Diff(want, roundTripJSON(t, in.Operator[0].Values)); diff != "" {
			t.Errorf("%s: applied (-want +got):\n%s", name, diff)
		}
	}
}
