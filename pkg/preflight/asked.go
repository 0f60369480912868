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
	compared, minio := 0, map[string]int{}
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			want, known := e.of(p, c)
			if known {
				compared++
				judgeAsked(&f, e, p, c, want)
			}
			if c.Name == aistor.ContainerMinIO {
				minio[p.Store+": "+c.Image]++
			}
		}
	}
	for _, line := range sortedKeys(minio) {
		f.note("minio containers of %s (%s)", line, count(minio[line], "pod"))
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
