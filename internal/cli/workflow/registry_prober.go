package workflow

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// registryProber answers the checks' questions about the private registry. It keeps a
// client for each pull secret, so that one login serves all images. It is safe
// for concurrent use.
type registryProber struct {
	program    *term.Program
	options    option.Registry
	mirror     plan.SiteRegistry
	userClient *registry.Client

	mu      sync.Mutex
	secrets map[[sha256.Size]byte]*registry.Client
}

// NewRegistryProber probes the private registry with the client own, which has the
// credentials of the user, and with those of pull secrets.
func NewRegistryProber(p *term.Program, o option.Registry, mirror plan.SiteRegistry, own *registry.Client) *registryProber {
	return &registryProber{program: p, options: o, mirror: mirror, userClient: own, secrets: map[[sha256.Size]byte]*registry.Client{}}
}

// Head asks for ref as a node with this pull secret would, or with the user's
// own credentials. The user's registry may have another name than the nodes'.
func (p *registryProber) Head(ctx context.Context, ref images.Ref, dockerConfigJSON []byte) (preflight.ManifestInfo, error) {
	client, err := p.clientFor(dockerConfigJSON)
	if err != nil {
		return preflight.ManifestInfo{}, err
	}
	if dockerConfigJSON == nil {
		ref = p.mirror.MapPush(ref)
	}
	raw, mediaType, d, err := client.Manifest(ctx, ref)
	if err != nil {
		return preflight.ManifestInfo{}, withKind(err)
	}
	found := preflight.ManifestInfo{Digest: d.Digest, MediaType: mediaType, Children: map[string]string{}, Config: map[string]string{}}
	err = describeManifest(ctx, client, ref, raw, &found)
	return found, withKind(err)
}

// CheckPushAccess asks whether the user may push to ref's repository.
func (p *registryProber) CheckPushAccess(ctx context.Context, ref images.Ref) error {
	return withKind(p.userClient.CanPush(ctx, p.mirror.MapPush(ref)))
}

// kindError tells the checks what kind of answer the registry gave.
type kindError struct {
	error
	kind string
}

// Kind is one of the checks' own words for it; the registry's are the same.
func (e kindError) Kind() string { return e.kind }

// Unwrap gives the registry's own error.
func (e kindError) Unwrap() error { return e.error }

func withKind(err error) error {
	var r *registry.Error
	if errors.As(err, &r) {
		return kindError{err, string(r.Kind)}
	}
	return err
}

func (p *registryProber) clientFor(secret []byte) (*registry.Client, error) {
	if secret == nil {
		return p.userClient, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := sha256.Sum256(secret)
	if c := p.secrets[key]; c != nil {
		return c, nil
	}
	o, err := p.options.BaseOptions(p.program)
	if err != nil {
		return nil, err
	}
	o.DockerConfigJSON = secret
	c, err := registry.New(o)
	if err == nil {
		p.secrets[key] = c
	}
	return c, err
}

// describeManifest reads the platforms out of an index, or out of the config
// of a single manifest.
func describeManifest(ctx context.Context, client *registry.Client, ref images.Ref, raw []byte, found *preflight.ManifestInfo) error {
	node, err := images.ParseManifest(raw, found.MediaType)
	if err != nil {
		return err
	}
	for _, child := range node.Manifests {
		if child.Platform != "" {
			found.Platforms = append(found.Platforms, child.Platform)
			found.Children[child.Platform] = child.Digest
		}
	}
	if images.IsIndex(found.MediaType) || len(node.Blobs) == 0 {
		return nil
	}
	config := node.Blobs[0].Digest
	body, _, err := client.OpenBlob(ctx, ref, config, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	var of struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	}
	if err := json.NewDecoder(body).Decode(&of); err != nil || of.OS == "" {
		return nil // not an image's config: the platform stays unknown
	}
	platform := of.OS + "/" + of.Architecture
	if of.Variant != "" {
		platform += "/" + of.Variant
	}
	found.Platforms = []string{platform}
	found.Children[platform], found.Config[platform] = found.Digest, config
	return nil
}
