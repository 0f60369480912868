package images_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// registryPair is a public and a private registry, with a client for both.
type registryPair struct {
	public, private *registrytest.Server
	client          *registry.Client
}

func newRegistryPair(t *testing.T, private ...registrytest.Option) *registryPair {
	t.Helper()
	p := &registryPair{public: registrytest.NewServer(t), private: registrytest.NewServer(t, private...)}
	var err error
	p.client, err = registry.New(registry.Options{
		PlainHTTP: []string{p.public.Host, p.private.Host},
		Wait:      func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publicRef is a reference in the public registry.
func (p *registryPair) publicRef(t *testing.T, rest string) images.Ref {
	t.Helper()
	return mustParseRef(t, p.public.Host+"/"+rest)
}

// mirror maps the public registry to the private one.
func (p *registryPair) mirror() images.Mirror {
	return images.Mirror{Registry: p.private.Host, Rules: []images.Rule{{From: p.public.Host + "/minio", To: "mirror"}}}
}

// push pushes the named public references, with their referrers, and fails the
// test on an error.
func (p *registryPair) push(t *testing.T, opts images.PushOptions, refs ...string) images.Receipt {
	t.Helper()
	receipt, err := images.Push(t.Context(), p.source(t, refs...), p.client, p.mirror(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// source reads the named references of the public registry.
func (p *registryPair) source(t *testing.T, refs ...string) *publicSource {
	t.Helper()
	s := &publicSource{client: p.client, absent: map[string]bool{}}
	for _, r := range refs {
		ref := p.publicRef(t, r)
		tree, err := images.Resolve(t.Context(), p.client, ref, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.artifacts = append(s.artifacts, images.Artifact{Kind: images.ArtifactImage, Ref: ref, Desc: tree.Top})
		referrers, _, err := images.FindReferrers(t.Context(), p.client, tree)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range referrers {
			s.artifacts = append(s.artifacts, images.Artifact{
				Kind: images.ArtifactReferrer, Ref: r.Tree.Ref, Subject: r.Subject, Desc: r.Tree.Top,
			})
		}
	}
	return s
}

// publicSource is a Source that reads a registry.
type publicSource struct {
	client    *registry.Client
	artifacts []images.Artifact
	absent    map[string]bool // blobs that are assumed on the other side
}

// Artifacts implements [images.Source].
func (s *publicSource) Artifacts() []images.Artifact { return s.artifacts }

// ReadManifest implements [images.Source].
func (s *publicSource) ReadManifest(ctx context.Context, a images.Artifact, d images.Descriptor) ([]byte, error) {
	at := a.Ref
	at.Tag, at.Digest = "", d.Digest
	raw, _, _, err := s.client.Manifest(ctx, at)
	return raw, err
}

// OpenBlob implements [images.Source].
func (s *publicSource) OpenBlob(ctx context.Context, a images.Artifact, digest string, from int64) (io.ReadCloser, error) {
	return images.OpenResuming(ctx, s.client, a.Ref, digest, from)
}

// HoldsBlob implements [images.Source].
func (s *publicSource) HoldsBlob(digest string) bool { return !s.absent[digest] }

// sameRegistrySource reads from the registry that the push goes to.
type sameRegistrySource struct{ *publicSource }

// SourceRepository implements [images.RegistrySource].
func (s sameRegistrySource) SourceRepository(a images.Artifact) images.Ref {
	return images.Ref{Host: a.Ref.Host, Path: a.Ref.Path}
}

func mustParseRef(t *testing.T, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
