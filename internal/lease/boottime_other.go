//go:build !linux

package lease

import "time"

// sinceBoot is 0, which means unknown: the monotonic clock and the time of day
// have to do.
func sinceBoot() time.Duration { return 0 }
