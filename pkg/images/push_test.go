package images_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	serverImage = "minio/aistor/minio:v1"
	clientImage = "minio/aistor/mc:v1"
)

// addImages puts two images with a common layer into the public registry: an
// index of two platforms and a single image.
func addImages(t *testing.T, s *registrytest.Server) (server, client images.Descriptor) {
	t.Helper()
	shared := registrytest.NewLayer(1, 20_000)
	server = s.AddIndex(t, "minio/aistor/minio", "v1", []string{"linux/amd64", "linux/arm64"}, shared)
	client = s.AddImage(t, "minio/aistor/mc", "v1", "linux/amd64", shared)
	return server, client
}

func outcomes(r images.Receipt) map[string]images.Outcome {
	out := map[string]images.Outcome{}
	for _, a := range r.Artifacts {
		_, repository, _ := strings.Cut(a.Destination, "/")
		out[repository] = a.Outcome
	}
	return out
}

func TestPushKeepsTagsAndDigests(t *testing.T) {
	t.Parallel()
	tests := map[string][]registrytest.Option{
		"a registry that mounts":         nil,
		"a registry without mount":       {registrytest.WithoutMount()},
		"a registry without HEAD":        {registrytest.WithoutHead()},
		"a registry without open ranges": {registrytest.WithoutRange()},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t, opts...)
			server, client := addImages(t, p.public)
			receipt := p.push(t, images.PushOptions{}, serverImage, clientImage)
			if receipt.PushedCount() != 2 || receipt.BytesSent() == 0 {
				t.Errorf("receipt %+v", receipt)
			}
			for ref, want := range map[string]images.Descriptor{"mirror/aistor/minio:v1": server, "mirror/aistor/mc:v1": client} {
				got, ok, err := p.client.HeadManifest(t.Context(), mustParseRef(t, p.private.Host+"/"+ref))
				if err != nil || !ok || got.Digest != want.Digest {
					t.Errorf("%s is %+v, %v, %v, want %s", ref, got, ok, err, want.Digest)
				}
			}
		})
	}
}

func TestPushSendsSharedBlobOnce(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	receipt := p.push(t, images.PushOptions{}, serverImage, clientImage)
	var mounted int64
	for _, a := range receipt.Artifacts {
		mounted += a.BytesMounted
	}
	if mounted != 20_000 {
		t.Errorf("%d bytes mounted, want 20000: %+v", mounted, receipt.Artifacts)
	}
}

func TestPushMountsFromArtifactThatIsPresent(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	p.push(t, images.PushOptions{}, serverImage)
	receipt := p.push(t, images.PushOptions{}, serverImage, clientImage)
	want := map[string]images.Outcome{"mirror/aistor/minio:v1": images.OutcomePresent, "mirror/aistor/mc:v1": images.OutcomePushed}
	if diff := cmp.Diff(want, outcomes(receipt)); diff != "" {
		t.Error(diff)
	}
	if got := receipt.Artifacts[1].BytesMounted; got != 20_000 {
		t.Errorf("%d bytes mounted, want 20000", got)
	}
}

func TestPushMountsWithinOneRegistry(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	src := sameRegistrySource{p.source(t, clientImage)}
	mirror := images.Mirror{Registry: "registry.example.com", PushRegistry: p.public.Host, Prefix: "copy"}
	receipt, err := images.Push(t.Context(), src, p.client, mirror, images.PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := receipt.Artifacts[0].Destination; !strings.HasPrefix(got, p.public.Host+"/copy/") {
		t.Fatalf("pushed to %s", got)
	}
	if receipt.BytesSent() != 0 {
		t.Errorf("%d bytes sent within one registry", receipt.BytesSent())
	}
}

func TestPushAgainChangesNothing(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	p.push(t, images.PushOptions{}, serverImage, clientImage)
	src := p.source(t, serverImage, clientImage)
	p.private.ResetLog()
	receipt, err := images.Push(t.Context(), src, p.client, p.mirror(), images.PushOptions{})
	if err != nil || receipt.PushedCount() != 0 {
		t.Fatalf("%d pushed, %v", receipt.PushedCount(), err)
	}
	if n := len(p.private.RequestLog()); n != 2 {
		t.Errorf("%d requests for 2 artifacts: %v", n, p.private.RequestLog())
	}
}

func TestPushDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	p.push(t, images.PushOptions{}, clientImage)
	p.private.ResetLog()
	receipt := p.push(t, images.PushOptions{DryRun: true}, serverImage, clientImage)
	want := map[string]images.Outcome{"mirror/aistor/minio:v1": images.OutcomeMissing, "mirror/aistor/mc:v1": images.OutcomePresent}
	if diff := cmp.Diff(want, outcomes(receipt)); diff != "" {
		t.Error(diff)
	}
	if n := p.private.CountRequests("^(PUT|POST|PATCH|DELETE) "); n != 0 || !receipt.DryRun {
		t.Errorf("%d writes: %v", n, p.private.RequestLog())
	}
}

func TestPushReportsTagConflicts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		overwrite bool
		replaced  bool
	}{
		"without --overwrite-tag nothing is pushed": {},
		"with it the old digest is in the receipt":  {overwrite: true, replaced: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t)
			addImages(t, p.public)
			before := p.private.AddImage(t, "mirror/aistor/mc", "v1", "linux/amd64", []byte("another build"))
			receipt, err := images.Push(t.Context(), p.source(t, serverImage, clientImage), p.client, p.mirror(),
				images.PushOptions{OverwriteTags: tt.overwrite})
			var conflict *images.TagConflictError
			if errors.As(err, &conflict) == tt.replaced {
				t.Fatalf("got %v", err)
			}
			if !tt.replaced {
				if conflict.Received != before.Digest || conflict.Hint() == "" || !strings.Contains(conflict.Error(), "received: "+before.Digest) {
					t.Errorf("got %v", conflict)
				}
				if n := p.private.CountRequests("^(POST|PATCH|PUT) .*uploads|^PUT "); n != 0 {
					t.Errorf("%d writes before the conflict was reported", n)
				}
				return
			}
			if got := receipt.Artifacts[1].Replaced; got != before.Digest {
				t.Errorf("replaced %q, want %q", got, before.Digest)
			}
		})
	}
}

// An index of more platforms serves the nodes as well as the image itself.
func TestPushKeepsIndexThatHoldsTheImage(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	p.public.AddIndex(t, "minio/aistor/minio", "v1", []string{"linux/amd64", "linux/arm64"})
	p.push(t, images.PushOptions{}, serverImage)
	tree, err := images.Resolve(t.Context(), p.client, p.publicRef(t, serverImage), []string{"linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	src := p.source(t)
	src.artifacts = []images.Artifact{{Kind: images.ArtifactImage, Ref: tree.Ref, Desc: tree.Top}}
	receipt, err := images.Push(t.Context(), src, p.client, p.mirror(), images.PushOptions{})
	if err != nil || receipt.PushedCount() != 0 || receipt.Artifacts[0].Within != tree.SourceDigest {
		t.Errorf("receipt %+v, %v; want within %s", receipt.Artifacts, err, tree.SourceDigest)
	}
}

func TestPushOfDifferenceProvesWhatItAssumes(t *testing.T) {
	t.Parallel()
	shared := images.DigestOf(registrytest.NewLayer(1, 20_000))
	for name, held := range map[string]bool{"the registry holds the blob": true, "the registry lacks the blob": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t)
			addImages(t, p.public)
			if held {
				p.push(t, images.PushOptions{}, serverImage)
			}
			src := p.source(t, serverImage, clientImage)
			if !held {
				src = p.source(t, clientImage)
			}
			src.absent[shared] = true
			p.private.ResetLog()
			_, err := images.Push(t.Context(), src, p.client, p.mirror(), images.PushOptions{})
			var assumed *images.AssumedError
			switch {
			case held && err != nil:
				t.Error(err)
			case !held && (!errors.As(err, &assumed) || assumed.Digest != shared || assumed.Hint() == "" || !strings.Contains(assumed.Error(), shared)):
				t.Errorf("got %v", err)
			case !held && p.private.CountRequests("^(PUT|POST|PATCH) ") > 0:
				t.Errorf("written all the same: %v", p.private.RequestLog())
			}
		})
	}
}

func TestPushListsReferrers(t *testing.T) {
	t.Parallel()
	tests := map[string][]registrytest.Option{
		"a registry with the referrers API": {registrytest.WithReferrers()},
		"a registry with a list in a tag":   nil,
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t, opts...)
			_, client := addImages(t, p.public)
			sbom := p.public.AddReferrer(t, "minio/aistor/mc", client, "application/spdx+json", []byte("sbom"))
			p.public.AddCosign(t, "minio/aistor/mc", client, []byte("signature"))
			for range 2 { // the second time everything is present
				p.push(t, images.PushOptions{}, clientImage)
				got, err := p.client.ListReferrers(t.Context(), mustParseRef(t, p.private.Host+"/mirror/aistor/mc:v1"), client.Digest)
				if err != nil || len(got) != 1 || got[0].Digest != sbom.Digest {
					t.Errorf("referrers %+v, %v, want %s", got, err, sbom.Digest)
				}
			}
			signature := p.private.Host + "/mirror/aistor/mc:" + images.ReferrersTag(client.Digest) + ".sig"
			if _, ok, err := p.client.HeadManifest(t.Context(), mustParseRef(t, signature)); !ok || err != nil {
				t.Errorf("signature: %v, %v", ok, err)
			}
		})
	}
}

// A list that another tool made keeps its entries.
func TestPushAddsToExistingReferrersList(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	_, client := addImages(t, p.public)
	p.push(t, images.PushOptions{}, clientImage)
	theirs := p.private.AddReferrer(t, "mirror/aistor/mc", client, "application/theirs", []byte("theirs"))
	ours := p.public.AddReferrer(t, "minio/aistor/mc", client, "application/ours", []byte("ours"))
	p.push(t, images.PushOptions{}, clientImage)
	list, err := p.client.ListReferrers(t.Context(), mustParseRef(t, p.private.Host+"/mirror/aistor/mc:v1"), client.Digest)
	var got []string
	for _, d := range list {
		got = append(got, d.Digest)
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values([]string{theirs.Digest, ours.Digest}))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestPushResumesBrokenBlobs(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	p.public.AddImage(t, "minio/aistor/mc", "v1", "linux/amd64", registrytest.NewLayer(3, 200_000))
	src := p.source(t, clientImage)
	p.public.InjectFault(registrytest.Fault{Match: "^GET .*/blobs/", BreakAfter: 50_000, Times: 1})
	p.public.ResetLog()
	var mu sync.Mutex
	moved := int64(0)
	receipt, err := images.Push(t.Context(), src, p.client, p.mirror(), images.PushOptions{Progress: func(e images.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == images.EventMoved {
			moved += e.Bytes
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if moved != receipt.BytesSent() {
		t.Errorf("progress says %d bytes, the receipt %d", moved, receipt.BytesSent())
	}
	if served := p.public.BytesServed(); served > 260_000 {
		t.Errorf("%d bytes read for 200000: the blob began again", served)
	}
}

func TestPushFailsWithoutATag(t *testing.T) {
	t.Parallel()
	tests := map[string]registrytest.Fault{
		"a blob is refused":     {Match: "^(PUT|POST|PATCH) .*uploads", Status: 403},
		"a manifest is refused": {Match: "^PUT .*/manifests/sha256:", Status: 403},
		"the tag is refused":    {Match: "^PUT .*/manifests/v1", Status: 403},
		"nothing may be asked":  {Match: "^(HEAD|GET) ", Status: 403},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t)
			addImages(t, p.public)
			src := p.source(t, serverImage)
			p.private.InjectFault(fault)
			receipt, err := images.Push(t.Context(), src, p.client, p.mirror(), images.PushOptions{})
			if err == nil || len(receipt.Artifacts) != 1 || receipt.Artifacts[0].Outcome == images.OutcomePushed {
				t.Fatalf("receipt %+v, %v", receipt.Artifacts, err)
			}
			p.private.ClearFaults()
			if _, ok, err := p.client.HeadManifest(t.Context(), mustParseRef(t, p.private.Host+"/mirror/aistor/minio:v1")); ok || err != nil {
				t.Errorf("the tag exists: %v, %v", ok, err)
			}
		})
	}
}

func TestPushRefusesImpossibleNames(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	src := p.source(t, clientImage)
	for name, mirror := range map[string]images.Mirror{
		"a prefix that climbs": {Registry: p.private.Host, Prefix: "../b"},
		"upper case":           {Registry: p.private.Host, Prefix: "Mirror"},
	} {
		var invalid *images.NameError
		_, err := images.Push(t.Context(), src, p.client, mirror, images.PushOptions{})
		if !errors.As(err, &invalid) || invalid.Hint() == "" || invalid.Error() == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := images.Push(t.Context(), src, p.client, images.Mirror{}, images.PushOptions{}); err == nil {
		t.Error("a mirror without a registry is accepted")
	}
	if n := len(p.private.RequestLog()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestListRepositories(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	addImages(t, p.public)
	src := p.source(t, serverImage, clientImage)
	src.artifacts = append(src.artifacts, images.Artifact{Kind: images.ArtifactChart, Name: "aistor-operator", Version: "1.0.0"})
	for name, tt := range map[string]struct {
		opts images.PushOptions
		want []string
	}{
		"with charts":    {images.PushOptions{ChartsPath: "helm"}, []string{"helm/aistor-operator", "mirror/aistor/mc", "mirror/aistor/minio"}},
		"without charts": {images.PushOptions{NoCharts: true}, []string{"mirror/aistor/mc", "mirror/aistor/minio"}},
	} {
		got := images.ListRepositories(src, p.mirror(), tt.opts)
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], p.private.Host+"/")
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
