package cluster

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// Reason says why a cluster cannot be read.
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

// ConnectError says that a cluster cannot be read at all. Its text holds
// no credentials.
type ConnectError struct {
	Reason Reason
	// Context and Server are as in [Connection]; they may be empty.
	Context, Server string
	// Known are the contexts that there are, where none could be used.
	Known []string
	Cause error
}

// Error names the cluster and the cause.
func (e *ConnectError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *ConnectError) Lines() []string {
	text := fmt.Sprintf("connecting to cluster %q", cmp.Or(e.Context, e.Server))
	if e.Context != "" && e.Server != "" {
		text += " (" + e.Server + ")"
	}
	lines := []string{message.Line(fmt.Sprintf("%s: %s: %v", text, e.Reason, e.Cause))}
	if len(e.Known) > 0 {
		lines = append(lines, "expected: "+message.Line(oneOf(e.Known)))
	}
	return lines
}

// mostNamed is how many contexts an error lists.
const mostNamed = 20

func oneOf(names []string) string {
	var quoted []string
	for _, n := range names[:min(len(names), mostNamed)] {
		quoted = append(quoted, strconv.Quote(n))
	}
	text := strings.Join(quoted, ", ")
	if len(names) > 1 {
		text = "one of " + text
	}
	if more := len(names) - mostNamed; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// failed is the error of a cluster that cannot be checked.
func (c Connection) failed(reason Reason, err error) error {
	return &ConnectError{Reason: reason, Context: c.Context, Server: c.Server, Cause: err}
}

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Cause }

// Hint is a command that helps. It names no cluster: whoever shows it knows by
// which flags this one was chosen.
func (e *ConnectError) Hint() string {
	switch e.Reason {
	case NoContext:
		return "kubectl config get-contexts"
	case Unauthorized:
		return "kubectl auth whoami   (the credentials are missing or expired; log in again)"
	case Untrusted:
		return "kubectl config view --minify   (certificate-authority must match the server's)"
	default:
		return "kubectl cluster-info"
	}
}

// connectError is not nil where err means that the cluster cannot be read,
// as opposed to one refused or failed request.
func (c *Client) connectError(err error) error {
	reason, fatal := connectReason(err)
	if !fatal {
		return nil
	}
	if c.connection.guessed && reason == Unreachable {
		reason = NoContext
	}
	return c.connection.failed(reason, err)
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
