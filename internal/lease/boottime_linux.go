package lease

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is the time since the machine was started, its sleep included: Go's
// monotonic clock is CLOCK_MONOTONIC, which stops meanwhile. It is 0 where the
// system does not tell.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
