package safefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// TargetError says why a name is not written to.
type TargetError struct{ Path, Reason string }

// Error implements error.
func (e *TargetError) Error() string { return fmt.Sprintf("%s: %s", e.Path, e.Reason) }

// Hint names what helps.
func (e *TargetError) Hint() string { return "name another file, or remove this one" }

// Write makes path hold data, whole or not at all, also where the process is
// killed: it writes beside path and renames. A file that is there keeps its
// mode; mode is that of a new one. A symbolic link or anything else that is no
// regular file is a [*TargetError].
func Write(path string, data []byte, mode fs.FileMode) error {
	f, err := Replace(path, mode)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// WriteNew is [Write] for a path that must not be there yet: otherwise the error
// is [fs.ErrExist].
func WriteNew(path string, data []byte, mode fs.FileMode) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// File is written beside its path, where it appears with Commit. One goroutine
// uses it.
type File struct {
	*os.File
	path      string
	overwrite bool
	done      bool
}

// Replace begins a file that takes the place of path, or is new. Abort ends it
// where it was not committed.
func Replace(path string, mode fs.FileMode) (*File, error) {
	there, err := check(path)
	if err != nil {
		return nil, err
	}
	if there == nil {
		return begin(path, mode, true)
	}
	f, err := begin(path, 0o600, true)
	if err == nil {
		if err = chmod(f.File, there.Mode().Perm()); err != nil {
			f.Abort()
		}
	}
	return f, err
}

// Create begins a file that must not be there: the error is [fs.ErrExist]
// otherwise, now or at Commit.
func Create(path string, mode fs.FileMode) (*File, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return begin(path, mode, false)
}

func begin(path string, mode fs.FileMode, overwrite bool) (*File, error) {
	// Only what did not exist is opened, under a name that nobody can guess. The
	// system takes from mode what the user's umask forbids.
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial-"+rand.Text())
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path, overwrite: overwrite}, nil
}

// Commit writes everything to the disk and gives the file its name.
func (f *File) Commit() error {
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = f.place()
	}
	if err == nil {
		f.done = true
		syncFolder(filepath.Dir(f.path))
	}
	return err
}

func (f *File) place() error {
	if f.overwrite {
		if _, err := check(f.path); err != nil {
			return err
		}
		return os.Rename(f.Name(), f.path)
	}
	// A link never replaces anything. Not every file system has links.
	err := os.Link(f.Name(), f.path)
	if err == nil {
		return os.Remove(f.Name())
	}
	if _, there := os.Lstat(f.path); errors.Is(err, fs.ErrExist) || there == nil {
		return &fs.PathError{Op: "create", Path: f.path, Err: fs.ErrExist}
	}
	return os.Rename(f.Name(), f.path)
}

// Abort removes what was not committed; after Commit it does nothing.
func (f *File) Abort() {
	if !f.done {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}

// CheckWritable tells beforehand whether [Write] could write path. Nothing stays.
func CheckWritable(path string) error {
	f, err := Replace(path, 0o600)
	if err == nil {
		f.Abort()
	}
	return err
}

// OpenOwn opens a file of ours that is written in place over several runs, such
// as a partial download or a log, for reading and writing, and makes it where it
// is missing. flags are os.O_TRUNC and os.O_APPEND or 0. What is not a regular file,
// has a second name, or belongs to another user is a [*TargetError]: whoever made
// it could change it later.
func OpenOwn(path string, flags int, mode fs.FileMode) (*os.File, error) {
	// What is there may be a pipe, which must not block, and is judged before
	// anything in it changes.
	how := os.O_RDWR | flags&os.O_APPEND | noFollow
	f, err := os.OpenFile(path, how|os.O_CREATE|os.O_EXCL, mode)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	f, err = os.OpenFile(path, how, mode)
	if isLink(err) {
		return nil, &TargetError{path, "is a symbolic link"}
	}
	if err != nil {
		return nil, err
	}
	if err := own(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if flags&os.O_TRUNC != 0 {
		if err := f.Truncate(0); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

func own(f *os.File, path string) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	// Where links cannot be refused by the system the name is compared.
	if there, err := os.Lstat(path); err != nil || !os.SameFile(st, there) {
		return &TargetError{path, "is a symbolic link, or was replaced meanwhile"}
	}
	if !st.Mode().IsRegular() {
		return &TargetError{path, "is not a regular file"}
	}
	if reason := foreign(st); reason != "" {
		return &TargetError{path, reason}
	}
	return nil
}

// Rename gives a file that [OpenOwn] made, or a directory, its final name.
func Rename(from, to string) error {
	st, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		return &TargetError{from, "is a symbolic link"}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	syncFolder(filepath.Dir(to))
	return nil
}

// check is what is at path, nil where nothing is.
func check(path string) (fs.FileInfo, error) {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case st.Mode()&fs.ModeSymlink != 0:
		return nil, &TargetError{path, "is a symbolic link"}
	case st.IsDir():
		return nil, &TargetError{path, "is a directory"}
	case !st.Mode().IsRegular():
		return nil, &TargetError{path, "is not a regular file"}
	}
	return st, nil
}
