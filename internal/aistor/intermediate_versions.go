package aistor

// IntermediateVersion is an operator chart version to stop at on the way to another.
type IntermediateVersion struct {
	// Version is the chart version to go through.
	Version string `json:"version"`
	// Chart is the name that version was published under.
	Chart string `json:"chart"`
	// Alternatives are other versions that serve, less well.
	Alternatives []string `json:"alternatives,omitempty"`
	// DeleteBindings are the ClusterRoleBindings whose deletion just before
	// the direct upgrade serves instead of a hop.
	DeleteBindings []string `json:"deleteBindings,omitempty"`
	// Why is one sentence for the plan.
	Why string `json:"why"`
}

// The operator charts that give two bindings the shared role, and the first
// that gives the same names roles of their own.
const (
	sharedRoleFrom      = "5.2.0"
	ownRoleFrom         = "5.7.0"
	roleConflictFrom    = "5.9.0"
	intermediateVersion = "5.8.0"
)

// IntermediateVersions are the operator chart versions between installed and target,
// in order, without both ends; nil where the direct way is open.
//
// One rule is known: the bindings aistor-object-store and aistor-adminjob
// refer to one shared role in 5.2.0 to 5.6.4 and to roles of their own from
// 5.9.0, and the API refuses a change of roleRef after the new pods have been
// started. 5.7.0 and 5.8.0 name their bindings otherwise, so that going
// through one of them removes the old ones first. The rollback meets the same
// refusal and takes the same hop. Versions that cannot be read need no hop: the
// comparison of live and rendered roleRef is there for these.
func IntermediateVersions(installed, target string) []IntermediateVersion {
	up := sharesRole(installed) && AtLeast(target, roleConflictFrom)
	down := AtLeast(installed, roleConflictFrom) && sharesRole(target)
	if !up && !down {
		return nil
	}
	return []IntermediateVersion{{
		Version:        intermediateVersion,
		Chart:          OperatorChartFor(intermediateVersion),
		Alternatives:   []string{"5.7.0"},
		DeleteBindings: []string{BindingObjectStore, BindingAdminJob},
		Why: "the role that ClusterRoleBindings " + BindingObjectStore + " and " + BindingAdminJob +
			" refer to differs between " + installed + " and " + target + " and cannot be changed in place",
	}}
}

// AllIntermediateVersions are all versions that some pair of versions needs as a hop, for
// a bundle made without knowing what is installed.
func AllIntermediateVersions() []string { return []string{intermediateVersion} }

func sharesRole(version string) bool {
	return AtLeast(version, sharedRoleFrom) && VersionBefore(version, ownRoleFrom)
}

// OperatorNeed is a setting of the object store chart that needs an operator
// of some age.
type OperatorNeed struct {
	// Path is the setting in the object store chart's values, dotted; empty
	// where the chart needs the operator whatever the values.
	Path string
	// Operator is the oldest operator chart version that honours it.
	Operator string
	// Except are operator chart versions that don't honour it although newer.
	Except []string
	// Why says what happens with an older one.
	Why string
}

// OperatorNeeds lists what a version of the object store chart asks of the
// operator chart, the unconditional needs first.
func OperatorNeeds(objectStoreChartVersion string) []OperatorNeed {
	var needs []OperatorNeed
	add := func(since string, n OperatorNeed) {
		if AtLeast(objectStoreChartVersion, since) {
			needs = append(needs, n)
		}
	}
	add("1.0.8", OperatorNeed{Operator: "5.2.0",
		Why: "an older CRD prunes spec.rollingTimeoutSeconds, spec.pvcProtection and services' names"})
	add("1.0.14", OperatorNeed{Path: "secrets.name", Operator: "5.2.0",
		Why: "with an empty secrets.name the credentials come as environment variables, which older operators do not read"})
	add("1.0.16", OperatorNeed{Path: "objectStore.disablePodDisruptionBudget", Operator: "5.9.0",
		Why: "an older CRD prunes spec.disablePodDisruptionBudget, and a later upgrade does not restore it"})
	return needs
}

// MinimumOperator is the oldest operator chart version that a version of the
// object store chart works with whatever its values are; empty where any does.
// [OperatorNeeds] has what single settings need.
func MinimumOperator(objectStoreChartVersion string) string {
	for _, n := range OperatorNeeds(objectStoreChartVersion) {
		if n.Path == "" {
			return n.Operator
		}
	}
	return ""
}
