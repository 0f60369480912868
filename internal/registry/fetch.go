package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// acceptHeader lists what a manifest may be, the newest forms first.
func acceptHeader() http.Header {
	return http.Header{"Accept": {strings.Join([]string{
		images.MediaTypeOCIIndex, images.MediaTypeOCIManifest,
		images.MediaTypeDockerList, images.MediaTypeDockerManifest, "*/*;q=0.1",
	}, ", ")}}
}

// Ping asks whether host is a registry that can be reached. It needs no
// credentials and checks none.
func (c *Client) Ping(ctx context.Context, hostname string) error {
	h := c.hostState(registryHost(hostname))
	if h.err != nil {
		return wrapError("reaching registry", hostname, hostname, h.err)
	}
	_, err := c.fetchChallenge(ctx, h)
	return wrapError("reaching registry", hostname, hostname, err)
}

// Resolve says what ref points to, an index included. It asks with HEAD, and
// with GET where a registry answers HEAD badly.
func (c *Client) Resolve(ctx context.Context, ref images.Ref) (Descriptor, error) {
	at := c.fetchEndpoint(ref)
	d, err := c.headManifest(ctx, ref, at)
	if err != nil && KindOf(err) != Unauthorized && KindOf(err) != Unreachable && KindOf(err) != TLS {
		_, _, d, err = c.fetchManifest(ctx, ref, at)
	}
	return d, withFetchAddress(err, ref, at)
}

// withFetchAddress adds the mirror's address to an error: the reference
// alone would name a registry that was never asked. An error about something
// else is left alone: it is the cause for which the context was cancelled, and
// others hold it as well.
func withFetchAddress(err error, ref images.Ref, at repositoryEndpoint) error {
	e, ok := err.(*Error) //nolint:errorlint // only our own, not one inside of another
	if !ok || at == directEndpoint(ref) || e.Ref != ref.String() {
		return err
	}
	found := *e
	found.FetchAddress = images.Ref{Host: at.host, Path: at.path, Tag: ref.Tag, Digest: ref.Digest}.String()
	return &found
}

// HeadManifest reports what ref points to, and false where there is nothing.
func (c *Client) HeadManifest(ctx context.Context, ref images.Ref) (Descriptor, bool, error) {
	d, err := c.headManifest(ctx, ref, directEndpoint(ref))
	switch KindOf(err) {
	case NotFound, NameUnknown:
		return Descriptor{}, false, nil
	}
	return d, err == nil, err
}

func (c *Client) headManifest(ctx context.Context, ref images.Ref, at repositoryEndpoint) (Descriptor, error) {
	resp, err := c.sendWithRetry(ctx, call{
		op: "looking up", ref: ref.String(), key: sessionKey{repositoryEndpoint: at},
		method: http.MethodHead, path: "manifests/" + ref.Identifier(), header: acceptHeader(), ok: []int{http.StatusOK},
	})
	if isHeadUnsupported(err) {
		_, _, d, err := c.fetchManifest(ctx, ref, at)
		return d, err
	}
	if err != nil {
		return Descriptor{}, err
	}
	defer resp.Body.Close()
	d := Descriptor{
		MediaType: mediaType(resp), Size: max(resp.ContentLength, 0),
		Digest: resp.Header.Get("Docker-Content-Digest"),
	}
	if images.CheckDigest(d.Digest) != nil || (ref.Digest != "" && d.Digest != ref.Digest) {
		_, _, d, err = c.fetchManifest(ctx, ref, at)
	}
	return d, err
}

// isHeadUnsupported is true where HEAD itself is what the registry does not take.
func isHeadUnsupported(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented || e.Status == http.StatusBadRequest)
}

// Manifest returns the manifest ref names byte for byte, with its media type
// and descriptor. The bytes are checked against the digest that the reference
// or the registry names.
func (c *Client) Manifest(ctx context.Context, ref images.Ref) ([]byte, string, Descriptor, error) {
	at := c.fetchEndpoint(ref)
	raw, mediaType, d, err := c.fetchManifest(ctx, ref, at)
	return raw, mediaType, d, withFetchAddress(err, ref, at)
}

func (c *Client) fetchManifest(ctx context.Context, ref images.Ref, at repositoryEndpoint) ([]byte, string, Descriptor, error) {
	const op = "fetching manifest"
	var torn error
	for range 3 {
		resp, err := c.sendWithRetry(ctx, call{
			op: op, ref: ref.String(), key: sessionKey{repositoryEndpoint: at},
			method: http.MethodGet, path: "manifests/" + ref.Identifier(), header: acceptHeader(), ok: []int{http.StatusOK},
		})
		if err != nil {
			return nil, "", Descriptor{}, err
		}
		raw, err := io.ReadAll(io.LimitReader(resp.Body, images.MaxManifestSize+1))
		_ = resp.Body.Close()
		if err != nil {
			torn = wrapError(op, at.host, ref.String(), err)
			continue
		}
		if len(raw) > images.MaxManifestSize {
			return nil, "", Descriptor{}, wrapError(op, at.host, ref.String(), fmt.Errorf("it is larger than %d bytes", images.MaxManifestSize))
		}
		d := Descriptor{MediaType: mediaType(resp), Digest: images.DigestOf(raw), Size: int64(len(raw))}
		if want := expectedDigest(ref, resp); want != "" && want != d.Digest {
			torn = &Error{Kind: Digest, Op: op, Host: at.host, Ref: ref.String(), Status: resp.StatusCode,
				Err: message.Errorf("digest mismatch\nreceived: %s\nexpected: %s", d.Digest, want)}
			continue
		}
		return raw, d.MediaType, d, nil
	}
	return nil, "", Descriptor{}, torn
}

func expectedDigest(ref images.Ref, resp *http.Response) string {
	if ref.Digest != "" {
		return ref.Digest
	}
	if d := resp.Header.Get("Docker-Content-Digest"); images.CheckDigest(d) == nil {
		return d
	}
	return ""
}

func mediaType(resp *http.Response) string {
	mt, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(mt)
}

// HasBlob reports whether repo holds the blob.
func (c *Client) HasBlob(ctx context.Context, repo images.Ref, digest string) (bool, error) {
	return c.hasBlob(ctx, directEndpoint(repo), repo.Name()+"@"+digest, digest)
}

func (c *Client) hasBlob(ctx context.Context, at repositoryEndpoint, ref, digest string) (bool, error) {
	q := call{
		op: "looking for blob", ref: ref, key: sessionKey{repositoryEndpoint: at},
		method: http.MethodHead, path: "blobs/" + digest, ok: []int{http.StatusOK},
	}
	resp, err := c.sendWithRetry(ctx, q)
	if isHeadUnsupported(err) { // one byte tells as much
		q.method, q.header = http.MethodGet, http.Header{"Range": {"bytes=0-0"}}
		q.ok = []int{http.StatusOK, http.StatusPartialContent}
		resp, err = c.sendWithRetry(ctx, q)
	}
	switch {
	case KindOf(err) == NotFound || KindOf(err) == NameUnknown:
		return false, nil
	case err != nil:
		return false, err
	}
	return true, resp.Body.Close()
}

// OpenBlob streams a blob from an offset, with the number of bytes that
// follow, -1 if the registry does not say. A registry that ignores the offset
// sends all of it again; what comes before the offset is then read and
// dropped. A download whose bytes stop coming ends in an error of kind
// Unreachable. The bytes are not checked.
func (c *Client) OpenBlob(ctx context.Context, repo images.Ref, digest string, from int64) (io.ReadCloser, int64, error) {
	at, ref := c.fetchEndpoint(repo), repo.Name()+"@"+digest
	q := call{
		op: "fetching blob", ref: ref, key: sessionKey{repositoryEndpoint: at},
		method: http.MethodGet, path: "blobs/" + digest, ok: []int{http.StatusOK},
	}
	if from > 0 {
		q.header = http.Header{"Range": {"bytes=" + strconv.FormatInt(from, 10) + "-"}}
		q.ok = []int{http.StatusOK, http.StatusPartialContent}
	}
	resp, err := c.sendWithRetry(ctx, q)
	if from > 0 && statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		q.header, q.ok = nil, []int{http.StatusOK}
		resp, err = c.sendWithRetry(ctx, q)
	}
	asked := images.Ref{Host: repo.Host, Path: repo.Path, Digest: digest}
	typed := func(err error) error { return withFetchAddress(wrapError(q.op, at.host, ref, err), asked, at) }
	if err != nil {
		return nil, 0, typed(err)
	}
	rc := &blobBody{resp.Body, typed}
	size := resp.ContentLength
	if from > 0 && !isContinuation(resp, from) {
		if resp.StatusCode == http.StatusPartialContent {
			_ = rc.Close()
			return nil, 0, typed(fmt.Errorf("the registry sent the wrong range %q for offset %d", resp.Header.Get("Content-Range"), from))
		}
		if _, err := io.CopyN(io.Discard, rc, from); err != nil {
			_ = rc.Close()
			return nil, 0, typed(err)
		}
		if size >= 0 {
			size -= from
		}
	}
	return rc, size, nil
}

func statusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// isContinuation reports whether the answer is the rest from the offset.
func isContinuation(resp *http.Response, from int64) bool {
	return resp.StatusCode == http.StatusPartialContent &&
		strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))
}
