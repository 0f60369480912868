//go:build unix

package safefile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// noFollow refuses a symbolic link, and opens a pipe or a device without waiting.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func isLink(err error) bool { return errors.Is(err, syscall.ELOOP) }

// foreign says why a file is not ours alone; empty where it is.
func foreign(st fs.FileInfo) string {
	sys, ok := st.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return ""
	case int(sys.Uid) != os.Geteuid():
		return "belongs to another user"
	case sys.Nlink > 1:
		return "has a second name (a hard link)"
	}
	return ""
}

func chmod(f *os.File, mode fs.FileMode) error { return f.Chmod(mode) }

// syncFolder makes a new name last. Some file systems cannot, which is not an error:
// the content is safe already.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
