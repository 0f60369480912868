//go:build unix

package bundle

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps f to this process until it is closed, also by a kill. It reports
// whether another one has it. A file system that has no locks is used without.
func lock(f *os.File) (busy bool) {
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) //nolint:gosec // a descriptor is small
}
