package preflight

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ManualStep is something that only a person can do before an upgrade, and says so
// with --acknowledge or in the site file.
type ManualStep struct {
	// ID is kebab-case and stable for ever.
	ID string
	// Description is done, for people, and the command that does it.
	Description, Command string
}

// ManualSteps are those the vendor asks for: what the object stores hold of
// themselves is exported by their own client, which asks for credentials that
// this product never sees.
func ManualSteps() []ManualStep {
	return []ManualStep{
		{"bucket-export", "export bucket metadata", "mc admin cluster bucket export ALIAS"},
		{"iam-export", "export users, groups and policies", "mc admin cluster iam export ALIAS"},
		{"config-export", "export the object store configuration", "mc admin config export ALIAS > config.txt"},
	}
}

// UnknownManualSteps are the IDs that are none.
func UnknownManualSteps(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(ManualSteps(), func(g ManualStep) bool { return g.ID == id })
	})
}

func checkManualSteps(_ context.Context, s *Subject) Result {
	if !slices.ContainsFunc(s.Plan.Steps, func(st plan.Step) bool { return len(st.Restarts) > 0 || st.Action == plan.ActionStore }) {
		return skipResult("no object store is changed")
	}
	var f findings
	for _, g := range ManualSteps() {
		if slices.Contains(s.Acknowledged, g.ID) {
			f.addNote("acknowledged: %s", g.Description)
			continue
		}
		f.addWarning(plan.ObjectKey{}, "manual step not confirmed: %s: %s", g.Description, g.Command).
			setDetails("not acknowledged", "a manual backup", g.Command+" && … --acknowledge "+g.ID)
	}
	return f.buildResult("all manual steps were confirmed")
}

// PushChecker is a [RegistryProber] that can also be asked whether this user may push.
type PushChecker interface {
	// CheckPushAccess asks for the right to push to ref's repository, and changes
	// nothing there. Its errors are like those of Head.
	CheckPushAccess(ctx context.Context, ref images.Ref) error
}

// checkWritable asks for the right to push wherever an image is missing. Where
// nothing is missing nobody needs the right.
func checkWritable(ctx context.Context, s *Subject) Result {
	pusher, able := s.Registry.(PushChecker)
	switch {
	case s.planOptions().Push == "never":
		return skipResult("skipped because of --push never")
	case s.Registry == nil || !able:
		return skipResult("the registry is not reachable from this machine")
	}
	var questions []registryQuery
	for _, img := range s.Plan.Images {
		questions = append(questions, registryQuery{img.Private, append([][]byte{nil}, secretsFor(s, img)...)})
	}
	answers := queryAll(ctx, s.Registry, questions)
	var f findings
	due, asked, said := 0, map[string]bool{}, map[string]bool{}
	for i, img := range s.Plan.Images {
		a := answers[questions[i].cacheKey()]
		if img.Digest == "" || (a.err == nil && matchesBundle(a.found, img)) || asked[img.Private.Name()] {
			continue // the bundle lacks it, or the registry has it
		}
		asked[img.Private.Name()] = true
		due++
		if err := pusher.CheckPushAccess(ctx, img.Private); err != nil {
			status, line, perImage := describeRefusal(err, img.Private)
			if kindOfError(err) == KindForbidden {
				line = "403 from " + img.Private.Host + ": not allowed to push to " + img.Private.Name()
			}
			if said[line] && !perImage {
				continue
			}
			said[line] = true
			f.addFinding(status, img.ObjectKey(), "image %s must be pushed: %s", img.Private, line).
				setDetails(line, "push permission", cmp.Or(strings.TrimSpace(hintOf(err)), "let the registry's owner run helm aistor push, then add --push never"))
		}
	}
	if due == 0 {
		return passResult("nothing to push")
	}
	return f.buildResult("%s can be pushed to", plural.Count(due, "repository"))
}

// checkRollback asks that what runs now could run again: its revision can be
// read, and its images can still be pulled.
func checkRollback(ctx context.Context, s *Subject) Result {
	var f findings
	releases := slices.Clone(s.Facts.Releases)
	if s.Facts.Operator != nil {
		releases = append(releases, *s.Facts.Operator)
	}
	changed := map[string]bool{}
	for _, c := range s.orderedChanges() {
		changed[c.Key()] = !c.Unchanged || changed[c.Key()]
	}
	for _, r := range releases {
		k := plan.ObjectKey{Kind: plan.KindRelease, Namespace: r.Namespace, Name: r.Name}
		if changed[r.Key()] && (r.LastDeployed == 0 || (r.Manifest == "" && r.DeployedManifest == "")) {
			f.addWarning(k, "release %s: no readable rollback revision", r.Key()).
				setDetails("no readable revision", "a deployed revision", shellquote.Command("helm history %s -n %s", r.Name, r.Namespace))
		}
	}
	looked := evaluateRollbackImages(ctx, &f, s)
	return f.buildResult("rollback revisions are readable, and %s of the running installation are in the registry", plural.Count(looked, "image"))
}

func evaluateRollbackImages(ctx context.Context, f *findings, s *Subject) int {
	if s.Registry == nil {
		f.addNote("the registry is not reachable from this machine, so the running images were not checked")
		return 0
	}
	before := *s
	before.Plan = nil
	var questions []registryQuery
	old := wantedImages(&before)
	for _, img := range old {
		questions = append(questions, registryQuery{img.Private, append([][]byte{nil}, secretsFor(&before, img)...)})
	}
	answers := queryAll(ctx, s.Registry, questions)
	for i, img := range old {
		if err := answers[questions[i].cacheKey()].err; err != nil {
			_, line, _ := describeRefusal(err, img.Private)
			f.addWarning(img.ObjectKey(), "running image %s cannot be pulled: %s", img.Private, line).
				setDetails(strings.TrimSpace(line), "200", "push it before the upgrade, while a node still has it")
		}
	}
	return len(old)
}

// BundleVerifier is a bundle that can be proved to be whole.
type BundleVerifier interface {
	// VerifyBundle says what was proved: every byte, or a signature. The text is
	// empty where there is nothing to prove here, or no need to.
	VerifyBundle(ctx context.Context) (proved string, err error)
}

func checkBundleIntact(ctx context.Context, s *Subject) Result {
	if s.Bundle == nil {
		return skipResult("no bundle file to read")
	}
	proved, err := s.Bundle.VerifyBundle(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return Result{Status: Error, Message: "not checked: " + context.Cause(ctx).Error()}
	case err != nil:
		return Result{Status: Fail, Message: firstLine(err), Observed: "damaged or not trusted", Required: "all bytes verified",
			Remedy: cmp.Or(strings.TrimSpace(hintOf(err)), "copy the file again")}
	case proved == "":
		return skipResult("contents are verified against digests when read; verify the complete file with: helm aistor bundle verify")
	}
	return passResult("%s", proved)
}

func checkKES(_ context.Context, s *Subject) Result {
	var f findings
	stores := 0
	for _, st := range s.Facts.Stores {
		if !st.KES {
			continue
		}
		stores++
		k := plan.ObjectKey{Kind: "ObjectStore", Namespace: st.Namespace, Name: st.Name}
		ready, seen := 0, 0
		for _, p := range s.Facts.Pods {
			if p.Namespace != st.Namespace || !p.IsKES() || p.Store != "" && p.Store != st.Key() {
				continue
			}
			seen++
			if p.Ready {
				ready++
			}
		}
		switch {
		case seen == 0:
			f.addWarning(k, "object store %s: uses KES, but no KES pod was found; restarted servers cannot start without keys", st.Key()).
				setDetails("no KES pod", "a ready KES pod", "kubectl get pods -n "+st.Namespace)
		case ready == 0:
			f.addFailure(k, "object store %s: none of its %s is ready; restarted servers cannot start without keys", st.Key(), plural.Count(seen, "KES pod")).
				setDetails("0 ready", ">= 1 ready", "kubectl get pods -n "+st.Namespace)
		}
	}
	if stores == 0 {
		return skipResult("no object store uses KES")
	}
	return f.buildResult("KES is ready for %s", plural.Count(stores, "object store"))
}

// minimumDrainSeconds is how long a server should have to end its requests.
const minimumDrainSeconds = 30

func checkDrain(_ context.Context, s *Subject) Result {
	if len(s.Facts.Stores) == 0 {
		return skipResult("no object stores")
	}
	var f findings
	for _, st := range s.Facts.Stores {
		seconds := int(st.RollingTimeout.Seconds())
		if seconds > 0 && seconds < minimumDrainSeconds {
			k := plan.ObjectKey{Kind: "ObjectStore", Namespace: st.Namespace, Name: st.Name}
			f.addWarning(k, "object store %s: requests are cut off %d s after a restart begins", st.Key(), seconds).
				setDetails("rollingTimeoutSeconds: "+st.RollingTimeout.String(), "long enough for the longest upload; the default is 600", "objectStore.rollingTimeoutSeconds in the store's values")
		}
		if seconds > 0 {
			f.addNote("object store %s: drain time %d s per server; %d servers take at most %d s", st.Key(), seconds, st.ServerCount(), seconds*st.ServerCount())
		}
	}
	return f.buildResult("servers have enough time to drain before a restart")
}

// checkTags asks that servers carry a release's tag: the operator reads the
// release out of it to decide whether and how a store is updated.
func checkTags(_ context.Context, s *Subject) Result {
	var f findings
	looked := 0
	for _, img := range wantedImages(s) {
		name := img.Private.Path[strings.LastIndexByte(img.Private.Path, '/')+1:]
		if name != aistor.ContainerMinIO || !img.IsRequired() {
			continue
		}
		looked++
		if _, err := aistor.ParseServerVersion(img.Private.Tag); err != nil {
			f.addWarning(img.ObjectKey(), "image %s: the tag is not a release, so the operator may refuse the update", img.Private).
				setDetails(cmp.Or(strings.TrimSpace(img.Private.Tag), "no tag"), "RELEASE.…", "use the image's release tag in the values; referenced by "+img.ReferencedBy())
		}
	}
	if looked == 0 {
		return skipResult("no server's image is known")
	}
	return f.buildResult("all server images have release tags")
}
