package option

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

func TestSettingsSayWhichReleaseTheyAreFor(t *testing.T) {
	t.Parallel()
	o := Sets{SetFlags: chart.SetFlags{
		Set:    []string{"operator:images.mc.image=quay.io:443/x:y,a=b", "team-a/primary:objectStore.pools[0].servers=8"},
		String: []string{"team-a/primary:tier=1"}, JSON: []string{`operator:a={"b":"c:d"}`},
		File: []string{"team-a/primary:secrets.secretKey=/run/key"}, Literal: []string{"operator:l=a,b"},
	}}
	parts, err := o.SplitByRelease()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for key, sets := range parts {
		got[key] = sets.ShellFlags()
	}
	want := map[string]string{
		"operator":       `--set-json 'a={"b":"c:d"}' --set images.mc.image=quay.io:443/x:y,a=b --set-literal l=a,b`,
		"team-a/primary": `--set 'objectStore.pools[0].servers=8' --set-string tier=1 --set-file secrets.secretKey=/run/key`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestSettingsAreRefusedWithoutTheirValue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sets chart.SetFlags
		want string
	}{
		"no release":           {chart.SetFlags{Set: []string{"license=planted"}}, "release prefix is missing"},
		"a value with a colon": {chart.SetFlags{Set: []string{"image=planted:1"}}, "release prefix is missing"},
		"a release's form":     {chart.SetFlags{Set: []string{"Operator:a=planted"}}, "release prefix is missing"},
		"a license":            {chart.SetFlags{Set: []string{"operator:license=planted"}}, "secrets on the command line are visible to other users"},
		"a secret as text":     {chart.SetFlags{String: []string{"a/b:secrets.secretKey=planted"}}, "secrets on the command line are visible to other users"},
		"a secret in JSON":     {chart.SetFlags{JSON: []string{`a/b:secrets={"accessKey":"planted"}`}}, "secrets on the command line are visible to other users"},
		"a literal secret":     {chart.SetFlags{Literal: []string{"a/b:secrets.secretKey=planted"}}, "secrets on the command line are visible to other users"},
		"a variable's secret":  {chart.SetFlags{Set: []string{"a/b:env[0].name=MINIO_ROOT_PASSWORD,env[0].value=planted"}}, "secrets on the command line are visible to other users"},
		"not of the form":      {chart.SetFlags{JSON: []string{`operator:a={planted`}}, "not of the form"},
	} {
		_, err := (&Sets{SetFlags: tc.sets}).SplitByRelease()
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(term.ErrorText(err), "planted") {
			t.Errorf("%s: received %v, want one that says %q", name, err, tc.want)
		}
	}
}
