package verb

import (
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// unseen is the error of a verb that has shown what it saw and could not see
// all that it shows; nil where it could. What the verb does not show, and what
// nobody needs to see, is not an error.
func unseen(f *plan.Facts, unused ...string) error {
	gaps := f.OpenGaps(unused...)
	if len(gaps) == 0 {
		return nil
	}
	return &planinput.UnseenError{Doing: "reading the cluster", Gaps: gaps}
}

// notInStatus are the resources that status does not show, and notInImages those
// that have no part in the list of images.
var (
	notInStatus = []string{"nodes", "mutatingwebhookconfigurations", "clusterrolebindings", "rolebindings", "services", "endpointslices",
		"poddisruptionbudgets", "serviceaccounts", "events", "namespaces"}
	notInImages = append([]string{"persistentvolumeclaims", "persistentvolumes", "customresourcedefinitions", "secrets"}, notInStatus...)
)
