package aistor_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// operatorVersions are the published operator charts in order.
func operatorVersions() []string {
	return []string{
		"4.0.0", "4.0.1", "4.1.0", "4.1.1", "5.0.0", "5.0.1", "5.0.2", "5.1.0", "5.2.0", "5.2.1", "5.3.0", "5.4.0",
		"5.5.0", "5.5.1", "5.5.2", "5.6.0", "5.6.1", "5.6.2", "5.6.3", "5.6.4", "5.7.0", "5.8.0", "5.9.0", "5.10.0",
	}
}

func TestSteppingStonesOfEveryPairOfPublishedVersions(t *testing.T) {
	t.Parallel()
	hops := 0
	for i, from := range operatorVersions() {
		for j, to := range operatorVersions() {
			sharing := i >= 8 && i <= 19 && j >= 22 || j >= 8 && j <= 19 && i >= 22
			got := aistor.IntermediateVersions(from, to)
			if (len(got) > 0) != sharing {
				t.Errorf("%s to %s: %v", from, to, got)
			}
			if len(got) > 0 {
				hops++
				if len(aistor.IntermediateVersions(from, got[0].Version))+len(aistor.IntermediateVersions(got[0].Version, to)) > 0 {
					t.Errorf("%s to %s: the hop %s needs a hop itself", from, to, got[0].Version)
				}
			}
		}
	}
	if hops != 48 {
		t.Errorf("%d pairs need a hop, want 24 up and 24 down", hops)
	}
}

func TestSteppingStoneSaysWhatElseServes(t *testing.T) {
	t.Parallel()
	got := aistor.IntermediateVersions("v5.6.4", "5.11.0")
	want := []aistor.IntermediateVersion{{
		Version: "5.8.0", Chart: "aistor-operator", Alternatives: []string{"5.7.0"},
		DeleteBindings: []string{"aistor-object-store", "aistor-adminjob"},
		Why:            "the role that ClusterRoleBindings aistor-object-store and aistor-adminjob refer to differs between v5.6.4 and 5.11.0 and cannot be changed in place",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hops (-want +got):\n%s", diff)
	}
	if got := aistor.IntermediateVersions("unknown", "5.10.0"); got != nil {
		t.Errorf("a version that can't be read got %v", got)
	}
}

func TestChartNamesAndRoles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]aistor.ChartRole{
		"aistor-operator": aistor.RoleOperator, "aistor-objectstore-operator": aistor.RoleOperator,
		"aistor-objectstore": aistor.RoleObjectStore, "minkms": aistor.RoleUnknown,
	} {
		if got := aistor.RoleOfChart(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if aistor.OperatorChartFor("5.1.0") != aistor.OperatorChartOld || aistor.OperatorChartFor("5.2.0") != aistor.OperatorChart {
		t.Error("the rename is not at 5.2.0")
	}
	for _, name := range []string{"aistor", "aistor-crd", "operators", "object-store", "keymanager", "aistor-objectstore-operator"} {
		if advice, old := aistor.DeprecatedChart(name, "1.0.0"); !old || advice == "" {
			t.Errorf("%s is not known as old", name)
		}
	}
	if _, old := aistor.DeprecatedChart("aistor-operator", "5.10.0"); old {
		t.Error("the current chart is called old")
	}
}

func TestOperatorNeedsOfObjectStoreCharts(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"1.0.7": "", "1.0.8": "5.2.0", "1.0.16": "5.2.0", "1.1.0": "5.2.0", "x": ""} {
		if got := aistor.MinimumOperator(version); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
	if n := len(aistor.OperatorNeeds("1.0.16")); n != 3 {
		t.Errorf("1.0.16 has %d needs, want 3", n)
	}
}

func TestFactsFindTheirSetting(t *testing.T) {
	t.Parallel()
	facts := aistor.FactsFor(aistor.RoleOperator, []string{"images", "firewall", "image"})
	if len(facts) != 1 || facts[0].Use != "images.minwall" || facts[0].AppliesTo("5.8.0") || !facts[0].AppliesTo("5.6.4") {
		t.Errorf("images.firewall: %+v", facts)
	}
	if facts := aistor.FactsFor(aistor.RoleOperator, []string{"repositories", "other", "pathPrefix"}); len(facts) != 1 {
		t.Errorf("the wildcard found %d facts", len(facts))
	}
	if facts := aistor.FactsFor(aistor.RoleUnknown, []string{"license"}); facts != nil {
		t.Errorf("an unknown chart has facts: %v", facts)
	}
}
