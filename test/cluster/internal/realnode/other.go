//go:build !linux

package realnode

import (
	"context"
	"errors"

	"k8s.io/client-go/kubernetes"
)

// Namespaces has no meaning outside Linux.
const Namespaces = 0

var errHere = errors.New("starting a real node: this needs root on Debian\nhint: leave out --real-node")

// Prepare says why a real node cannot run here.
func Prepare(context.Context, func(string, ...any)) error { return errHere }

// Supervise cannot work here.
func Supervise(context.Context, Config) error { return errHere }

// Connect cannot work here.
func Connect(Config, int) error { return errHere }

// Forward cannot work here.
func Forward(context.Context, Config, kubernetes.Interface, int) error { return errHere }

// FreeNumber cannot work here.
func FreeNumber() (int, error) { return 0, errHere }

// Cleanup has nothing to do here.
func Cleanup(Config) error { return nil }
