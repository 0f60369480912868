package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// maxPages bounds how far a list of referrers is followed.
const maxPages = 100

// Find looks whether ref exists and what it points to. Mirrors are followed.
func (c *Client) Find(ctx context.Context, ref images.Ref) (Descriptor, bool, error) {
	d, err := c.Resolve(ctx, ref)
	switch KindOf(err) {
	case NotFound, NameUnknown:
		return Descriptor{}, false, nil
	}
	return d, err == nil, err
}

// Referrers lists what names the manifest digest of repo as its subject: by
// the registry's API, and where it has none by the tag that stands for it.
// Mirrors are followed. A digest that nothing refers to gives an empty list.
func (c *Client) Referrers(ctx context.Context, repo images.Ref, digest string) ([]Descriptor, error) {
	return c.fetchReferrers(ctx, repo, c.fetchEndpoint(repo), digest)
}

// ListReferrers is [Client.Referrers] of the registry that repo names.
func (c *Client) ListReferrers(ctx context.Context, repo images.Ref, digest string) ([]Descriptor, error) {
	return c.fetchReferrers(ctx, repo, directEndpoint(repo), digest)
}

func (c *Client) fetchReferrers(ctx context.Context, repo images.Ref, at repositoryEndpoint, digest string) ([]Descriptor, error) {
	list, err := c.referrersAPI(ctx, repo, at, digest)
	if !errors.Is(err, errNoReferrers) {
		return list, withFetchAddress(err, repo, at)
	}
	tag := images.Ref{Host: repo.Host, Path: repo.Path, Tag: images.ReferrersTag(digest)}
	raw, mediaType, _, err := c.fetchManifest(ctx, tag, at)
	switch KindOf(err) {
	case NotFound, NameUnknown:
		return nil, nil
	case "":
	default:
		return nil, withFetchAddress(err, tag, at)
	}
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil {
		return nil, fmt.Errorf("reading the referrers of %q: %w", repo.Name()+"@"+digest, err)
	}
	return node.Manifests, nil
}

// errNoReferrers says that the registry has no such API.
var errNoReferrers = errors.New("the registry lists no referrers")

// referrersAPI reads all pages of the list.
func (c *Client) referrersAPI(ctx context.Context, repo images.Ref, at repositoryEndpoint, digest string) ([]Descriptor, error) {
	ref := repo.Name() + "@" + digest
	q := call{
		op: "listing referrers", ref: ref, key: sessionKey{repositoryEndpoint: at}, method: http.MethodGet,
		path: "referrers/" + digest, header: http.Header{"Accept": {images.MediaTypeOCIIndex}}, ok: []int{http.StatusOK},
	}
	var list []Descriptor
	for range maxPages {
		page, next, err := c.referrersPage(ctx, q, at)
		list = append(list, page...)
		if err != nil || next == "" {
			return list, err
		}
		q.location = next
	}
	return nil, wrapError(q.op, at.host, ref, fmt.Errorf("the list has more than %d pages", maxPages))
}

func (c *Client) referrersPage(ctx context.Context, q call, at repositoryEndpoint) (page []Descriptor, next string, err error) {
	resp, err := c.sendWithRetry(ctx, q)
	if s := statusOf(err); s == http.StatusNotFound || s == http.StatusMethodNotAllowed || s == http.StatusBadRequest || s == http.StatusNotImplemented {
		return nil, "", errNoReferrers
	}
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if mediaType(resp) != images.MediaTypeOCIIndex {
		return nil, "", errNoReferrers // a page for people, or a proxy's own
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, images.MaxManifestSize))
	if err != nil {
		return nil, "", wrapError(q.op, at.host, q.ref, err)
	}
	node, err := images.ParseManifest(raw, images.MediaTypeOCIIndex)
	if err != nil {
		return nil, "", wrapError(q.op, at.host, q.ref, err)
	}
	return node.Manifests, nextPage(resp), nil
}

// nextPage reads the Link header. A page elsewhere is not followed: the token
// is not for other hosts.
func nextPage(resp *http.Response) string {
	for _, link := range resp.Header.Values("Link") {
		to, params, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if !ok || !strings.Contains(params, `rel="next"`) {
			continue
		}
		here := resp.Request.URL
		if u, err := here.Parse(to); err == nil && u.Scheme == here.Scheme && u.Host == here.Host {
			return u.String()
		}
	}
	return ""
}
