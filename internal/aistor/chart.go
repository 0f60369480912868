package aistor

import (
	"fmt"

	"github.com/Masterminds/semver/v3"
)

// Role is what a chart is for.
type Role string

// The roles. RoleUnknown is the zero value's meaning too: not one of ours.
const (
	RoleOperator    Role = "operator"
	RoleObjectStore Role = "object-store"
	RoleUnknown     Role = "unknown"
)

// RoleOfChart tells the role from the chart's name; both names of the operator
// chart are known.
func RoleOfChart(name string) Role {
	switch name {
	case OperatorChart, OperatorChartOld:
		return RoleOperator
	case ObjectStoreChart:
		return RoleObjectStore
	default:
		return RoleUnknown
	}
}

// OldLineage reports whether a chart belongs to the lineage before the ones
// supported here, or is the last of a renamed line, and what to use instead.
func OldLineage(name, version string) (advice string, old bool) {
	switch name {
	case "aistor", "aistor-crd", "operators", "object-store":
		return fmt.Sprintf("chart %s %s is of the deprecated lineage of aistor.min.io; the current charts are %s and %s",
			name, version, OperatorChart, ObjectStoreChart), true
	case "keymanager", "aistor-keymanager":
		return fmt.Sprintf("chart %s was renamed minkms", name), true
	case "aistor-keymanager-operator":
		return fmt.Sprintf("chart %s was renamed minkms-operator", name), true
	case OperatorChartOld:
		return fmt.Sprintf("chart %s ends at 5.1.0; it was renamed %s at %s", OperatorChartOld, OperatorChart, OperatorRenamedAt), true
	default:
		return "", false
	}
}

// OperatorChartFor is the name under which a version of the operator chart was
// published. A version that can't be read is taken for a current one.
func OperatorChartFor(version string) string {
	if Before(version, OperatorRenamedAt) {
		return OperatorChartOld
	}
	return OperatorChart
}

// Before reports whether chart version a is older than b. Versions that can't
// be read are older than nothing, so that a rule for old versions never
// applies to something unknown.
func Before(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && va.LessThan(vb)
}

// AtLeast reports whether chart version a is b or newer; false where either
// can't be read.
func AtLeast(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && !va.LessThan(vb)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
