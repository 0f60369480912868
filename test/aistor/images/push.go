package images

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
)

// Target is where images are pushed.
type Target struct {
	// Registry is host or host:port.
	Registry string
	// PlainHTTP speaks http, also to hosts that are not local.
	PlainHTTP bool
	// Transport is the default one where nil, Auth anonymous where nil.
	Transport http.RoundTripper
	Auth      authn.Authenticator
	// Map gives the repository below the registry and the tag for an image. The
	// default is Upstream.
	Map func(aistor.Image) string
	// Jobs is how many images are pushed at once. The default is 4.
	Jobs int
}

// Upstream keeps the original host as the first part, as a mirror of everything
// does: quay.io/minio/aistor/operator:TAG.
func Upstream(image aistor.Image) string { return image.Reference() }

// Mapped returns the mapping of a private registry: PREFIX/aistor/operator:TAG.
func Mapped(prefix string) func(aistor.Image) string {
	return func(image aistor.Image) string {
		path := strings.TrimPrefix(image.Reference(), "quay.io/")
		if rest, ok := strings.CutPrefix(path, "minio/aistor/"); ok {
			path = "aistor/" + rest
		}
		return strings.TrimPrefix(strings.Trim(prefix, "/")+"/"+path, "/")
	}
}

// Pushed says where an image went.
type Pushed struct {
	// Source is the upstream reference, Target the full reference it has now.
	Source, Target string
	// Digest is the index's.
	Digest string
}

// Push builds and pushes the images, several at once. What the registry has
// already is not sent again. The result is in the order of the images.
func (b *Builder) Push(ctx context.Context, to Target, images ...aistor.Image) ([]Pushed, error) {
	if to.Map == nil {
		to.Map = Upstream
	}
	pusher, err := remote.NewPusher(to.options(ctx)...)
	if err != nil {
		return nil, fmt.Errorf("preparing push to %q: %w", to.Registry, err)
	}
	out := make([]Pushed, len(images))
	// The first image goes alone: it brings the layers that all share, which the
	// registry may then have for the others.
	var first sync.Once
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(to.Jobs, 1))
	if to.Jobs == 0 {
		group.SetLimit(4)
	}
	for i, image := range images {
		push := func() error {
			pushed, err := b.push(ctx, pusher, to, image)
			out[i] = pushed
			return err
		}
		alone := false
		first.Do(func() { alone = true; err = push() })
		if err != nil {
			return nil, err
		}
		if !alone {
			group.Go(push)
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (b *Builder) push(ctx context.Context, pusher *remote.Pusher, to Target, image aistor.Image) (Pushed, error) {
	target := to.Registry + "/" + to.Map(image)
	var options []name.Option
	if to.PlainHTTP {
		options = append(options, name.Insecure)
	}
	tag, err := name.NewTag(target, options...)
	if err != nil {
		return Pushed{}, fmt.Errorf("pushing %q: %w", target, err)
	}
	index, err := b.Index(image)
	if err != nil {
		return Pushed{}, err
	}
	digest, err := index.Digest()
	if err != nil {
		return Pushed{}, fmt.Errorf("pushing %q: %w", target, err)
	}
	if err := pusher.Push(ctx, tag, index); err != nil {
		return Pushed{}, fmt.Errorf("pushing %q: %w", target, err)
	}
	return Pushed{Source: image.Reference(), Target: target, Digest: digest.String()}, nil
}

func (t Target) options(ctx context.Context) []remote.Option {
	options := []remote.Option{remote.WithContext(ctx), remote.WithJobs(4)}
	if t.Transport != nil {
		options = append(options, remote.WithTransport(t.Transport))
	}
	if t.Auth != nil {
		options = append(options, remote.WithAuth(t.Auth))
	}
	return options
}
