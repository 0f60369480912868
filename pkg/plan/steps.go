package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// Fields that facts about a release name.
const (
	// FieldChart is the chart as name-version.
	FieldChart = "chart"
	// FieldRevision is Helm's revision number.
	FieldRevision = "revision"
	// FieldStatus is Helm's status.
	FieldStatus = "status"
)

// KindRelease is the kind of an [ObjectKey] that names a Helm release.
const KindRelease = "Release"

// buildSteps lists the work in its order: everything that can fail without harm
// comes before the first thing that changes the cluster, and all images are in
// the registry before the operator chart is touched, because its ConfigMaps
// decide what stores without an image of their own run.
//
// Back it goes the other way round, stores first: an older operator was never
// made for newer stores, while a newer one has run the older stores already.
func buildSteps(in Inputs) []Step {
	list := []Step{backupStep()}
	if in.Options.Push != "never" {
		list = append(list, pushStep(in))
	}
	list = append(list, preflightStep())
	if len(in.License) > 0 {
		list = append(list, licenseStep(in))
	}
	list = append(list, markFailedSteps(in)...)
	live := liveBindings(in.Facts)
	revisions := map[string]int{}
	var operator, stores []Step
	for i, c := range in.Operator {
		if stuck := live.findRoleConflicts(c); len(stuck) > 0 {
			operator = append(operator, recreateBindingsStep(c, stuck))
		}
		live = live.applyChange(c)
		operator = append(operator, operatorStep(in, i, revisions))
	}
	for _, c := range in.Stores {
		stores = append(stores, storeStep(in, c, revisions))
	}
	if in.isRollback() {
		operator, stores = stores, operator
	}
	return disambiguateIDs(slices.Concat(list, operator, stores, []Step{validateStep()}))
}

// disambiguateIDs tells steps apart whose namespace and name run into each other:
// team/a-primary and team-a/primary. What was done is remembered by these IDs.
func disambiguateIDs(list []Step) []Step {
	times := map[string]int{}
	for _, s := range list {
		times[s.ID]++
	}
	for i, s := range list {
		switch {
		case times[s.ID] == 1:
		case s.Action == ActionStore:
			list[i].ID = "store-" + strings.Replace(s.Store, "/", ".", 1)
		case s.Action == ActionMarkFailed:
			list[i].ID = "mark-failed-" + strings.Replace(s.Target, "/", ".", 1)
		}
	}
	return list
}

func backupStep() Step {
	return Step{
		ID: "backup", Action: ActionBackup, Reversible: true,
		Title: "back up values, manifests, CRDs and ObjectStores",
		Why:   "required to restore the previous state",
	}
}

func pushStep(in Inputs) Step {
	return Step{
		ID: "push", Action: ActionPush, Reversible: true,
		Title: "push missing images to " + in.Registry.PushHost(),
		Why:   "every image must exist before the operator chart references it",
	}
}

func preflightStep() Step {
	return Step{
		ID: "preflight", Action: ActionPreflight, Reversible: true,
		Title: "check images and pull secrets in the registry",
		Why:   "missing images must stop the upgrade before it starts",
	}
}

func validateStep() Step {
	return Step{
		ID: "validate", Action: ActionValidate, Reversible: true,
		Title: "validate images, rollouts and health",
	}
}

// licenseStep replaces a license that somebody keeps in a Secret manually.
func licenseStep(in Inputs) Step {
	namespace := in.journalNamespace()
	return Step{
		ID: "license", Action: ActionLicense,
		Title:   fmt.Sprintf("replace the license in Secret %s/%s", namespace, aistor.LicenseSecret),
		Why:     "the Secret is not owned by a Helm release, so the license is not in its values",
		Objects: []ObjectKey{{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: aistor.LicenseSecret}},
	}
}

// markFailedSteps marks releases that an interrupted Helm left pending. They are
// upgraded from there, never rolled back: a rollback would bring an older CRD,
// which prunes fields from live objects.
func markFailedSteps(in Inputs) []Step {
	var list []Step
	seen := map[string]bool{}
	for _, c := range in.orderedChanges() {
		r := in.Facts.findRelease(c.Key())
		if r == nil || seen[c.Key()] || !strings.HasPrefix(r.Status, "pending-") && !c.retriesRollback(r) {
			continue
		}
		seen[c.Key()] = true
		s := Step{
			ID: "mark-failed-" + r.Name, Action: ActionMarkFailed, Target: c.Key(),
			Title:  fmt.Sprintf("mark revision %d of %s as failed", r.Revision, c.Key()),
			Why:    "an interrupted Helm operation left it " + r.Status + ", and Helm refuses further operations",
			Before: []Fact{releaseFact(c, FieldStatus, r.Status)},
			After:  []Fact{releaseFact(c, FieldStatus, "failed")},
		}
		if c.retriesRollback(r) {
			s.Title = fmt.Sprintf("delete revision %d of %s, an unfinished rollback", r.Revision, c.Key())
			s.Why = "Helm would treat it as installed and keep objects of the newer chart"
			s.After = []Fact{releaseFact(c, FieldRevision, fmt.Sprint(r.Revision-1))}
		}
		list = append(list, s)
	}
	return list
}

func recreateBindingsStep(c Change, stuck []Binding) Step {
	s := Step{
		ID: "recreate-bindings-" + c.To.Version, Action: ActionRecreateBindings, Target: c.Key(), Reversible: true,
		Title: "delete " + plural.Count(len(stuck), "binding") + " whose role changes",
		Why:   "roleRef is immutable, and Helm would fail during the upgrade",
		Risk:  "the operator lacks these permissions until the next step recreates the bindings",
	}
	for _, b := range stuck {
		s.Objects = append(s.Objects, b.ObjectKey)
		s.Before = append(s.Before, Fact{b.ObjectKey, "roleRef", b.RoleKind + "/" + b.RoleName})
	}
	return s
}

func operatorStep(in Inputs, i int, revisions map[string]int) Step {
	c := in.Operator[i]
	s := changeStep(in, c, revisions)
	s.ID, s.Action = "operator-"+c.To.Version, ActionOperator
	s.Title = fmt.Sprintf("operator %s to %s", c.From.Version, c.To.Version)
	s.Why = "the target"
	switch {
	case c.Unchanged:
		s.Title = fmt.Sprintf("wait for the operator %s, already deployed", c.To.Version)
	case c.Revision > 0:
		s.Title = fmt.Sprintf("roll back operator %s to %s, revision %d", c.From.Version, c.To.Version, c.Revision)
		s.Why = "revision " + fmt.Sprint(c.Revision) + " is the previous state"
	case c.From.Version == c.To.Version:
		s.Title = fmt.Sprintf("reapply chart and values of the operator %s", c.To.Version)
	case c.Intermediate:
		s.Title += " (intermediate version)"
		s.Why = "the target requires an intermediate version from " + c.From.Version
	}
	s.Reversible = in.isReversible(c)
	switch {
	case c.Revision > 0:
		s.Risk = "the older CRDs are restored; all object stores were checked for fields they do not know"
	case s.Reversible:
		s.Risk = "a rollback restores the older CRDs; no object store has fields they do not know"
	default:
		s.Risk = "no rollback after this step: older CRDs would prune fields"
	}
	s.Restarts = operatorRestarts(in, c)
	s.Estimate = estimateDuration(2*time.Minute, s.Restarts)
	return s
}

func storeStep(in Inputs, c Change, revisions map[string]int) Step {
	s := changeStep(in, c, revisions)
	s.ID, s.Action = "store-"+c.Namespace+"-"+c.Store, ActionStore
	s.Store = c.StoreKey()
	s.Title = fmt.Sprintf("object store %s from %s to %s", c.StoreKey(), c.From.Version, c.To.Version)
	switch {
	case c.Unchanged:
		s.Title = fmt.Sprintf("wait for object store %s, already deployed", c.StoreKey())
	case c.Revision > 0:
		s.Title = fmt.Sprintf("roll back object store %s %s to %s, revision %d", c.StoreKey(), c.From.Version, c.To.Version, c.Revision)
	case c.From.Version == c.To.Version:
		s.Title = fmt.Sprintf("reapply chart and values of object store %s", c.StoreKey())
	}
	s.Why = "the target"
	if c.Revision > 0 {
		s.Why = fmt.Sprintf("revision %d is the previous state", c.Revision)
	}
	s.Reversible = in.isReversible(c)
	s.Risk = "the vendor does not support rolling back object stores"
	s.Restarts = storeRestarts(in, c)
	s.Estimate = estimateDuration(time.Minute, s.Restarts)
	return s
}

// changeStep is what the steps of both charts share. revisions counts the
// revisions that earlier steps of this plan add to the same release.
func changeStep(in Inputs, c Change, revisions map[string]int) Step {
	from, to := c.From, c.To
	s := Step{
		Target: c.Key(), From: &from, To: &to, Revision: c.Revision, Unchanged: c.Unchanged,
		Values: ValuesDigest(c.Values), ValuesFiles: c.ValuesFiles, Edits: c.Edits,
		Before: []Fact{releaseFact(c, FieldChart, c.From.String())},
		After:  []Fact{releaseFact(c, FieldChart, c.To.String())},
	}
	if r := in.Facts.findRelease(c.Key()); r != nil && !c.Unchanged {
		now := r.Revision + revisions[c.Key()]
		if c.retriesRollback(r) {
			now--
		}
		revisions[c.Key()]++
		s.Before = append(s.Before, releaseFact(c, FieldRevision, fmt.Sprint(now)))
		s.After = append(s.After, releaseFact(c, FieldRevision, fmt.Sprint(now+1)))
	}
	return s
}

// retriesRollback reports whether a change is a rollback of a release whose newest
// revision is a rollback that was cut off or failed.
func (c Change) retriesRollback(r *InstalledRelease) bool {
	return c.Revision > 0 && (r.Status == "pending-rollback" ||
		r.Status == "failed" && (strings.HasPrefix(r.Description, "Rollback ") || strings.HasSuffix(r.Description, "while pending-rollback")))
}

func releaseFact(c Change, field, value string) Fact {
	return Fact{ObjectKey{Kind: KindRelease, Namespace: c.Namespace, Name: c.Release}, field, value}
}

// findRelease finds a release by namespace/name.
func (f *Facts) findRelease(key string) *InstalledRelease {
	if f.Operator != nil && f.Operator.Key() == key {
		return f.Operator
	}
	for i := range f.Releases {
		if f.Releases[i].Key() == key {
			return &f.Releases[i]
		}
	}
	return nil
}

// PushHost is the registry that images are pushed to.
func (r SiteRegistry) PushHost() string {
	if r.PushRegistry != "" {
		return r.PushRegistry
	}
	return r.Registry
}
