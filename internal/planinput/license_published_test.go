package planinput_test

import (
	"errors"
	"os"
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

const token = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsYWIiLCJwbGFuIjoiRU5URVJQUklTRSIsImV4cCI6NDEwMjQ0NDgwMH0.c2lnbmF0dXJl"

// licenseCharts are the published operator charts, and always the two of these
// tests.
func licenseCharts(t *testing.T) []*chart.Chart {
	t.Helper()
	list := []*chart.Chart{loadChart(t, "operator-5.6.4"), loadChart(t, "operator-5.10.0")}
	if dir := os.Getenv("AISTOR_CHARTS"); dir != "" && !testing.Short() {
		list = append(list, publishedCharts(t, dir, aistor.RoleOperator)...)
	}
	return list
}

// hasLicense reports whether a chart makes Secret minio-license of values.
func hasLicense(t *testing.T, c *chart.Chart, v map[string]any) (images.Object, bool) {
	t.Helper()
	out, err := c.Render(chart.RenderOptions{ReleaseName: "aistor", Namespace: "aistor", Values: v})
	if err != nil {
		t.Fatal(err)
	}
	list := out.PlainObjects()
	i := slices.IndexFunc(list, func(o images.Object) bool {
		return o["kind"] == "Secret" && valueAt(o, "metadata", "name") == aistor.LicenseSecret
	})
	if i < 0 {
		return nil, false
	}
	return list[i], true
}

// In which version which setting makes the Secret. The fixtures of these tests
// know the newer setting alone.
func TestWhichSettingMakesTheLicenseSecretInEveryVersion(t *testing.T) {
	t.Parallel()
	for i, c := range licenseCharts(t) {
		fixture := i < 2
		for name, tc := range map[string]struct {
			values map[string]any
			makes  bool
		}{
			"nothing":             {nil, false},
			"an empty license":    {map[string]any{"license": ""}, false},
			"license":             {map[string]any{"license": token}, !aistor.VersionBefore(c.Version, "4.1.0")},
			"global.license":      {map[string]any{"global": map[string]any{"license": token}}, !fixture},
			"both, with the same": {map[string]any{"license": token, "global": map[string]any{"license": token}}, true},
		} {
			o, makes := hasLicense(t, c, tc.values)
			if makes != tc.makes {
				t.Errorf("%s: %s makes the Secret: %t, want %t", c.ID(), name, makes, tc.makes)
			}
			if makes && valueAt(o, "data", aistor.LicenseSecretKey) == nil && valueAt(o, "stringData", aistor.LicenseSecretKey) == nil {
				t.Errorf("%s: %s: the Secret has no %s", c.ID(), name, aistor.LicenseSecretKey)
			}
		}
	}
}

// From every version whose release has a license: files that lack it never take
// it away, whatever was said about missing settings.
func TestALicenseIsNeverDroppedWithoutAWord(t *testing.T) {
	t.Parallel()
	to := loadChart(t, "operator-5.10.0")
	if list := licenseCharts(t); len(list) > 2 {
		to = list[len(list)-1]
	}
	for i, from := range licenseCharts(t) {
		keys := []string{"license", "global.license"}
		if i < 2 {
			keys = keys[:1]
		}
		for _, key := range keys {
			v := map[string]any{"license": token}
			if key == "global.license" {
				v = map[string]any{"global": v}
			}
			if _, makes := hasLicense(t, from, v); makes {
				neverDropped(t, from, to, key, v)
			}
		}
	}
}

// neverDropped tries every way to upgrade a release that has a license with a
// file that lacks it.
func neverDropped(t *testing.T, from, to *chart.Chart, key string, v map[string]any) {
	t.Helper()
	out, err := from.Render(chart.RenderOptions{ReleaseName: "aistor", Namespace: "aistor", Values: v})
	if err != nil {
		t.Fatal(err)
	}
	right := map[string]any{"repositories": map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}}}
	for name, tc := range map[string]struct {
		policy  planinput.MissingPolicy
		license string
		empty   bool
		// missing says that planning stops, refused that the plan does.
		missing, refused bool
	}{
		"asking":                              {policy: planinput.MissingAsk, missing: true},
		"dropping":                            {policy: planinput.MissingDrop, refused: true},
		"reusing":                             {policy: planinput.MissingReuse},
		"dropping, with a license file":       {policy: planinput.MissingDrop, license: token},
		"an empty license in the file":        {policy: planinput.MissingReuse, empty: true, refused: key == "license"},
		"dropping, an empty one in the file":  {policy: planinput.MissingDrop, empty: true, refused: true},
		"dropping, the license's older place": {policy: planinput.MissingDrop, license: token, empty: true},
	} {
		r := upgradeRequest(t, v)
		r.Facts.Operator.Chart, r.Facts.Operator.Version, r.Facts.Operator.Manifest = from.Name, from.Version, out.Manifest
		r.Facts.License = &plan.License{Namespace: "aistor", Present: true, Release: "aistor/aistor"}
		r.Charts, r.Missing, r.License = []planinput.BundleChart{{Chart: to}}, tc.policy, plan.Sensitive(tc.license)
		file := map[string]any{"repositories": right["repositories"]}
		if tc.empty {
			file["license"] = ""
		}
		r.Operator = planinput.Values{Files: []string{"op.yaml"}, UserValues: file}
		in, err := planinput.Gather(r)
		var missing *planinput.MissingError
		if errors.As(err, &missing) != tc.missing || err != nil && !tc.missing {
			t.Errorf("%s, %s, %s: received %v", from.ID(), key, name, err)
			continue
		}
		if missing != nil {
			if !slices.Contains(missing.Paths, key) {
				t.Errorf("%s: the error does not name %s: %v", from.ID(), key, missing)
			}
			continue
		}
		p, err := plan.Build(in)
		if err != nil {
			t.Fatal(err)
		}
		refused := slices.ContainsFunc(p.Refusals, func(n plan.Notice) bool { return n.ID == "license-removed" })
		stays := slices.ContainsFunc(in.Operator[0].After, func(o images.Object) bool { return valueAt(o, "metadata", "name") == aistor.LicenseSecret })
		if refused != tc.refused || stays == refused {
			t.Errorf("%s to %s, %s, %s: refused %t, the Secret stays %t", from.ID(), to.ID(), key, name, refused, stays)
		}
	}
}

// A Secret that somebody made, or that another release owns, and a license in
// the values: Helm would stop midway, so that the plan says it first.
func TestALicenseThatIsSomebodyElsesIsNamedBeforeHelmStops(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]string{
		"":                 "exists and belongs to nobody, so Helm refuses to adopt it",
		"security/vault":   "exists and belongs to security/vault, so Helm refuses to adopt it",
		"aistor/aistor":    "",
		"(no such Secret)": "",
	} {
		r := upgradeRequest(t, map[string]any{"labels": map[string]any{"a": "b"}})
		r.Facts.License = &plan.License{Namespace: "aistor", Present: owner != "(no such Secret)", Release: strings.TrimPrefix(owner, "(no such Secret)")}
		r.Operator = planinput.Values{UserValues: map[string]any{
			"license": token, "labels": map[string]any{"a": "b"},
			"repositories": map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}},
		}}
		_, p := mustPlan(t, r)
		got := refusalOf(p, "ownership").Message
		if want == "" != (got == "") || !strings.Contains(got, want) {
			t.Errorf("owned by %q: %q, want %q", owner, got, want)
		}
		if diff := gocmp.Diff(false, strings.Contains(got, "eyJ")); diff != "" {
			t.Error("the license is shown")
		}
	}
}
