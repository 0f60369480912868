package verb

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// absentImage is an image that is pulled with the rewritten values and that the
// bundle does not carry, so that it has to be in the registry already.
type absentImage struct {
	Ref    images.Ref    `json:"ref"`
	Reason images.Reason `json:"reason"`
}

// absentImages holds what the rewritten values pull against what the bundle
// carries. Images of features that are switched off are left out.
func absentImages(result *values.Result, carried []bundle.ImageEntry, registry plan.SiteRegistry) []absentImage {
	private := map[images.Ref]bool{}
	for _, e := range carried {
		private[registry.Map(e.Ref)] = true
	}
	var list []absentImage
	for _, i := range result.Images {
		needed := slices.IndexFunc(i.Reasons, func(r images.Reason) bool { return r.Kind.IsRequired() })
		if needed >= 0 && registry.Owns(i.Ref) && !private[i.Ref] {
			list = append(list, absentImage{Ref: i.Ref, Reason: i.Reasons[needed]})
		}
	}
	return list
}
