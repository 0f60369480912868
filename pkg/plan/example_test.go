package plan_test

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// exampleInputs upgrade one operator and its only object store.
func exampleInputs() plan.Inputs {
	store := []images.Object{{
		"kind": "ObjectStore", "metadata": map[string]any{"name": "primary"},
		"spec": map[string]any{"image": "registry.site.example/aistor/minio:RELEASE.2026-06-06T02-44-06Z"},
	}}
	return plan.Inputs{
		Facts: &plan.Facts{
			Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Chart: "aistor-operator", Version: "5.9.0", Status: "deployed"},
			Releases: []plan.InstalledRelease{{Namespace: "team-a", Name: "primary", Chart: "aistor-objectstore", Version: "1.0.15", Status: "deployed"}},
			Stores:   []plan.Store{{Namespace: "team-a", Name: "primary", Release: "primary"}},
		},
		Registry: plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.site.example"}},
		Operator: []plan.Change{{
			Namespace: "aistor", Release: "aistor",
			From: plan.ChartRef{Name: "aistor-operator", Version: "5.9.0"},
			To:   plan.ChartRef{Name: "aistor-operator", Version: "5.10.0"},
		}},
		Stores: []plan.Change{{
			Namespace: "team-a", Release: "primary", Store: "primary",
			From:   plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.15"},
			To:     plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16"},
			Before: store, After: store,
		}},
	}
}

// The operator comes before its object stores, and the checks after everything.
func ExampleBuild() {
	p, err := plan.Build(exampleInputs())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range p.Steps {
		fmt.Println(step.ID)
	}
	// Output:
	// backup
	// push
	// preflight
	// operator-5.10.0
	// store-team-a-primary
	// validate
}

// What must not be done is part of the plan, so that all of it is seen at once.
func ExamplePlan_RefusalError() {
	in := exampleInputs()
	in.Operator[0].From.Version = "5.11.0"
	p, err := plan.Build(in)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.RefusalError())
	// Output:
	// release aistor/aistor: would be downgraded from 5.11.0 to 5.10.0, which the vendor does not support
	// hint: --allow-downgrade, after reading the release notes
}
