//go:build !linux

package lease

import (
	"net"
	"time"
)

// dropUnsent does nothing where the system has no such option.
func dropUnsent(net.Conn, time.Duration) {}
