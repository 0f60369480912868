package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Gate is something that only a person can do before an upgrade, and says so
// with --acknowledge or in the site file.
type Gate struct {
	// ID is kebab-case and stable for ever.
	ID string
	// What is done, for people, and the command that does it.
	What, Command string
}

// Gates are those the vendor asks for: what the object stores hold of
// themselves is exported by their own client, which asks for credentials that
// this product never sees.
func Gates() []Gate {
	return []Gate{
		{"bucket-export", "the metadata of the buckets was exported", "mc admin cluster bucket export ALIAS"},
		{"iam-export", "users, groups and policies were exported", "mc admin cluster iam export ALIAS"},
		{"config-export", "the stores' configuration was exported", "mc admin config export ALIAS > config.txt"},
	}
}

// UnknownGates are the IDs that are none.
func UnknownGates(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(Gates(), func(g Gate) bool { return g.ID == id })
	})
}

func checkGates(_ context.Context, s *Subject) Result {
	if !slices.ContainsFunc(s.Plan.Steps, func(st plan.Step) bool { return len(st.Restarts) > 0 || st.Action == plan.ActionStore }) {
		return skip("no object store is touched")
	}
	var f findings
	for _, g := range Gates() {
		if slices.Contains(s.Acknowledged, g.ID) {
			f.note("acknowledged: %s", g.What)
			continue
		}
		f.warn(plan.ObjectKey{}, "nobody acknowledged that %s: %s", g.What, g.Command).
			wanted("not acknowledged", "a backup that Kubernetes can't make", g.Command+" && … --acknowledge "+g.ID)
	}
	return f.result("what only a person can do was acknowledged")
}

// Pusher is a [Prober] that can also be asked whether this user may push.
type Pusher interface {
	// Writable asks for the right to push to ref's repository, and changes
	// nothing there. Its errors are like those of Head.
	Writable(ctx context.Context, ref images.Ref) error
}

// checkWritable asks for the right to push wherever an image is missing. Where
// nothing is missing nobody needs the right.
func checkWritable(ctx context.Context, s *Subject) Result {
	pusher, able := s.Registry.(Pusher)
	switch {
	case s.options().Push == "never":
		return skip("--push never leaves pushing to the registry's owner")
	case s.Registry == nil || !able:
		return skip("the registry is not asked from here")
	}
	var questions []question
	for _, img := range s.Plan.Images {
		questions = append(questions, question{img.Private, append([][]byte{nil}, secretsFor(s, img)...)})
	}
	answers := ask(ctx, s.Registry, questions)
	var f findings
	due, asked, said := 0, map[string]bool{}, map[string]bool{}
	for i, img := range s.Plan.Images {
		a := answers[questions[i].key()]
		if img.Digest == "" || (a.err == nil && serves(a.found, img)) || asked[img.Private.Name()] {
			continue // the bundle lacks it, or the registry has it
		}
		asked[img.Private.Name()] = true
		due++
		if err := pusher.Writable(ctx, img.Private); err != nil {
			status, line, perImage := refusal(err, img.Private)
			if kindOfError(err) == KindForbidden {
				line = "403 from " + img.Private.Host + ": no right to push to " + img.Private.Name()
			}
			if said[line] && !perImage {
				continue
			}
			said[line] = true
			f.add(status, imageObject(img), "image %s has to be pushed: %s", img.Private, line).
				wanted(line, "the right to push", orElse(hintOf(err), "let the registry's owner run helm aistor push, then add --push never"))
		}
	}
	if due == 0 {
		return pass("nothing has to be pushed")
	}
	return f.result("%s can be pushed to", words.Count(due, "repository"))
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
	for _, c := range s.changes() {
		changed[c.Key()] = !c.Unchanged || changed[c.Key()]
	}
	for _, r := range releases {
		k := plan.ObjectKey{Kind: plan.KindRelease, Namespace: r.Namespace, Name: r.Name}
		if changed[r.Key()] && (r.LastDeployed == 0 || (r.Manifest == "" && r.DeployedManifest == "")) {
			f.warn(k, "release %s: no revision that could be gone back to can be read", r.Key()).
				wanted("no readable revision", "a deployed revision", shell.Command("helm history %s -n %s", r.Name, r.Namespace))
		}
	}
	looked := judgeOldImages(ctx, &f, s)
	return f.result("revisions can be read, and %s of what runs now can still be pulled", words.Count(looked, "image"))
}

func judgeOldImages(ctx context.Context, f *findings, s *Subject) int {
	if s.Registry == nil {
		f.note("the registry is not asked from here, so the images of what runs now were not looked for")
		return 0
	}
	before := *s
	before.Plan = nil
	var questions []question
	old := wantedImages(&before)
	for _, img := range old {
		questions = append(questions, question{img.Private, append([][]byte{nil}, secretsFor(&before, img)...)})
	}
	answers := ask(ctx, s.Registry, questions)
	for i, img := range old {
		if err := answers[questions[i].key()].err; err != nil {
			_, line, _ := refusal(err, img.Private)
			f.warn(imageObject(img), "image %s runs now and could not be pulled again: %s", img.Private, line).
				wanted(strings.TrimSpace(line), "200", "push it again before the upgrade, while a node still has it")
		}
	}
	return len(old)
}

// Prover is a bundle that can be proved to be whole.
type Prover interface {
	// Prove says what was proved: every byte, or a signature. The text is
	// empty where there is nothing to prove here, or no need to.
	Prove(ctx context.Context) (proved string, err error)
}

func checkIntact(ctx context.Context, s *Subject) Result {
	if s.Bundle == nil {
		return skip("no bundle file to read")
	}
	proved, err := s.Bundle.Prove(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return Result{Status: Error, Message: "not looked at: " + context.Cause(ctx).Error()}
	case err != nil:
		return Result{Status: Fail, Message: firstLine(err), Observed: "damaged or not trusted", Required: "every byte as it was made",
			Remedy: orElse(hintOf(err), "carry the file across again")}
	case proved == "":
		return skip("what is used of the bundle is held against its digests as it is read; helm aistor bundle verify reads a file whole")
	}
	return pass("%s", proved)
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
			if p.Namespace != st.Namespace || !p.KES() || p.Store != "" && p.Store != st.Key() {
				continue
			}
			seen++
			if p.Ready {
				ready++
			}
		}
		switch {
		case seen == 0:
			f.warn(k, "object store %s: asks for KES, and no pod of it was found; servers that restart without their keys don't come up", st.Key()).
				wanted("no KES pod", "a ready KES pod", "kubectl get pods -n "+st.Namespace)
		case ready == 0:
			f.fail(k, "object store %s: none of its %s is ready, and servers that restart without their keys don't come up", st.Key(), words.Count(seen, "KES pod")).
				wanted("0 ready", ">= 1 ready", "kubectl get pods -n "+st.Namespace)
		}
	}
	if stores == 0 {
		return skip("no object store uses KES")
	}
	return f.result("KES is ready for %s", words.Count(stores, "object store"))
}

// shortestDrain is how long a server should have to end its requests.
const shortestDrain = 30

func checkDrain(_ context.Context, s *Subject) Result {
	if len(s.Facts.Stores) == 0 {
		return skip("no object stores")
	}
	var f findings
	for _, st := range s.Facts.Stores {
		seconds := int(st.RollingTimeout.Seconds())
		if seconds > 0 && seconds < shortestDrain {
			k := plan.ObjectKey{Kind: "ObjectStore", Namespace: st.Namespace, Name: st.Name}
			f.warn(k, "object store %s: a server that restarts cuts requests after %d s", st.Key(), seconds).
				wanted("rollingTimeoutSeconds: "+st.RollingTimeout.String(), "long enough for the longest upload; the default is 600", "objectStore.rollingTimeoutSeconds in the store's values")
		}
		if seconds > 0 {
			f.note("object store %s: a server has %d s to end its requests, so %d servers take at most %d s", st.Key(), seconds, st.Servers(), seconds*st.Servers())
		}
	}
	return f.result("servers have time to end their requests before they restart")
}

// checkTags asks that servers carry a release's tag: the operator reads the
// release out of it to decide whether and how a store is updated.
func checkTags(_ context.Context, s *Subject) Result {
	var f findings
	looked := 0
	for _, img := range wantedImages(s) {
		name := img.Private.Path[strings.LastIndexByte(img.Private.Path, '/')+1:]
		if name != aistor.ContainerMinIO || !img.Needed() {
			continue
		}
		looked++
		if _, err := aistor.ParseRelease(img.Private.Tag); err != nil {
			f.warn(imageObject(img), "image %s: its tag is no release, so that the operator may refuse to update a store to it", img.Private).
				wanted(orElse(img.Private.Tag, "no tag"), "RELEASE.…", "name the image by its release's tag in the values, as asked by "+askedBy(img))
		}
	}
	if looked == 0 {
		return skip("no server's image is known")
	}
	return f.result("every server's image is named by its release")
}
