//go:build windows

package bundle

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock keeps f to this process until it is closed, also by a kill. It reports
// whether another one has it. A file system that has no locks is used without.
// The lock is on a byte that is never read or written.
func lock(f *os.File) (busy bool) {
	far := &windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, far)
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}
