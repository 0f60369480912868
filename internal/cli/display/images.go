package display

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// PrintImages shows the image of every minio container, the way the documented
// check does:
//
//	kubectl get pods -o jsonpath='{.items[*].spec.containers[?(@.name=="minio")].image}'
func PrintImages(w io.Writer, f *plan.Facts) {
	pods := map[string]map[string]int{} // by image and store
	for _, p := range f.Pods {
		for _, c := range p.Containers {
			if c.Name != aistor.ContainerMinIO || c.Init {
				continue
			}
			if pods[c.Image] == nil {
				pods[c.Image] = map[string]int{}
			}
			pods[c.Image][cmp.Or(p.Store, "-")]++
		}
	}
	if len(pods) == 0 {
		return
	}
	term.PrintLine(w, `%s`, "Images as kubectl get pods shows them with -o jsonpath=")
	term.PrintLine(w, `%s`, `  '{.items[*].spec.containers[?(@.name=="minio")].image}'`)
	for _, image := range slices.Sorted(maps.Keys(pods)) {
		term.PrintLine(w, "  %s", term.SanitizeText(image))
		var of []string
		for _, store := range slices.Sorted(maps.Keys(pods[image])) {
			of = append(of, plural.Count(pods[image][store], "pod")+" of "+store)
		}
		term.PrintLine(w, "    %s", option.WrapText(term.SanitizeText(strings.Join(of, ", ")), 76, "    "))
	}
	term.PrintLine(w, "")
}
