package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Reason says why a cluster can't be looked at.
type Reason string

// The reasons of a [ConnectError].
const (
	// NoContext means that the kubeconfig names no usable cluster.
	NoContext Reason = "no context"
	// Unreachable means that nobody answers at the cluster's address.
	Unreachable Reason = "unreachable"
	// Untrusted means that the server's certificate isn't trusted.
	Untrusted Reason = "untrusted certificate"
	// Unauthorized means that the server doesn't know the user (401).
	Unauthorized Reason = "unauthorized"
)

// ConnectError says that a cluster can't be looked at, at all. Its text holds
// no credentials.
type ConnectError struct {
	Reason Reason
	// Context is the kubeconfig context's name; it may be empty.
	Context string
	Cause   error
}

// Error names the context and the cause.
func (e *ConnectError) Error() string {
	return fmt.Sprintf("connecting to cluster %q: %s: %v", e.Context, e.Reason, e.Cause)
}

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Cause }

// Hint is a command that helps.
func (e *ConnectError) Hint() string {
	with := ""
	if e.Context != "" {
		with = " --context " + e.Context
	}
	switch e.Reason {
	case NoContext:
		return "kubectl config get-contexts   (then pass --context or set KUBECONFIG)"
	case Unauthorized:
		return "kubectl auth whoami" + with + "   (the credentials are missing or expired; log in again)"
	case Untrusted:
		return "kubectl config view --minify" + with + "   (certificate-authority must match the server's)"
	default:
		return "kubectl cluster-info" + with
	}
}

// connectError is not nil where err means that the cluster can't be looked at,
// as opposed to one refused or failed request.
func (c *Client) connectError(err error) error {
	reason, fatal := connectReason(err)
	if !fatal {
		return nil
	}
	if c.implicit && reason == Unreachable {
		reason = NoContext
	}
	return &ConnectError{Reason: reason, Context: c.context, Cause: err}
}

// connectReason tells errors of the connection from answers of the server.
func connectReason(err error) (Reason, bool) {
	var (
		status    apierrors.APIStatus
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		network   net.Error
		address   *url.Error
	)
	switch {
	case err == nil:
		return "", false
	case apierrors.IsUnauthorized(err):
		return Unauthorized, true
	case errors.As(err, &status):
		return "", false
	case errors.As(err, &authority), errors.As(err, &host), errors.As(err, &invalid):
		return Untrusted, true
	case errors.As(err, &address), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		return Unreachable, true
	default:
		return "", false
	}
}
