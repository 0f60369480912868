package preflight

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkPodImages compares what each pod's spec asks for with what was wanted.
func checkPodImages(_ context.Context, s *Subject) Result {
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	e, templates := collectExpectedImages(s), templatesOf(s.Facts)
	var f findings
	evaluateExpectedNames(&f, e, s.Facts)
	compared, minio, others := 0, map[string]int{}, map[string]int{}
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			want, known := e.imageFor(p, c)
			if !known {
				want, known = templates.imageFor(p, c, e.parse)
			}
			if known {
				compared++
				evaluatePodImage(&f, e, p, c, want)
			} else {
				others[c.Name+": "+c.Image]++
			}
			if c.Name == aistor.ContainerMinIO {
				minio[p.Store+": "+c.Image]++
			}
		}
	}
	for _, line := range slices.Sorted(maps.Keys(minio)) {
		f.addNote("minio containers of %s (%s)", line, plural.Count(minio[line], "pod"))
	}
	for _, line := range slices.Sorted(maps.Keys(others)) {
		f.addNote("not compared, expected image unknown: container %s (%s)", line, plural.Count(others[line], "pod"))
	}
	if compared == 0 && s.Facts.Namespace != "" && s.Facts.Operator == nil {
		return unobservedResult("expected images are defined by the operator, outside namespace %s; use --plan or --expect", s.Facts.Namespace)
	}
	if compared == 0 && len(f.list) == 0 {
		return Result{Status: Error, Message: "expected images are unknown", Observed: "no plan, no bundle, no release manifest",
			Required: "an expectation", Remedy: "--expect minio=RELEASE.…"}
	}
	return f.buildResult("the specs of %s in %s have the expected images", plural.Count(compared, "container"), plural.Count(len(s.Facts.Pods), "pod"))
}

// evaluateExpectedNames finds what the user expects of a name that nothing has: a
// misspelt one would otherwise hold of everything.
func evaluateExpectedNames(f *findings, e expectedImages, facts *plan.Facts) {
	has := map[string]bool{}
	for _, p := range facts.Pods {
		for _, c := range p.Containers {
			for _, name := range append([]string{c.Name}, e.imageNames(p, c)...) {
				has[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.requested)) {
		if has[name] {
			continue
		}
		remedy := "--expect NAME=TAG, where NAME is one of " + strings.Join(slices.Sorted(maps.Keys(has)), ", ")
		if meant := closestID(name, slices.Sorted(maps.Keys(has))); meant != "" {
			remedy = "--expect " + meant + "=TAG"
		}
		f.addError(plan.ObjectKey{}, "no running container is named %q, not compared with %s", name, e.requested[name]).
			setDetails("none", "a container or image named "+name, remedy)
	}
}

// workloadTemplates are what each workload asks for its containers, by the workload
// and the container's name.
type workloadTemplates map[plan.ObjectKey]map[string]string

func templatesOf(f *plan.Facts) workloadTemplates {
	t := workloadTemplates{}
	for _, w := range f.Workloads {
		key := plan.ObjectKey{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
		t[key] = map[string]string{}
		for _, c := range w.Containers {
			t[key][c.Name] = c.Image
		}
	}
	return t
}

// imageFor is the image that the pod's own workload asks for; false for what others
// put into the pod.
func (t workloadTemplates) imageFor(p plan.Pod, c plan.Container, parse func(string) (images.Ref, error)) (images.Ref, bool) {
	kind, name, _ := strings.Cut(p.Controller(), "/")
	image, ok := t[plan.ObjectKey{Kind: kind, Namespace: p.Namespace, Name: name}][c.Name]
	if !ok {
		return images.Ref{}, false
	}
	ref, err := parse(image)
	return ref, err == nil
}

func evaluatePodImage(f *findings, e expectedImages, p plan.Pod, c plan.Container, want images.Ref) {
	have, err := e.parse(c.Image)
	if err == nil && sameImage(have, want) {
		return
	}
	f.addFailure(podKey(p), "%s: %s %s has image %s, expected %s", podKey(p).Label(), containerKind(c), c.Name, c.Image, want).
		setDetails(c.Image, want.String(),
			shellquote.Command("kubectl get pods -n %s -o jsonpath='{.items[*].spec.containers[?(@.name==\"%s\")].image}'", p.Namespace, c.Name))
}

// sameImage holds a reference against a wanted one, which may name less: a tag
// without the digest that was pinned beside it.
func sameImage(have, want images.Ref) bool {
	if have.Name() != want.Name() {
		return false
	}
	if want.Digest != "" && have.Digest != "" {
		return have.Digest == want.Digest
	}
	return have.Tag == want.Tag && (want.Digest == "" || have.Digest == want.Digest)
}
