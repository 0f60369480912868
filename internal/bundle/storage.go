package bundle

import (
	"errors"
	"io"
	"os"
)

// storage holds the bytes: one file, or parts that are read as one.
type storage interface {
	io.ReaderAt
	io.WriterAt
	Size() int64
	Sync() error
	Close() error
	// locate gives the file and offset behind a position, for messages.
	locate(off int64) (string, int64)
}

// singleFile is a bundle in one file.
type singleFile struct {
	*os.File
	size int64
}

func openSingle(p string) (*singleFile, error) {
	// Asked before it is opened: a pipe would wait for somebody to write.
	st, err := os.Stat(p)
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	st, err = f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &singleFile{f, st.Size()}, nil
}

// Size is the file's length when it was opened.
func (s *singleFile) Size() int64 { return s.size }

func (s *singleFile) locate(off int64) (string, int64) { return s.Name(), off }
