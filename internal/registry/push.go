package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// minCheckedBlobSize is the least size for which it pays to ask whether a blob is there:
// sending a smaller one takes as long as the answer, and what is new, as configs
// nearly always are, then takes two requests in place of three.
const minCheckedBlobSize = 16 << 10

// PushBlob puts a blob into a repository and says how it came there. It first
// tries to mount it from the named repositories of the same registry; then it
// asks whether it is there, unless it is very small; then it is sent in one
// request, read with open. The registry checks the digest, so a source whose
// bytes changed meanwhile ends in an error of kind Digest.
func (c *Client) PushBlob(ctx context.Context, repo images.Ref, d Descriptor, open func(from int64) (io.ReadCloser, error), mountFrom []string) (images.Outcome, error) {
	at, ref := directEndpoint(repo), repo.Name()+"@"+d.Digest
	location := ""
	for _, from := range mountFrom {
		if from == at.path {
			continue
		}
		mounted, loc, err := c.mountBlob(ctx, at, ref, d.Digest, from)
		if err != nil {
			return "", err
		}
		if mounted {
			return images.OutcomeMounted, nil
		}
		location = loc
		break // each refusal opens an upload: one is enough
	}
	if d.Size >= minCheckedBlobSize {
		there, err := c.hasBlob(ctx, at, ref, d.Digest)
		if err != nil {
			return "", err
		}
		if there {
			c.cancelUpload(ctx, at, location)
			return images.OutcomePresent, nil
		}
	}
	return images.OutcomePushed, c.uploadBlob(ctx, at, ref, d, open, location)
}

// mountBlob asks for a link from another repository. A registry that does not
// link opens an upload instead, whose location is returned.
func (c *Client) mountBlob(ctx context.Context, at repositoryEndpoint, ref, digest, from string) (bool, string, error) {
	resp, err := c.sendWithRetry(ctx, call{
		op: "mounting blob", ref: ref, key: sessionKey{repositoryEndpoint: at, push: true, from: from},
		method: http.MethodPost, path: "blobs/uploads/", query: url.Values{"mount": {digest}, "from": {from}},
		ok: []int{http.StatusCreated, http.StatusAccepted},
	})
	switch KindOf(err) {
	case "":
	case Forbidden, NotFound, NameUnknown, Unauthorized:
		return false, "", nil // not allowed to read there: send it
	default:
		if statusOf(err) >= 400 && statusOf(err) < 500 {
			return false, "", nil // mounting itself is not taken
		}
	}
	if err != nil {
		return false, "", err
	}
	defer drainBody(resp)
	if resp.StatusCode == http.StatusCreated {
		return true, "", nil
	}
	loc, err := c.uploadLocation(resp)
	return false, loc, err
}

// uploadBlob sends the blob. Each attempt is a new upload: registries differ too
// much in how they continue one.
func (c *Client) uploadBlob(ctx context.Context, at repositoryEndpoint, ref string, d Descriptor, open func(from int64) (io.ReadCloser, error), loc string) error {
	const op = "pushing blob"
	for attempt := 1; ; attempt++ {
		err := c.uploadOnce(ctx, at, ref, d, open, loc)
		if err == nil {
			return nil
		}
		loc = ""
		var done *Error
		if errors.As(err, &done) {
			return err // was tried often enough where it arose
		}
		wait, again := c.shouldRetry(ctx, err, attempt)
		again = again || (attempt < 3 && ctx.Err() == nil && isUploadExpired(err))
		if !again {
			return wrapError(op, at.host, ref, err)
		}
		c.notifyRetry(at.host, err, wait)
		if err := c.delayHost(ctx, c.hostState(at.host), err, wait); err != nil {
			return err
		}
	}
}

// isUploadExpired is true for an upload that the registry no longer knows, and for one
// whose token ran out on the way: then the body has been used up for the first
// answer and the repetition fails without one.
func isUploadExpired(err error) bool {
	var (
		te   *transport.Error
		body *bodyError
	)
	if errors.As(err, &te) {
		return te.StatusCode == http.StatusNotFound
	}
	return !errors.As(err, &body)
}

func (c *Client) uploadOnce(ctx context.Context, at repositoryEndpoint, ref string, d Descriptor, open func(from int64) (io.ReadCloser, error), loc string) error {
	if loc == "" {
		var err error
		if loc, err = c.startUpload(ctx, at, ref); err != nil {
			return err
		}
	}
	end, err := completionURL(loc, d.Digest)
	if err != nil {
		return err
	}
	var body *sourceBody
	put := call{
		op: "pushing blob", ref: ref, key: sessionKey{repositoryEndpoint: at, push: true}, method: http.MethodPut, location: end,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		size:   d.Size,
		body: func() (io.ReadCloser, error) {
			rc, err := open(0)
			body = &sourceBody{ReadCloser: rc}
			return body, err
		},
		ok: []int{http.StatusCreated, http.StatusNoContent, http.StatusOK},
	}
	h := c.hostState(at.host)
	if err := h.waitUntilReady(ctx, c.opts.Wait); err != nil {
		return err
	}
	resp, err := c.sendOnce(ctx, h, put)
	if err != nil {
		if cause := body.failure(); cause != nil {
			return &bodyError{cause}
		}
		return err
	}
	drainBody(resp)
	return nil
}

// completionURL is the address that takes a whole blob and ends the upload at loc.
func completionURL(loc, digest string) (string, error) {
	u, err := url.Parse(loc)
	if err != nil {
		return "", fmt.Errorf("reading upload location: %w", err)
	}
	q := u.Query()
	q.Set("digest", digest)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (c *Client) startUpload(ctx context.Context, at repositoryEndpoint, ref string) (string, error) {
	resp, err := c.sendWithRetry(ctx, call{
		op: "starting upload", ref: ref, key: sessionKey{repositoryEndpoint: at, push: true},
		method: http.MethodPost, path: "blobs/uploads/", ok: []int{http.StatusAccepted},
	})
	if err != nil {
		return "", err
	}
	defer drainBody(resp)
	return c.uploadLocation(resp)
}

// uploadLocation reads where an upload continues. Behind a proxy that ends TLS many
// registries name themselves with http: the scheme that worked is kept. What
// holds for redirects holds for locations elsewhere: nothing is sent to a
// private address that nobody named.
func (c *Client) uploadLocation(resp *http.Response) (string, error) {
	u, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("reading upload location: %w", err)
	}
	here := resp.Request.URL
	if u.Host == here.Host {
		u.Scheme = here.Scheme
	} else if u.Hostname() != here.Hostname() || urlPort(u) != urlPort(here) {
		if err := c.checkRedirectTarget(u); err != nil {
			return "", err
		}
	}
	return u.String(), nil
}

func (c *Client) cancelUpload(ctx context.Context, at repositoryEndpoint, loc string) {
	if loc == "" {
		return
	}
	// Some registries cannot; the upload then ends by itself.
	resp, err := c.sendWithRetry(ctx, call{
		op: "cancelling upload", ref: at.path, key: sessionKey{repositoryEndpoint: at, push: true}, once: true,
		method: http.MethodDelete, location: loc, ok: []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted},
	})
	if err == nil {
		drainBody(resp)
	}
}

// CanPush asks for the right to push to a repository without changing
// anything: it starts an upload and cancels it.
func (c *Client) CanPush(ctx context.Context, repo images.Ref) error {
	at := directEndpoint(repo)
	loc, err := c.startUpload(ctx, at, repo.Name())
	if err != nil {
		return err
	}
	c.cancelUpload(ctx, at, loc)
	return nil
}

// PutManifest stores raw under ref's tag, or its digest where it has none.
func (c *Client) PutManifest(ctx context.Context, ref images.Ref, mediaType string, raw []byte) error {
	id := ref.Tag
	if id == "" {
		id = ref.Identifier()
	}
	resp, err := c.sendWithRetry(ctx, call{
		op: "pushing manifest", ref: ref.String(), key: sessionKey{repositoryEndpoint: directEndpoint(ref), push: true},
		method: http.MethodPut, path: "manifests/" + id, header: http.Header{"Content-Type": {mediaType}},
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }, size: int64(len(raw)),
		ok: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted, http.StatusNoContent},
	})
	if err != nil {
		return err
	}
	drainBody(resp)
	return nil
}

// drainBody reads what little is left, so that the connection is used again.
func drainBody(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}
