package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// Kind says what went wrong, for callers that branch on it.
type Kind string

// The kinds of errors.
const (
	// Unauthorized: the registry wants other credentials, or any.
	Unauthorized Kind = "unauthorized"
	// Forbidden: the credentials are known and not allowed to do this.
	Forbidden Kind = "forbidden"
	// NotFound: the repository has no such manifest or blob.
	NotFound Kind = "not-found"
	// NameUnknown: the repository or its project does not exist.
	NameUnknown Kind = "name-unknown"
	// TagImmutable: the tag exists and the registry keeps it as it is.
	TagImmutable Kind = "tag-immutable"
	// Quota: the quota of the registry or project is exceeded.
	Quota Kind = "quota"
	// TLS: the certificate was not accepted, by us or by them.
	TLS Kind = "tls"
	// Unreachable: no connection, no such host, or it broke.
	Unreachable Kind = "unreachable"
	// RateLimited: asked too often, also after waiting.
	RateLimited Kind = "rate-limited"
	// PrivateRedirect: sent on to a private address that nobody named.
	PrivateRedirect Kind = "private-redirect"
	// PlainHTTP: the registry speaks plain http and was not named for it.
	PlainHTTP Kind = "plain-http"
	// ProxyAuth: the proxy wants a user and password, or others.
	ProxyAuth Kind = "proxy-auth"
	// Digest: the bytes are not those that the digest names.
	Digest Kind = "digest"
	// Server: the registry failed, also after retries.
	Server Kind = "server"
	// Other is anything else.
	Other Kind = "other"
)

// Error is a failed request. It carries no credentials.
type Error struct {
	Kind Kind
	// Op is what was being done, as a gerund: "pushing blob".
	Op string
	// Host is the registry, Ref the reference or repository with its digest.
	Host, Ref string
	// is the address of the mirror that was used instead of Ref, else empty.
	FetchAddress string
	// Status is the last HTTP status, 0 if there was no answer.
	Status int
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	if e.FetchAddress != "" {
		return fmt.Sprintf("%s %q at its mirror %q: %s", e.Op, e.Ref, e.FetchAddress, e.causeText())
	}
	return fmt.Sprintf("%s %q: %s", e.Op, e.Ref, e.causeText())
}

func (e *Error) causeText() string {
	if e.Kind == PrivateRedirect {
		return fmt.Sprintf("redirect from %s to a private or loopback address refused: %v", e.Host, e.Err)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint names what helps, or is empty.
func (e *Error) Hint() string {
	switch e.Kind {
	case Unauthorized:
		return fmt.Sprintf("log in to %s first, or set --registry-user and --password-stdin", e.Host)
	case Forbidden:
		return "ask the registry owner for permission in this repository"
	case NameUnknown:
		return "create the project or repository first; push --print-repositories lists what is needed"
	case TagImmutable:
		return "tags are immutable; delete the tag in the registry, or push with another --prefix"
	case Quota:
		return "ask the registry owner for more quota"
	case TLS:
		return e.tlsHint()
	case RateLimited:
		return "log in for a higher limit, or retry later: completed transfers are kept"
	case Unreachable:
		var silent *httptimeout.Error
		if errors.As(e.Err, &silent) && silent.Settable {
			return "if it needs longer, for example behind a scanning proxy, increase --registry-timeout"
		}
		if strings.Contains(e.Err.Error(), "proxyconnect") {
			return "check that the HTTPS_PROXY proxy is reachable, or add the registry to NO_PROXY"
		}
		return fmt.Sprintf("check that %s is correct and reachable; HTTPS_PROXY and NO_PROXY are honored", e.Host)
	case PrivateRedirect:
		return "use the redirect target as registry host, or ask its owner to configure a host name"
	case ProxyAuth:
		return "set proxy credentials with: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
	case PlainHTTP:
		return fmt.Sprintf("for plain HTTP add --registry-plain-http=%s", e.Host)
	default:
		return ""
	}
}

// tlsHint tells a certificate of an unknown signer from one that another CA does
// not cure.
func (e *Error) tlsHint() string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(e.Err, &name):
		return "use a host name from the certificate, or ask the registry owner to add this name"
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return "check this machine's clock; otherwise the registry owner must renew the certificate"
	}
	return "add the registry's CA with --ca"
}

// KindOf gives the kind of err, or "" where it holds no [Error].
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// wrapError types a failure of any sort.
func wrapError(op, host, ref string, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &Error{Kind: Other, Op: op, Host: host, Ref: ref, Err: err}
	var te *transport.Error
	if errors.As(err, &te) {
		e.Status, e.Kind, e.Err = te.StatusCode, kindOfResponse(te), withoutURL(te)
		return e
	}
	e.Kind = kindOfFailure(err)
	var verify *tls.CertificateVerificationError
	if e.Kind == TLS && errors.As(err, &verify) {
		e.Err = verify // alone: that plain http was not tried either helps nobody
	}
	return e
}

// responseError is a registry's error without the URL, which may hold a signature.
type responseError struct{ te *transport.Error }

// Error implements error.
func (a responseError) Error() string {
	if len(a.te.Errors) == 0 {
		return fmt.Sprintf("the registry answered %d %s", a.te.StatusCode, http.StatusText(a.te.StatusCode))
	}
	parts := make([]string, 0, len(a.te.Errors))
	for _, d := range a.te.Errors {
		parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%s: %s", d.Code, d.Message), ": "))
	}
	return fmt.Sprintf("the registry answered %d: %s", a.te.StatusCode, oneLine(strings.Join(parts, "; ")))
}

// maxErrorText is how much of a registry's own words is repeated.
const maxErrorText = 500

// oneLine makes a registry's words part of a sentence of ours: they may hold
// nothing that looks like a line of its own, and not continue for ever.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if len(s) <= maxErrorText {
		return s
	}
	return strings.ToValidUTF8(s[:maxErrorText], "") + "…"
}

// Unwrap gives the cause.
func (a responseError) Unwrap() error { return a.te }

func withoutURL(te *transport.Error) error { return responseError{te} }

func kindOfResponse(te *transport.Error) Kind {
	text := strings.ToLower(te.Error())
	code := func(c transport.ErrorCode) bool {
		for _, d := range te.Errors {
			if d.Code == c {
				return true
			}
		}
		return false
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	}
	switch {
	case te.StatusCode == http.StatusTooManyRequests:
		return RateLimited
	case has("immutab"), has("cannot be overwritten"):
		return TagImmutable
	case has("quota"), has("exceed", "limit"), te.StatusCode == http.StatusInsufficientStorage:
		return Quota
	case code(transport.NameUnknownErrorCode), has("project", "not found"), has("repository", "does not exist"):
		return NameUnknown
	case code(transport.DeniedErrorCode):
		return Forbidden
	case te.StatusCode == http.StatusUnauthorized:
		return Unauthorized
	case te.StatusCode == http.StatusForbidden:
		return Forbidden
	case te.StatusCode == http.StatusNotFound:
		return NotFound
	case code(transport.DigestInvalidErrorCode):
		return Digest
	case te.StatusCode >= 500:
		return Server
	default:
		return Other
	}
}

func kindOfFailure(err error) Kind {
	var (
		plain  *plainHTTPError
		record tls.RecordHeaderError
		verify *tls.CertificateVerificationError
		alert  tls.AlertError
		ca     x509.UnknownAuthorityError
		netErr net.Error
		opErr  *net.OpError
	)
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return Other
	case strings.Contains(text, "Proxy Authentication Required"):
		return ProxyAuth
	case strings.Contains(text, "private or link-local"), strings.Contains(text, "private or loopback"):
		return PrivateRedirect
	// The answer to https is checked first: a refusal to fall back to http
	// comes along with it.
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), errors.As(err, &record):
		return PlainHTTP
	case errors.As(err, &verify), errors.As(err, &ca), errors.As(err, &alert), strings.Contains(text, "x509: "):
		return TLS
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET),
		errors.As(err, &opErr), errors.As(err, &netErr) && !errors.As(err, &plain):
		return Unreachable
	case errors.As(err, &plain):
		return PlainHTTP
	default:
		return Other
	}
}
