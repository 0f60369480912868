package workflow

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

type valuesTree = map[string]any

// A bundle is made with the settings that plan and upgrade are given: those of
// the operator on top of its files, and each store's beside the values of all.
func TestBundlesAreMadeWithTheSettingsOfEachRelease(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "v.yaml")
	if err := os.WriteFile(file, []byte("a: file\nb: file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	site := &plan.Site{ObjectStores: []plan.SiteRelease{{Namespace: "team-a", Store: "primary"}, {Namespace: "team-b", Store: "other"}}}
	for name, tc := range map[string]struct {
		sets  chart.SetFlags
		site  *plan.Site
		want  map[aistor.ChartRole][]map[string]any
		wrong string
	}{
		"none": {want: map[aistor.ChartRole][]map[string]any{
			aistor.RoleOperator: {valuesTree{"a": "file", "b": "file"}}, aistor.RoleObjectStore: {valuesTree{"a": "file", "b": "file"}},
		}},
		"of the operator": {
			sets: chart.SetFlags{Set: []string{"operator:a=set"}, JSON: []string{`operator:c={"d":1}`}},
			want: map[aistor.ChartRole][]map[string]any{
				aistor.RoleOperator: {valuesTree{"a": "set", "b": "file", "c": valuesTree{"d": 1.0}}}, aistor.RoleObjectStore: {valuesTree{"a": "file", "b": "file"}},
			},
		},
		"of two stores": {
			sets: chart.SetFlags{Set: []string{"team-b/other:a=b"}, String: []string{"team-a/primary:a=1"}}, site: site,
			want: map[aistor.ChartRole][]map[string]any{
				aistor.RoleOperator:    {valuesTree{"a": "file", "b": "file"}},
				aistor.RoleObjectStore: {valuesTree{"a": "file", "b": "file"}, valuesTree{"a": "1", "b": "file"}, valuesTree{"a": "b", "b": "file"}},
			},
		},
		"of a store that is not there": {sets: chart.SetFlags{Set: []string{"team-a/primry:a=b"}}, site: site, wrong: "the site file does not list it"},
		"of nobody":                    {sets: chart.SetFlags{Set: []string{"a=b"}}, wrong: "release prefix is missing"},
		"a secret on the command line": {sets: chart.SetFlags{Set: []string{"operator:license=planted"}}, wrong: "secrets on the command line are visible to other users"},
		"of a store without a site file": {
			sets: chart.SetFlags{Set: []string{"any/one:a=b"}},
			want: map[aistor.ChartRole][]map[string]any{
				aistor.RoleOperator: {valuesTree{"a": "file", "b": "file"}}, aistor.RoleObjectStore: {valuesTree{"a": "file", "b": "file"}, valuesTree{"a": "b", "b": "file"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &term.Program{IOStreams: genericiooptions.NewTestIOStreamsDiscard()}
			o := ContentsOptions{values: []string{file}, sets: option.Sets{SetFlags: tc.sets}}
			got, err := o.userValues(p, tc.site)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) || strings.Contains(term.ErrorText(err), "planted") {
					t.Errorf("received %v, want one that says %q", err, tc.wrong)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("%v, values (-want +got):\n%s", err, diff)
			}
		})
	}
}
