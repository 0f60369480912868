package aistor

import (
	"fmt"

	"github.com/Masterminds/semver/v3"
)

// ChartRole is what a chart is for.
type ChartRole string

// The roles. RoleUnknown is the zero value's meaning too: not one of ours.
const (
	RoleOperator    ChartRole = "operator"
	RoleObjectStore ChartRole = "object-store"
	RoleUnknown     ChartRole = "unknown"
)

// RoleOfChart tells the role from the chart's name; both names of the operator
// chart are known.
func RoleOfChart(name string) ChartRole {
	switch name {
	case OperatorChart, OperatorChartOld:
		return RoleOperator
	case ObjectStoreChart:
		return RoleObjectStore
	default:
		return RoleUnknown
	}
}

// DeprecatedChart reports whether a chart belongs to the lineage before the ones
// supported here, or is the last of a renamed line, and what to use instead.
func DeprecatedChart(name, version string) (advice string, old bool) {
	switch name {
	case "aistor", "aistor-crd", "operators", "object-store":
		return fmt.Sprintf("chart %s %s is deprecated; the current charts are %s and %s",
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
// published. A version that cannot be read is taken for a current one.
func OperatorChartFor(version string) string {
	if VersionBefore(version, OperatorRenamedAt) {
		return OperatorChartOld
	}
	return OperatorChart
}

// VersionBefore reports whether chart version a is older than b. Versions that cannot
// be read are older than nothing, so that a rule for old versions never
// applies to something unknown.
func VersionBefore(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && va.LessThan(vb)
}

// AtLeast reports whether chart version a is b or newer; false where either
// cannot be read.
func AtLeast(a, b string) bool {
	va, errA := semver.NewVersion(a)
	vb, errB := semver.NewVersion(b)
	return errA == nil && errB == nil && !va.LessThan(vb)
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
