package puller

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Endpoint is where a registry's host name leads inside the lab.
type Endpoint struct {
	// Address is host:port.
	Address string
	// TLS says that it speaks https, verified with Registries' authority.
	TLS bool
}

// Image is what a pull found out.
type Image struct {
	// ID is what a container's imageID says: repository@digest, the digest
	// being of what the tag names, an index if it names one.
	ID string
	// Labels are those of the platform's image configuration.
	Labels map[string]string
	// Foreign says that the image is for another platform although no index
	// said so; a runtime pulls it and then cannot execute it.
	Foreign bool
}

// Registries pulls from the registries the lab's nodes can reach. It is safe
// for concurrent use.
type Registries struct {
	endpoints map[string]Endpoint
	client    *http.Client
}

// NewRegistries knows the endpoints by the host that image names begin with;
// ca may be nil when none speaks TLS.
func NewRegistries(endpoints map[string]Endpoint, ca *x509.CertPool) *Registries {
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 16,
	}
	return &Registries{
		endpoints: endpoints,
		client:    &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}
}

const manifestTypes = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// Pull resolves an image for a platform with one credential, and asks for its
// configuration and whether its layers exist.
func (r *Registries) Pull(ctx context.Context, ref name.Reference, platform v1.Platform, cred Credential) (Image, error) {
	p := pull{r: r, repo: ref.Context(), cred: cred}
	var ok bool
	if p.endpoint, ok = r.endpoints[ref.Context().RegistryStr()]; !ok {
		return Image{}, p.resolving(ref, p.noSuchHost())
	}
	// HEAD first, as containerd does: its errors name that request.
	if _, err := p.do(ctx, http.MethodHead, "/manifests/"+ref.Identifier()); err != nil {
		return Image{}, p.resolving(ref, err)
	}
	body, digest, err := p.manifest(ctx, ref.Identifier())
	if err != nil {
		return Image{}, p.resolving(ref, err)
	}
	child, indexed, err := p.platform(ctx, body, platform)
	if err != nil {
		return Image{}, err
	}
	image, err := p.contents(ctx, child)
	if err != nil {
		return Image{}, err
	}
	image.ID = fmt.Sprintf("%s@%s", repository(ref), digest)
	found := image.platform
	image.Foreign = !indexed && found.Architecture != "" &&
		(found.Architecture != platform.Architecture || found.OS != platform.OS)
	return image.Image, nil
}

// repository is the name as users write it: docker.io, not its API's host.
func repository(ref name.Reference) string {
	return strings.Replace(ref.Context().Name(), name.DefaultRegistry, "docker.io", 1)
}

// errNotFound is containerd's.
var errNotFound = errors.New("not found")

// pull is one pull in progress.
type pull struct {
	r        *Registries
	repo     name.Repository
	endpoint Endpoint
	cred     Credential
}

// statusError is an answer other than 200.
type statusError struct {
	method, url string
	code        int
	anonymous   bool
}

func (e *statusError) Error() string {
	if e.code == http.StatusUnauthorized && e.anonymous {
		return "pull access denied, repository does not exist or may require authorization: " +
			"authorization failed: no basic auth credentials"
	}
	return fmt.Sprintf("unexpected status from %s request to %s: %d %s", e.method, e.url, e.code, http.StatusText(e.code))
}

func (p pull) resolving(ref name.Reference, err error) error {
	full := repository(ref) + delimiter(ref) + ref.Identifier()
	if se, ok := err.(*statusError); ok && se.code == http.StatusNotFound {
		return fmt.Errorf("failed to resolve reference %q: %s: %w", full, full, errNotFound)
	}
	return fmt.Errorf("failed to resolve reference %q: %w", full, err)
}

func delimiter(ref name.Reference) string {
	if _, ok := ref.(name.Digest); ok {
		return "@"
	}
	return ":"
}

func (p pull) noSuchHost() error {
	host, _, err := net.SplitHostPort(p.repo.RegistryStr())
	if err != nil {
		host = p.repo.RegistryStr()
	}
	return fmt.Errorf("failed to do request: Head %q: dial tcp: lookup %s: no such host",
		"https://"+p.repo.RegistryStr()+"/v2/"+p.repo.RepositoryStr()+"/manifests/", host)
}

func (p pull) manifest(ctx context.Context, id string) ([]byte, string, error) {
	body, err := p.do(ctx, http.MethodGet, "/manifests/"+id)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if strings.HasPrefix(id, "sha256:") && id != digest {
		return nil, "", fmt.Errorf("manifest has digest %s", digest)
	}
	return body, digest, nil
}

// platform gives the manifest of the platform: the body itself, or what an
// index names for it.
func (p pull) platform(ctx context.Context, body []byte, want v1.Platform) (*v1.Manifest, bool, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		return nil, false, err
	}
	if len(index.Manifests) == 0 {
		var m v1.Manifest
		return &m, false, json.Unmarshal(body, &m)
	}
	for _, d := range index.Manifests {
		if d.Platform == nil || d.Platform.OS != want.OS || d.Platform.Architecture != want.Architecture {
			continue
		}
		child, _, err := p.manifest(ctx, d.Digest.String())
		if err != nil {
			return nil, true, fmt.Errorf("failed to copy: content at %s: %w", d.Digest, err)
		}
		var m v1.Manifest
		return &m, true, json.Unmarshal(child, &m)
	}
	return nil, true, fmt.Errorf("no match for platform in manifest: %w", errNotFound)
}

// pulled is an image with the platform its configuration claims.
type pulled struct {
	Image
	platform v1.Platform
}

func (p pull) contents(ctx context.Context, m *v1.Manifest) (pulled, error) {
	body, err := p.do(ctx, http.MethodGet, "/blobs/"+m.Config.Digest.String())
	if err != nil {
		return pulled{}, fmt.Errorf("failed to copy: config %s: %w", m.Config.Digest, err)
	}
	var config v1.ConfigFile
	if err := json.Unmarshal(body, &config); err != nil {
		return pulled{}, fmt.Errorf("failed to read config %s: %w", m.Config.Digest, err)
	}
	for _, layer := range m.Layers {
		if _, err := p.do(ctx, http.MethodHead, "/blobs/"+layer.Digest.String()); err != nil {
			return pulled{}, fmt.Errorf("failed to copy: layer %s: %w", layer.Digest, err)
		}
	}
	return pulled{
		Image:    Image{Labels: config.Config.Labels},
		platform: v1.Platform{OS: config.OS, Architecture: config.Architecture},
	}, nil
}

// do asks the registry and gives the body of a 200.
func (p pull) do(ctx context.Context, method, path string) ([]byte, error) {
	scheme := "http"
	if p.endpoint.TLS {
		scheme = "https"
	}
	// Errors name the host the pod named, not where the lab keeps it.
	shown := scheme + "://" + p.repo.RegistryStr() + "/v2/" + p.repo.RepositoryStr() + path
	url := scheme + "://" + p.endpoint.Address + "/v2/" + p.repo.RepositoryStr() + path
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", manifestTypes)
	req.Header.Set("User-Agent", "containerd/lab")
	if p.cred != (Credential{}) {
		req.SetBasicAuth(p.cred.Username, p.cred.Password)
	}
	resp, err := p.r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("failed to do request: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{method, shown, resp.StatusCode, p.cred == Credential{}}
	}
	return io.ReadAll(io.LimitReader(resp.Body, 8<<20))
}
