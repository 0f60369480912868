package plan

// Action says what carries a step out.
type Action string

// The actions of steps, in the order in which they occur.
const (
	// ActionBackup writes values, manifests, CRDs and ObjectStores to a directory.
	ActionBackup Action = "backup"
	// ActionPush moves missing images from the bundle to the registry.
	ActionPush Action = "push"
	// ActionPreflight checks what only the registry can answer.
	ActionPreflight Action = "preflight"
	// ActionLicense replaces the license in a Secret that no release owns.
	ActionLicense Action = "license"
	// ActionMarkFailed marks a pending release as failed.
	ActionMarkFailed Action = "mark-failed"
	// ActionRecreateBindings deletes bindings whose role is about to change.
	ActionRecreateBindings Action = "recreate-bindings"
	// ActionOperator upgrades the operator chart and waits for it.
	ActionOperator Action = "operator"
	// ActionStore upgrades one object store chart and waits for it.
	ActionStore Action = "store"
	// ActionValidate proves the outcome.
	ActionValidate Action = "validate"
)

// ChangesRelease reports whether the action is an upgrade or a rollback of one
// Helm release.
func (a Action) ChangesRelease() bool { return a == ActionOperator || a == ActionStore }

// ChangesInstallation reports whether the action changes what is installed. All
// others prepare, check or record, and are needed only where one of these is.
func (a Action) ChangesInstallation() bool { return a.ChangesRelease() || a == ActionLicense }
