package preflight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// runningImage is one reference with the digests that nodes report for it.
type runningImage struct {
	ref images.Ref
	// ids are the reported digests, each with the first pod that reports it
	// and how many do.
	ids map[string]*reportedDigest
}

type reportedDigest struct {
	pod       plan.Pod
	container string
	count     int
	// hasRepository says that the node gave a repository too, so that the digest is
	// one of a manifest; otherwise it may be whatever a runtime counts by.
	hasRepository bool
	// otherRepository is the repository that the node gave, where it is not the
	// one that was asked for: a node knows one image by one name, also where it
	// was pulled under several.
	otherRepository string
	// platforms of the nodes it runs on.
	platforms map[string]bool
}

// checkImageIDs compares the digest that each node runs with those of the image:
// its index, the platform's manifest, or its config. What runtimes report
// differs, so a digest that is none of them is unknown unless it is provably
// another image.
func checkImageIDs(ctx context.Context, s *Subject) Result {
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	list := runningImages(s.Facts)
	e := collectExpectedImages(s)
	known := make([]map[string]bool, len(list))
	var f findings
	answers := queryDigests(ctx, s, list)
	for i, r := range list {
		a, asked := answers[r.ref]
		known[i] = digestsOf(&f, e, r, a, asked)
		addEquivalentDigests(ctx, s, r, known[i])
		evaluateImageIDs(&f, r, known[i], a)
	}
	evaluateUnreported(&f, s.Facts)
	if len(list) == 0 && len(f.list) == 0 {
		return Result{Status: Error, Message: "no running container reports a digest yet", Observed: "no digest",
			Required: "the digest of every container", Remedy: "kubectl get pods -A -l " + aistor.LabelOperatorName}
	}
	n := 0
	for _, r := range list {
		for _, id := range r.ids {
			n += id.count
		}
	}
	return f.buildResult("the digests of %s belong to their images", plural.Count(n, "running container"))
}

// runningImages groups the containers that run by their reference.
func runningImages(f *plan.Facts) []runningImage {
	platform := map[string]string{}
	for _, n := range f.Nodes {
		platform[n.Name] = n.Platform
	}
	found, parse := map[images.Ref]runningImage{}, newRefParser()
	for _, p := range f.Pods {
		for _, c := range p.Containers {
			ref, err := parse(c.Image)
			id, named := imageDigest(c.ImageID)
			if err != nil || id == "" {
				continue
			}
			r, ok := found[ref]
			if !ok {
				r = runningImage{ref: ref, ids: map[string]*reportedDigest{}}
				found[ref] = r
			}
			if r.ids[id] == nil {
				r.ids[id] = &reportedDigest{pod: p, container: c.Name, hasRepository: named, otherRepository: otherRepository(c.ImageID, ref), platforms: map[string]bool{}}
			}
			r.ids[id].count++
			r.ids[id].platforms[platform[p.Node]] = true
		}
	}
	list := make([]runningImage, 0, len(found))
	for _, r := range found {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b runningImage) int { return a.ref.Compare(b.ref) })
	return list
}

// evaluateUnreported names the containers of ready pods whose nodes report no digest
// that could be compared: what they run is unknown, one finding an image.
func evaluateUnreported(f *findings, facts *plan.Facts) {
	silent := map[string]*reportedDigest{}
	for _, p := range facts.Pods {
		for _, c := range p.Containers {
			if id, _ := imageDigest(c.ImageID); id != "" || !p.Ready && !c.Ready {
				continue
			}
			if silent[c.Image] == nil {
				silent[c.Image] = &reportedDigest{pod: p, container: c.Name}
			}
			silent[c.Image].count++
		}
	}
	for _, image := range slices.Sorted(maps.Keys(silent)) {
		rep := silent[image]
		k := podKey(rep.pod)
		line := fmt.Sprintf("%s: container %s: its node reports", k.Label(), rep.container)
		if rep.count > 1 {
			line = fmt.Sprintf("%s: container %s and %d more: their nodes report", k.Label(), rep.container, rep.count-1)
		}
		f.addWarning(k, "%s no digest, so the running image of %s is unknown", line, image).
			setDetails("no digest", "a digest of "+image, describeCommand(k))
	}
}

// imageDigest is the digest in what a node reports: "repo@sha256:…",
// "docker-pullable://repo@sha256:…" or a bare "sha256:…".
func imageDigest(id string) (digest string, named bool) {
	i := strings.LastIndex(id, "sha256:")
	if i < 0 {
		return "", false
	}
	return id[i:], i > 0 && id[i-1] == '@'
}

// otherRepository is the repository in what a node reports, or "" where it is that of
// ref or none is given.
func otherRepository(id string, ref images.Ref) string {
	repo, _, ok := strings.Cut(id, "@")
	if i := strings.Index(repo, "://"); i >= 0 {
		repo = repo[i+3:]
	}
	if !ok || repo == ref.Name() {
		return ""
	}
	return repo
}

// addEquivalentDigests adds the digests of other repositories that hold the same manifest
// as r: an image that was pulled under two names is one to the node, which
// reports either.
func addEquivalentDigests(ctx context.Context, s *Subject, r runningImage, known map[string]bool) {
	if s.Registry == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(r.ids)) {
		rep := r.ids[id]
		if known[id] || rep.otherRepository == "" {
			continue
		}
		ref, err := images.ParseRef(rep.otherRepository + "@" + id)
		if err != nil || !s.registrySettings().Owns(ref) {
			continue
		}
		q := registryQuery{ref, append([][]byte{nil}, secretsFor(s, plan.PlannedImage{Private: ref})...)}
		a := queryAll(ctx, s.Registry, []registryQuery{q})[q.cacheKey()]
		if a.err != nil {
			continue
		}
		for _, m := range []map[string]string{a.found.Children, a.found.Config} {
			for _, d := range m {
				known[id] = known[id] || known[d]
			}
		}
	}
}

// queryDigests asks the registry what each reference holds, with the user's own
// credentials and else with those of the pods; nothing without a registry.
func queryDigests(ctx context.Context, s *Subject, list []runningImage) map[images.Ref]queryResult {
	if s.Registry == nil {
		return nil
	}
	questions := make([]registryQuery, len(list))
	for i, r := range list {
		questions[i] = registryQuery{r.ref, append([][]byte{nil}, secretsFor(s, plan.PlannedImage{Private: r.ref})...)}
	}
	answers := queryAll(ctx, s.Registry, questions)
	out := make(map[images.Ref]queryResult, len(list))
	for _, q := range questions {
		out[q.ref] = answers[q.cacheKey()]
	}
	return out
}

// digestsOf are all digests by which a node may know the image.
func digestsOf(f *findings, e expectedImages, r runningImage, a queryResult, asked bool) map[string]bool {
	known := map[string]bool{}
	for _, d := range []string{r.ref.Digest, e.planned[r.ref].Digest} {
		if d != "" {
			known[d] = true
		}
	}
	for _, d := range e.planned[r.ref].Manifests {
		known[d] = true
	}
	if !asked {
		return known
	}
	if a.err != nil {
		_, line, perImage := describeRefusal(a.err, r.ref)
		if perImage {
			line = r.ref.String() + ": " + line
		}
		if !slices.Contains(f.notes, line) {
			f.notes = append(f.notes, line)
		}
		return known
	}
	if want := e.planned[r.ref]; want.Digest != "" && !matchesBundle(a.found, want) {
		f.addFailure(plan.ObjectKey{Kind: "Image", Name: r.ref.String()}, "image %s: the registry now has %s, the plan was made for %s", r.ref, a.found.Digest, want.Digest).
			setDetails(a.found.Digest, want.Digest, "helm aistor push BUNDLE")
		return known
	}
	known[a.found.Digest] = true
	for _, m := range []map[string]string{a.found.Children, a.found.Config} {
		for _, d := range m {
			known[d] = true
		}
	}
	return known
}

func evaluateImageIDs(f *findings, r runningImage, known map[string]bool, a queryResult) {
	complete := a.err == nil && len(a.found.Children)+len(a.found.Config) > 0 && known[a.found.Digest]
	for _, id := range slices.Sorted(maps.Keys(r.ids)) {
		rep := r.ids[id]
		if known[id] {
			continue
		}
		k := podKey(rep.pod)
		line := fmt.Sprintf("%s: container %s runs %s", k.Label(), rep.container, id)
		if rep.count > 1 {
			line = fmt.Sprintf("%s and %d more", line, rep.count-1)
		}
		want := cmp.Or(strings.TrimSpace(strings.Join(slices.Sorted(maps.Keys(known)), ", ")), "a digest of "+r.ref.String())
		remedy := shellquote.Command("kubectl delete pod %s -n %s", rep.pod.Name, rep.pod.Namespace)
		if other := findConflictingDigest(r, id); other != nil {
			f.addFailure(k, "%s, pod %s/%s runs another digest of the same reference %s", line, other.pod.Namespace, other.pod.Name, r.ref).
				setDetails(id, want, remedy)
		} else if complete && rep.hasRepository && rep.otherRepository == "" {
			f.addFailure(k, "%s, which is not a digest of %s: the tag pointed to another image when it was pulled", line, r.ref).
				setDetails(id, want, remedy)
		} else {
			f.addWarning(k, "%s; whether that is %s is unknown, since %s", line, r.ref, unknownReason(a)).
				setDetails(id, want, hintOf(a.err))
		}
	}
}

// unknownReason is why a digest that is not known of an image proves nothing.
func unknownReason(a queryResult) string {
	switch {
	case a.err != nil:
		return "the registry did not respond"
	case a.found.Digest == "":
		return "no registry was queried"
	}
	return "runtimes report different digests"
}

// findConflictingDigest is a container of the same reference on the same platform that
// runs another digest of the same form. Nodes with one runtime never disagree on
// one image, and the smaller group is the odd one.
func findConflictingDigest(r runningImage, id string) *reportedDigest {
	mine := r.ids[id]
	for _, other := range slices.Sorted(maps.Keys(r.ids)) {
		o := r.ids[other]
		if other == id || o.hasRepository != mine.hasRepository || o.count < mine.count {
			continue
		}
		for p := range mine.platforms {
			if p != "" && o.platforms[p] {
				return o
			}
		}
	}
	return nil
}
