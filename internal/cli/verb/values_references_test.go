package verb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestMirrorSetsRedirectWhatTheMirrorMapsAndNothingElse(t *testing.T) {
	t.Parallel()
	all := func(images.Ref) bool { return true }
	for name, tc := range map[string]struct {
		mirror images.Mirror
		refs   []string
		want   map[string]string
	}{
		"the vendor's path as a whole": {images.Mirror{Registry: "r.example.com"}, []string{"quay.io/minio/aistor/operator:a", "quay.io/minio/aistor/mc:b"},
			map[string]string{"quay.io/minio/aistor": "r.example.com/aistor"}},
		"an image with a place of its own": {
			images.Mirror{Registry: "r.example.com", Rules: []images.Rule{{From: "quay.io/minio/aistor/mc", To: "tools/mc"}}},
			[]string{"quay.io/minio/aistor/operator:a", "quay.io/minio/aistor/mc:b"},
			map[string]string{"quay.io/minio/aistor/operator": "r.example.com/aistor/operator", "quay.io/minio/aistor/mc": "r.example.com/tools/mc"}},
		"an image under another name": {
			images.Mirror{Registry: "r.example.com", Rules: []images.Rule{{From: "quay.io/minio/aistor/mc", To: "aistor/client"}}},
			[]string{"quay.io/minio/aistor/mc:b"}, map[string]string{"quay.io/minio/aistor/mc": "r.example.com/aistor/client"}},
		"of others the images alone": {images.Mirror{Registry: "r.example.com", Prefix: "p"}, []string{"busybox:1", "quay.io/minio/kes:c", "ghcr.io/acme/agent:v1"},
			map[string]string{
				"docker.io/library/busybox": "r.example.com/p/docker.io/library/busybox", "quay.io/minio/kes": "r.example.com/p/minio/kes",
				"ghcr.io/acme/agent": "r.example.com/p/ghcr.io/acme/agent",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := workflow.ParseRefs(tc.refs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, mirrorPairs(tc.mirror, list, all)); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
		})
	}
}
