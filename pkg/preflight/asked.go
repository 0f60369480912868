package preflight

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkAsked compares what each pod's spec asks for with what was wanted.
func checkAsked(_ context.Context, s *Subject) Result {
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	e := expectations(s)
	var f findings
	compared, minio, others := 0, map[string]int{}, map[string]int{}
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			want, known := e.of(p, c)
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
		f.note("minio containers of %s (%s)", line, count(minio[line], "pod"))
	}
	for _, line := range sortedKeys(others) {
		f.note("not compared, since nothing says what it should be: container %s (%s)", line, count(others[line], "pod"))
	}
	if compared == 0 && s.Facts.Namespace != "" && s.Facts.Operator == nil {
		return unseen("what should run is said by the operator, outside of namespace %s; --plan or --expect says it too", s.Facts.Namespace)
	}
	if compared == 0 && len(f.list) == 0 {
		return Result{Status: Error, Message: "nothing says which images should run", Observed: "no plan, no bundle, no release manifest",
			Required: "an expectation", Remedy: "--expect minio=RELEASE.…"}
	}
	return f.result("the specs of %s in %s ask for the expected images", count(compared, "container"), count(len(s.Facts.Pods), "pod"))
}

func judgeAsked(f *findings, e expected, p plan.Pod, c plan.Container, want images.Ref) {
	have, err := e.parse(c.Image)
	if err == nil && sameImage(have, want) {
		return
	}
	f.fail(podKey(p), "%s: %s %s asks for %s, expected %s", label(podKey(p)), containerKind(c), c.Name, c.Image, want).
		wanted(c.Image, want.String(),
			fmt.Sprintf("kubectl get pods -n %s -o jsonpath='{.items[*].spec.containers[?(@.name==\"%s\")].image}'", p.Namespace, c.Name))
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
