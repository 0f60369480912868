package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
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

// steps lists the work in its order: everything that can fail without harm
// comes before the first thing that changes the cluster, and all images are in
// the registry before the operator chart is touched, because its ConfigMaps
// decide what stores without an image of their own run.
//
// Back it goes the other way round, stores first: an older operator was never
// made for newer stores, while a newer one has run the older stores already.
func steps(in Inputs) []Step {
	list := []Step{backupStep()}
	if in.Options.Push != "never" {
		list = append(list, pushStep(in))
	}
	list = append(list, preflightStep())
	if len(in.License) > 0 {
		list = append(list, licenseStep(in))
	}
	list = append(list, unstickSteps(in)...)
	live := liveRoles(in.Facts)
	revisions := map[string]int{}
	var operator, stores []Step
	for i, c := range in.Operator {
		if stuck := live.conflicts(c); len(stuck) > 0 {
			operator = append(operator, mendStep(c, stuck))
		}
		live = live.after(c)
		operator = append(operator, operatorStep(in, i, revisions))
	}
	for _, c := range in.Stores {
		stores = append(stores, storeStep(in, c, revisions))
	}
	if in.goesBack() {
		operator, stores = stores, operator
	}
	return distinct(slices.Concat(list, operator, stores, []Step{validateStep()}))
}

// distinct tells steps apart whose namespace and name run into each other:
// team/a-primary and team-a/primary. What was done is remembered by these IDs.
func distinct(list []Step) []Step {
	times := map[string]int{}
	for _, s := range list {
		times[s.ID]++
	}
	for i, s := range list {
		switch {
		case times[s.ID] == 1:
		case s.Action == ActionStore:
			list[i].ID = "store-" + strings.Replace(s.Store, "/", ".", 1)
		case s.Action == ActionUnstick:
			list[i].ID = "unstick-" + strings.Replace(s.Target, "/", ".", 1)
		}
	}
	return list
}

func backupStep() Step {
	return Step{
		ID: "backup", Action: ActionBackup, Reversible: true,
		Title: "back up values, manifests, CRDs and ObjectStores",
		Why:   "a way back needs what was there before",
	}
}

func pushStep(in Inputs) Step {
	return Step{
		ID: "push", Action: ActionPush, Reversible: true,
		Title: "push missing images to " + in.Registry.MapPushHost(),
		Why:   "every image has to be there before the operator chart names it",
	}
}

func preflightStep() Step {
	return Step{
		ID: "preflight", Action: ActionPreflight, Reversible: true,
		Title: "check images and pull secrets in the registry",
		Why:   "what the nodes can't pull must stop the upgrade before it starts",
	}
}

func validateStep() Step {
	return Step{
		ID: "validate", Action: ActionValidate, Reversible: true,
		Title: "validate images, roll-outs and health",
	}
}

// licenseStep replaces a license that somebody keeps in a Secret by hand.
func licenseStep(in Inputs) Step {
	namespace := in.rightsNamespace()
	return Step{
		ID: "license", Action: ActionLicense,
		Title:   fmt.Sprintf("replace the license in Secret %s/%s", namespace, aistor.LicenseSecret),
		Why:     "no Helm release owns that Secret, so that its license is not among the values",
		Objects: []ObjectKey{{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: aistor.LicenseSecret}},
	}
}

// unstickSteps marks releases that an interrupted Helm left pending. They are
// upgraded from there, never rolled back: a rollback would bring an older CRD,
// which prunes fields from live objects.
func unstickSteps(in Inputs) []Step {
	var list []Step
	seen := map[string]bool{}
	for _, c := range in.changes() {
		r := in.Facts.release(c.Key())
		if r == nil || seen[c.Key()] || !strings.HasPrefix(r.Status, "pending-") && !c.repeats(r) {
			continue
		}
		seen[c.Key()] = true
		s := Step{
			ID: "unstick-" + r.Name, Action: ActionUnstick, Target: c.Key(),
			Title:  fmt.Sprintf("mark revision %d of %s as failed", r.Revision, c.Key()),
			Why:    "an interrupted Helm left it " + r.Status + ", and Helm refuses to go on",
			Before: []Fact{releaseFact(c, FieldStatus, r.Status)},
			After:  []Fact{releaseFact(c, FieldStatus, "failed")},
		}
		if c.repeats(r) {
			s.Title = fmt.Sprintf("drop revision %d of %s, a rollback that did not end", r.Revision, c.Key())
			s.Why = "Helm would take it for what is installed, and leave behind what only the newer chart has"
			s.After = []Fact{releaseFact(c, FieldRevision, fmt.Sprint(r.Revision-1))}
		}
		list = append(list, s)
	}
	return list
}

func mendStep(c Change, stuck []Binding) Step {
	s := Step{
		ID: "mend-" + c.To.Version, Action: ActionMend, Target: c.Key(), Reversible: true,
		Title: "delete " + words.Count(len(stuck), "binding") + " whose role changes",
		Why:   "Kubernetes never lets a binding change its role, and Helm would stop half way",
		Risk:  "the operator lacks these rights until the next step has created them anew",
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
		s.Title = fmt.Sprintf("wait for the operator %s, which is in place", c.To.Version)
	case c.Revision > 0:
		s.Title = fmt.Sprintf("operator %s back to %s, revision %d", c.From.Version, c.To.Version, c.Revision)
		s.Why = "revision " + fmt.Sprint(c.Revision) + " is what was there before"
	case c.From.Version == c.To.Version:
		s.Title = fmt.Sprintf("apply chart and values of the operator %s anew", c.To.Version)
	case c.Stone:
		s.Title += " (stepping stone)"
		s.Why = "the target can't be reached in one step from " + c.From.Version
	}
	s.Reversible = in.reversible(c)
	switch {
	case c.Revision > 0:
		s.Risk = "the older CRDs come back; every object store was looked at for fields that they do not know"
	case s.Reversible:
		s.Risk = "the older CRDs would come back with it; no object store has a field that they do not know"
	default:
		s.Risk = "forward only from here: going back brings older CRDs, which prune fields"
	}
	s.Restarts = operatorRestarts(in, c)
	s.Estimate = estimate(2*time.Minute, s.Restarts)
	return s
}

func storeStep(in Inputs, c Change, revisions map[string]int) Step {
	s := changeStep(in, c, revisions)
	s.ID, s.Action = "store-"+c.Namespace+"-"+c.Store, ActionStore
	s.Store = c.StoreKey()
	s.Title = fmt.Sprintf("object store %s from %s to %s", c.StoreKey(), c.From.Version, c.To.Version)
	switch {
	case c.Unchanged:
		s.Title = fmt.Sprintf("wait for object store %s, which is in place", c.StoreKey())
	case c.Revision > 0:
		s.Title = fmt.Sprintf("object store %s %s back to %s, revision %d", c.StoreKey(), c.From.Version, c.To.Version, c.Revision)
	case c.From.Version == c.To.Version:
		s.Title = fmt.Sprintf("apply chart and values of object store %s anew", c.StoreKey())
	}
	s.Why = "the target"
	if c.Revision > 0 {
		s.Why = fmt.Sprintf("revision %d is what was there before", c.Revision)
	}
	s.Reversible = in.reversible(c)
	s.Risk = "the vendor does not promise that an object store can go back"
	s.Restarts = storeRestarts(in, c)
	s.Estimate = estimate(time.Minute, s.Restarts)
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
	if r := in.Facts.release(c.Key()); r != nil && !c.Unchanged {
		now := r.Revision + revisions[c.Key()]
		if c.repeats(r) {
			now--
		}
		revisions[c.Key()]++
		s.Before = append(s.Before, releaseFact(c, FieldRevision, fmt.Sprint(now)))
		s.After = append(s.After, releaseFact(c, FieldRevision, fmt.Sprint(now+1)))
	}
	return s
}

// repeats reports whether a change is a rollback of a release whose newest
// revision is a rollback that was cut off or failed.
func (c Change) repeats(r *Release) bool {
	return c.Revision > 0 && (r.Status == "pending-rollback" ||
		r.Status == "failed" && (strings.HasPrefix(r.Description, "Rollback ") || strings.HasSuffix(r.Description, "while pending-rollback")))
}

func releaseFact(c Change, field, value string) Fact {
	return Fact{ObjectKey{Kind: KindRelease, Namespace: c.Namespace, Name: c.Release}, field, value}
}

// release finds a release by namespace/name.
func (f *Facts) release(key string) *Release {
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

// MapPushHost is the registry that images are pushed to.
func (r SiteRegistry) MapPushHost() string {
	if r.PushRegistry != "" {
		return r.PushRegistry
	}
	return r.Registry
}
