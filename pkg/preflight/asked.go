package preflight

import (
	"context"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkAsked compares what each pod's spec asks for with what was wanted.
func checkAsked(_ context.Context, s *Subject) Result {
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	e, templates := expectations(s), templatesOf(s.Facts)
	var f findings
	judgeNames(&f, e, s.Facts)
	compared, minio, others := 0, map[string]int{}, map[string]int{}
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			want, known := e.of(p, c)
			if !known {
				want, known = templates.of(p, c, e.parse)
			}
			if known {
				compared++
				judgeAsked(&f, e, p, c, want)
			} else {
				others[c.Name+": "+c.Image]++
			}
			if c.Name == aistor.ContainerMinIO {
				minio[p.Store+": "+c.Image]++
			}
		}
	}
	for _, line := range sortedKeys(minio) {
		f.note("minio containers of %s (%s)", line, words.Count(minio[line], "pod"))
	}
	for _, line := range sortedKeys(others) {
		f.note("not compared, since nothing says what it should be: container %s (%s)", line, words.Count(others[line], "pod"))
	}
	if compared == 0 && s.Facts.Namespace != "" && s.Facts.Operator == nil {
		return unseen("what should run is said by the operator, outside of namespace %s; --plan or --expect says it too", s.Facts.Namespace)
	}
	if compared == 0 && len(f.list) == 0 {
		return Result{Status: Error, Message: "nothing says which images should run", Observed: "no plan, no bundle, no release manifest",
			Required: "an expectation", Remedy: "--expect minio=RELEASE.…"}
	}
	return f.result("the specs of %s in %s ask for the expected images", words.Count(compared, "container"), words.Count(len(s.Facts.Pods), "pod"))
}

// judgeNames finds what the user expects of a name that nothing has: a
// misspelt one would otherwise hold of everything.
func judgeNames(f *findings, e expected, facts *plan.Facts) {
	has := map[string]bool{}
	for _, p := range facts.Pods {
		for _, c := range p.Containers {
			for _, name := range append([]string{c.Name}, e.imageNames(p, c)...) {
				has[name] = true
			}
		}
	}
	for _, name := range sortedKeys(e.asked) {
		if has[name] {
			continue
		}
		remedy := "--expect NAME=TAG, where NAME is one of " + strings.Join(sortedKeys(has), ", ")
		if meant := nearest(name, sortedKeys(has)); meant != "" {
			remedy = "--expect " + meant + "=TAG"
		}
		f.error(plan.ObjectKey{}, "nothing that runs is called %q, so that it could not be compared with %s", name, e.asked[name]).
			wanted("none", "a container or image called "+name, remedy)
	}
}

// templates are what each workload asks for its containers, by the workload
// and the container's name.
type templates map[plan.ObjectKey]map[string]string

func templatesOf(f *plan.Facts) templates {
	t := templates{}
	for _, w := range f.Workloads {
		key := plan.ObjectKey{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
		t[key] = map[string]string{}
		for _, c := range w.Containers {
			t[key][c.Name] = c.Image
		}
	}
	return t
}

// of is the image that the pod's own workload asks for; false for what others
// put into the pod. The ReplicaSet between a Deployment and its pods is named
// after it, with one more word.
func (t templates) of(p plan.Pod, c plan.Container, parse func(string) (images.Ref, error)) (images.Ref, bool) {
	kind, name, _ := strings.Cut(p.Owner, "/")
	if i := strings.LastIndexByte(name, '-'); kind == "ReplicaSet" && i > 0 {
		if _, known := t[plan.ObjectKey{Kind: "Deployment", Namespace: p.Namespace, Name: name}]; !known {
			name = name[:i]
		}
		kind = "Deployment"
	}
	image, ok := t[plan.ObjectKey{Kind: kind, Namespace: p.Namespace, Name: name}][c.Name]
	if !ok {
		return images.Ref{}, false
	}
	ref, err := parse(image)
	return ref, err == nil
}

func judgeAsked(f *findings, e expected, p plan.Pod, c plan.Container, want images.Ref) {
	have, err := e.parse(c.Image)
	if err == nil && sameImage(have, want) {
		return
	}
	f.fail(podKey(p), "%s: %s %s asks for %s, expected %s", label(podKey(p)), containerKind(c), c.Name, c.Image, want).
		wanted(c.Image, want.String(),
			shell.Command("kubectl get pods -n %s -o jsonpath='{.items[*].spec.containers[?(@.name==\"%s\")].image}'", p.Namespace, c.Name))
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
