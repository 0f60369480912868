package planinput_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Every published pair of operator charts, from one whose values are like
// today's on: what the operator gives to stores stays as it is.
func TestHeldStoresKeepTheImagesThatTheOperatorGivesThem(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" {
		t.Skip("AISTOR_CHARTS names no folder with the published charts")
	}
	for _, from := range []string{"5.2.0", "5.4.0", "5.5.2", "5.6.4", "5.8.0"} {
		for _, to := range []string{"5.8.0", "5.10.0"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				r := heldRequest(t, dir, from, to)
				in, err := planinput.Gather(r)
				if err != nil {
					t.Fatal(err)
				}
				c := in.Operator[0]
				before, after := plan.DefaultImages(c.Before), plan.DefaultImages(c.After)
				for _, name := range []string{"minio", "minio-sidecar", "kes", "kes-sidecar"} {
					if before[name] == "" || after[name] != before[name] {
						t.Errorf("the operator gives stores %s %q, before %q", name, after[name], before[name])
					}
				}
				if c.Values["license"] != "planted-license" {
					t.Error("another setting was lost")
				}
			})
		}
	}
}

func heldRequest(t *testing.T, dir, from, to string) planinput.Request {
	t.Helper()
	load := func(version string) *chart.Chart {
		c, err := chart.Load(filepath.Join(dir, "aistor-operator-"+version+".tgz"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r := upgradeRequest(t, map[string]any{
		"license":      "planted-license",
		"repositories": map[string]any{"aistor": map[string]any{"hostname": "registry.example.com", "pathPrefix": "aistor/"}},
	})
	out, err := load(from).Render(chart.RenderOptions{ReleaseName: "aistor", Namespace: "aistor", Values: r.Facts.Operator.Values})
	if err != nil {
		t.Fatal(err)
	}
	r.Facts.Operator.Version, r.Facts.Operator.Manifest = from, out.Manifest
	r.Charts = []planinput.BundleChart{{Chart: load(to)}}
	r.Options.PinStoreImages = true
	return r
}

func TestALicenseGoesWhereItLies(t *testing.T) {
	t.Parallel()
	const license = "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsYWIiLCJwbGFuIjoiRU5URVJQUklTRSIsImV4cCI6NDEwMjQ0NDgwMH0.c2lnbmF0dXJl"
	for _, tc := range []struct {
		name   string
		values map[string]any
		live   *plan.License
		loose  bool
	}{
		{"in the values", map[string]any{"license": "old"}, &plan.License{Namespace: "aistor", Present: true, Release: "aistor/aistor"}, false},
		{"nowhere yet", map[string]any{}, &plan.License{Namespace: "aistor"}, false},
		{"in a Secret made by hand", map[string]any{}, &plan.License{Namespace: "aistor", Present: true}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := upgradeRequest(t, tc.values)
			r.Facts.License, r.License = tc.live, plan.Sensitive(license)
			in, p := mustPlan(t, r)
			if got := len(in.License) > 0; got != tc.loose {
				t.Errorf("it goes into the Secret: %t", got)
			}
			if got := in.Operator[0].Values["license"] == license; got == tc.loose {
				t.Errorf("it goes into the values: %t", got)
			}
			step := false
			for _, s := range p.Steps {
				step = step || s.Action == plan.ActionLicense
			}
			if step != tc.loose {
				t.Errorf("the plan has a step for it: %t", step)
			}
		})
	}
}

func TestALicenseOfAReleaseThatStaysIsNotDroppedWithoutAWord(t *testing.T) {
	t.Parallel()
	r := upgradeRequest(t, map[string]any{"license": "old"})
	r.Charts = nil
	r.Facts.License = &plan.License{Namespace: "aistor", Present: true, Release: "aistor/aistor"}
	r.License = plan.Sensitive("eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl")
	if _, err := planinput.Gather(r); err == nil || !strings.Contains(err.Error(), "which this plan does not change") {
		t.Errorf("error: %v", err)
	}
}
