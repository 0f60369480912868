package pulltest

import (
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Error is what a node or the API server said, with its kind.
type Error struct {
	kind, message string
}

// Error is what was said, on one line.
func (e *Error) Error() string { return e.message }

// Kind is one of the checks' words for it; empty where nobody knows.
func (e *Error) Kind() string { return e.kind }

func newError(kind, message string) *Error {
	return &Error{kind, strings.Join(strings.Fields(message), " ")}
}

// errorPhrases are what container runtimes say, containerd, CRI-O and cri-dockerd,
// the telling ones first: some texts hold two of them.
var errorPhrases = []struct {
	kind string
	any  []string
}{
	{preflight.KindPlainHTTP, []string{"server gave HTTP response to HTTPS client"}},
	{preflight.KindTLS, []string{"x509:", "tls: ", "certificate signed by", "certificate verify failed"}},
	{preflight.KindPlatform, []string{"no match for platform", "no matching manifest for", "no image found in manifest list", "no image found in image index", "does not match the specified platform", "exec format error"}},
	{preflight.KindDiskFull, []string{"no space left on device", "disk quota exceeded"}},
	{preflight.KindUntrusted, []string{"signature validation failed", "signature required", "no signature"}},
	{preflight.KindRateLimited, []string{"toomanyrequests", "429 Too Many", "status code 429", "rate limit"}},
	{preflight.KindUnreachable, []string{"no such host", "server misbehaving", "connection refused", "no route to host", "network is unreachable",
		"i/o timeout", "TLS handshake timeout", "context deadline exceeded", "Client.Timeout exceeded", "connection reset", "proxyconnect", "Temporary failure in name resolution"}},
	{preflight.KindForbidden, []string{"403 Forbidden", "status code 403", "denied: requested access", "insufficient_scope", "access to the resource is denied"}},
	{preflight.KindUnauthorized, []string{"401 Unauthorized", "status code 401", "unauthorized", "authentication required", "no basic auth credentials",
		"invalid username/password", "incorrect username or password", "authorization failed", "failed to authorize", "may require authorization"}},
	{preflight.KindNotFound, []string{"not found", "manifest unknown", "name unknown", "404 Not Found", "does not exist"}},
}

// pullError reads what a container runtime said of an image.
func pullError(reason, message string) *Error {
	switch reason {
	case "SignatureValidationFailed":
		return newError(preflight.KindUntrusted, message)
	case "InvalidImageName":
		return newError("", "the node cannot parse the image name: "+message)
	}
	lower := strings.ToLower(message)
	for _, p := range errorPhrases {
		for _, phrase := range p.any {
			if strings.Contains(lower, strings.ToLower(phrase)) {
				return newError(p.kind, message)
			}
		}
	}
	return newError("", reason+": "+message)
}

// isRetryable reports whether a refusal may be gone with kubelet's next try.
func (e *Error) isRetryable() bool {
	switch e.kind {
	case preflight.KindUnreachable, preflight.KindRateLimited, "":
		return true
	}
	return false
}

// createError reads why the API server did not take the pod.
func createError(err error) *Error {
	text := err.Error()
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(text, `cannot `) && strings.Contains(text, ` resource "pods"`):
		return newError(preflight.KindNoPermission, text)
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsNotFound(err),
		strings.Contains(text, "admission webhook"), strings.Contains(text, "failed calling webhook"):
		return newError(preflight.KindRefused, text)
	}
	return newError("", "creating the test pod:  "+text)
}
