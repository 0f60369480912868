package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// registryHostState is what is known of one registry, shared by all requests to it.
type registryHostState struct {
	name  string
	reg   name.Registry
	err   error
	slots chan struct{}

	mu        sync.Mutex
	challenge *transport.Challenge
	failed    error // the last attempt to ask for it, and when that ended
	failedAt  time.Time

	pause sync.Mutex
	until time.Time
}

// call is one request, which may be tried several times.
type call struct {
	op  string
	ref string
	key sessionKey
	// method and path make the request; path is below /v2/ and the
	// repository. location, where set, is used instead.
	method, path, location string
	query                  url.Values
	header                 http.Header
	// body opens the request's body again for each attempt; size is its length.
	body func() (io.ReadCloser, error)
	size int64
	// ok lists the statuses that are an answer.
	ok []int
	// once is for requests that cannot simply be repeated.
	once bool
}

// sendWithRetry sends the request until it is answered, waiting between attempts. The
// caller closes the body.
func (c *Client) sendWithRetry(ctx context.Context, q call) (*http.Response, error) {
	h := c.hostState(q.key.host)
	if h.err != nil {
		return nil, wrapError(q.op, h.name, q.ref, h.err)
	}
	for attempt := 1; ; attempt++ {
		if err := h.waitUntilReady(ctx, c.opts.Wait); err != nil {
			return nil, err
		}
		resp, err := c.sendOnce(ctx, h, q)
		if err == nil {
			return resp, nil
		}
		wait, again := c.shouldRetry(ctx, err, attempt)
		if !again || q.once {
			return nil, wrapError(q.op, h.name, q.ref, err)
		}
		c.notifyRetry(h.name, err, wait)
		if err := c.delayHost(ctx, h, err, wait); err != nil {
			return nil, err
		}
	}
}

// notifyRetry says that a request will be tried again, without the page that a proxy
// may have answered with.
func (c *Client) notifyRetry(host string, err error, wait time.Duration) {
	if c.opts.OnRetry == nil {
		return
	}
	var te *transport.Error
	if errors.As(err, &te) {
		err = withoutURL(te)
	}
	c.opts.OnRetry(host, err, wait)
}

// sendOnce sends the request once. Answers other than the expected ones are
// errors.
func (c *Client) sendOnce(ctx context.Context, h *registryHostState, q call) (*http.Response, error) {
	var body io.ReadCloser
	if q.body != nil {
		var err error
		// Opened before the slot is taken: a body may be a download from the
		// same host.
		if body, err = q.body(); err != nil {
			return nil, &bodyError{err}
		}
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		closeBody(body)
		return nil, context.Cause(ctx)
	}
	s, err := c.openSession(ctx, q.key)
	if err != nil {
		closeBody(body)
		return nil, err
	}
	req, err := q.newRequest(withBodySent(ctx), s, body)
	if err != nil {
		closeBody(body)
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, stripURL(err)
	}
	if resp.StatusCode < 400 || resp.StatusCode == http.StatusNotFound {
		s.worked.Store(true)
	}
	if err := transport.CheckError(resp, q.ok...); err != nil {
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusUnauthorized && s.bearer && s.worked.Load() {
			return nil, &tokenExpired{err}
		}
		return nil, withDelay(err, resp.Header.Get("Retry-After"))
	}
	return resp, nil
}

// maxTokenRetries is how often a login that worked before is tried again.
const maxTokenRetries = 4

// maxSilences is how often a registry that stays silent is asked: each time
// takes as long as the limit.
const maxSilences = 3

// tokenExpired is a login that worked for earlier requests and, renewed, did not
// for this one: its token ran out between the two, as short-lived ones do while
// many requests are on their way.
type tokenExpired struct{ error }

// Unwrap gives the cause.
func (e *tokenExpired) Unwrap() error { return e.error }

func (q call) newRequest(ctx context.Context, s *session, body io.ReadCloser) (*http.Request, error) {
	u := &url.URL{Scheme: s.scheme, Host: q.key.host, Path: "/v2/" + q.key.path + "/" + q.path, RawQuery: q.query.Encode()}
	if q.location != "" {
		var err error
		if u, err = url.Parse(q.location); err != nil {
			return nil, fmt.Errorf("reading upload location: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for k, v := range q.header {
		req.Header[k] = v
	}
	if body == nil {
		return req, nil
	}
	req.Body, req.ContentLength = body, q.size
	req.GetBody = q.body
	if q.size == 0 {
		_ = body.Close()
		req.Body, req.GetBody = http.NoBody, nil
	}
	return req, nil
}

func closeBody(b io.Closer) {
	if b != nil {
		_ = b.Close()
	}
}

// bodyError is a failure to read what was to be sent: not the registry's
// fault, and not cured by asking it again.
type bodyError struct{ error }

// Unwrap gives the cause.
func (e *bodyError) Unwrap() error { return e.error }

// retryAfterError is an answer that says when to come again.
type retryAfterError struct {
	error
	delay time.Duration
}

// Unwrap gives the cause.
func (e *retryAfterError) Unwrap() error { return e.error }

// maxRetryAfter, in seconds, is a week: whoever asks for more gets no more, and
// a number that no Duration holds cannot turn into none at all.
const maxRetryAfter = 7 * 24 * 60 * 60

func withDelay(err error, header string) error {
	if secs, e := strconv.ParseInt(header, 10, 64); e == nil && secs >= 0 {
		return &retryAfterError{err, time.Duration(min(secs, maxRetryAfter)) * time.Second}
	}
	if at, e := http.ParseTime(header); e == nil {
		return &retryAfterError{err, max(time.Until(at), 0)}
	}
	return err
}

// stripURL drops the URL that net/http puts before its errors: it may carry a
// signature, and the reference is in our own text.
func stripURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// shouldRetry says whether trying again can help, and after how long.
func (c *Client) shouldRetry(ctx context.Context, err error, attempt int) (time.Duration, bool) {
	var body *bodyError
	var helper *HelperError
	if ctx.Err() != nil || attempt >= c.opts.MaxAttempts || errors.As(err, &body) || errors.As(err, &helper) || !isTransient(err) {
		return 0, false
	}
	var old *tokenExpired
	var silent *httptimeout.Error
	if attempt > 1 && isUnreachable(err) || attempt >= maxTokenRetries && errors.As(err, &old) || attempt >= maxSilences && errors.As(err, &silent) {
		return 0, false
	}
	var d *retryAfterError
	if errors.As(err, &d) {
		return d.delay, d.delay <= c.opts.MaxWait
	}
	base := 250 * time.Millisecond << min(attempt-1, 8)
	jitter := time.Duration(rand.Int64N(int64(base)/2 + 1)) //nolint:gosec // spreads load, guards nothing
	return min(base+jitter, c.opts.MaxWait), true
}

func isTransient(err error) bool {
	var te *transport.Error
	var old *tokenExpired
	if errors.As(err, &old) {
		return true
	}
	if errors.As(err, &te) {
		switch kindOfResponse(te) {
		case TagImmutable, Quota, Forbidden, Unauthorized, NotFound, NameUnknown:
			return false
		}
		s := te.StatusCode
		return s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || (s >= 500 && s != http.StatusNotImplemented)
	}
	return kindOfFailure(err) == Unreachable
}

// delayHost makes everybody wait who talks to the host where the host said so,
// and only this request where it merely failed.
func (c *Client) delayHost(ctx context.Context, h *registryHostState, err error, wait time.Duration) error {
	var te *transport.Error
	if errors.As(err, &te) && te.StatusCode == http.StatusTooManyRequests {
		h.pause.Lock()
		if until := time.Now().Add(wait); until.After(h.until) {
			h.until = until
		}
		h.pause.Unlock()
	}
	return c.opts.Wait(ctx, wait)
}

// waitUntilReady waits until the host may be asked again.
func (h *registryHostState) waitUntilReady(ctx context.Context, wait func(context.Context, time.Duration) error) error {
	h.pause.Lock()
	left := time.Until(h.until)
	h.pause.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	return wait(ctx, left)
}
