package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Descriptor names content by digest. It is [images.Descriptor].
type Descriptor = images.Descriptor

// Client talks to any number of registries. It is safe for concurrent use and
// needs no closing.
type Client struct {
	opts Options
	base *hostPolicy
	keys *keychain

	mu       sync.Mutex
	hosts    map[string]*registryHostState
	sessions map[sessionKey]*session
}

var (
	_ images.Fetcher = (*Client)(nil)
	_ images.Target  = (*Client)(nil)
)

// New makes a client. It reads the files that o names and asks no registry.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	base, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	keys, err := newKeychain(o)
	if err != nil {
		return nil, err
	}
	return &Client{
		opts: o, base: base, keys: keys,
		hosts: map[string]*registryHostState{}, sessions: map[sessionKey]*session{},
	}, nil
}

// repositoryEndpoint is a repository at the registry that really serves it.
type repositoryEndpoint struct{ host, path string }

// fetchEndpoint follows Options.Mirrors: where r is fetched from.
func (c *Client) fetchEndpoint(r images.Ref) repositoryEndpoint {
	best, to := -1, ""
	for from, target := range c.opts.FetchMirrors {
		from = strings.TrimSuffix(from, "/")
		rest, ok := strings.CutPrefix(r.Name(), from)
		if ok && (rest == "" || rest[0] == '/') && len(from) > best {
			best, to = len(from), strings.TrimSuffix(target, "/")+rest
		}
	}
	if best < 0 {
		return directEndpoint(r)
	}
	h, p, _ := strings.Cut(to, "/")
	return repositoryEndpoint{registryHost(h), p}
}

// Place is the repository that ref is fetched from: its own, or that of a mirror.
func (c *Client) Place(ref images.Ref) images.Ref {
	at := c.fetchEndpoint(ref)
	return images.Ref{Host: at.host, Path: at.path}
}

func directEndpoint(r images.Ref) repositoryEndpoint {
	return repositoryEndpoint{registryHost(r.Host), r.Path}
}

// registryHost spells out where Docker's short name is served.
func registryHost(h string) string {
	if isDockerHub(h) {
		return "index.docker.io"
	}
	return h
}

// sessionKey is what a token is good for. A mount needs the right to read the
// repository it mounts from as well.
type sessionKey struct {
	repositoryEndpoint
	push bool
	from string
}

func (k sessionKey) tokenScopes() []string {
	verbs := transport.PullScope
	if k.push {
		verbs = transport.PushScope
	}
	out := []string{fmt.Sprintf("repository:%s:%s", k.path, verbs)}
	if k.from != "" {
		out = append(out, fmt.Sprintf("repository:%s:%s", k.from, transport.PullScope))
	}
	return out
}

// session is an authenticated way to one repository.
type session struct {
	mu     sync.Mutex
	client *http.Client
	scheme string
	// bearer is true where a token stands for the login, worked once it was
	// good for a request.
	bearer bool
	worked atomic.Bool
}

// openSession returns the session's client, logging in first where that has not
// succeeded yet.
func (c *Client) openSession(ctx context.Context, k sessionKey) (*session, error) {
	h := c.hostState(k.host)
	challenge, err := c.fetchChallenge(ctx, h)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(challenge.Scheme, "bearer") {
		k.push, k.from = false, "" // one login does for all
	}
	c.mu.Lock()
	s := c.sessions[k]
	if s == nil {
		s = &session{}
		c.sessions[k] = s
	}
	c.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s, nil
	}
	rt, err := c.authTransport(ctx, h, k, challenge)
	if err != nil {
		return nil, err
	}
	s.scheme, s.bearer = "https", strings.EqualFold(challenge.Scheme, "bearer")
	if challenge.Insecure {
		s.scheme = "http"
	}
	s.client = &http.Client{Transport: rt, CheckRedirect: c.checkRedirect}
	return s, nil
}

func (c *Client) authTransport(ctx context.Context, h *registryHostState, k sessionKey, ch *transport.Challenge) (http.RoundTripper, error) {
	auth, err := c.credentials(ctx, k)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(ch.Scheme, "bearer") {
		return transport.FromToken(h.reg, auth, c.base, ch, nil)
	}
	tok, err := transport.Exchange(ctx, h.reg, auth, c.base, k.tokenScopes(), ch)
	if err != nil {
		return nil, err
	}
	if tok.Token == "" {
		tok.Token = tok.AccessToken
	}
	return transport.FromToken(h.reg, auth, c.base, ch, tok)
}

// credentials looks for what to log in with. A credential helper may wait for
// somebody who types, or for ever.
func (c *Client) credentials(ctx context.Context, k sessionKey) (auth authn.Authenticator, err error) {
	found := make(chan authn.Authenticator, 1)
	who := "the credential helper for " + k.host
	err = c.opts.Limits.Call(ctx, who, "the credentials", c.opts.OnSilence, func() error {
		auth, err := c.keys.credentialsFor(k.host, k.path)
		found <- auth
		return err
	})
	var late *httptimeout.Error
	if errors.As(err, &late) {
		err = &HelperError{Host: k.host, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return <-found, nil
}

// fetchChallenge asks the registry once how to log in.
func (c *Client) fetchChallenge(ctx context.Context, h *registryHostState) (*transport.Challenge, error) {
	began := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.challenge != nil {
		return h.challenge, nil
	}
	if h.failed != nil && h.failedAt.After(began) {
		return nil, h.failed // while this request waited for its turn to ask
	}
	first := &pingTransport{base: c.base}
	ch, err := transport.Ping(ctx, h.reg, first)
	if err != nil {
		err = first.preferTransportError(err)
		if ctx.Err() == nil {
			h.failed, h.failedAt = err, time.Now()
		}
		return nil, err
	}
	h.challenge = ch
	return ch, nil
}

func (c *Client) hostState(hostname string) *registryHostState {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[hostname]; h != nil {
		return h
	}
	opts := []name.Option{}
	if containsHost(c.opts.PlainHTTP, hostname) {
		opts = append(opts, name.Insecure)
	}
	h := &registryHostState{name: hostname, slots: make(chan struct{}, c.opts.MaxConcurrent)}
	h.reg, h.err = name.NewRegistry(hostname, opts...)
	c.hosts[hostname] = h
	return h
}

// checkRedirect follows a registry to its blob storage, without credentials.
// Like go-containerregistry it does not follow to a private address on a
// public registry's word; a host that the user named is another matter.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if req.URL.Host == via[0].URL.Host {
		return nil
	}
	return c.checkRedirectTarget(req.URL)
}

// checkRedirectTarget refuses to be sent on to a private address that the user did not
// name.
func (c *Client) checkRedirectTarget(u *url.URL) error {
	if c.isUserNamed(u.Host) || !isPrivateIP(u) {
		return nil
	}
	return fmt.Errorf("redirect to %q, a private or loopback address", u.Host)
}

func (c *Client) isUserNamed(h string) bool {
	if containsHost(c.opts.PlainHTTP, h) || containsHost(c.opts.SkipTLSVerify, h) {
		return true
	}
	_, ok := c.opts.Credentials[h]
	return ok
}

// urlPort is the one that is connected to, also where the address names none.
func urlPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func isPrivateIP(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}
