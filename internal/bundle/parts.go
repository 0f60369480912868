package bundle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
)

// maxParts bounds how many parts a bundle may have.
const maxParts = 999

// minPartSize keeps the parts' own headers a small share.
const minPartSize = 16 << 10

// Each part is a tar of its own with one entry, so that a scanner on the way
// finds a valid file. The entries' contents, put together, are the bundle.
func partHeader(i, n int, size int64) ([]byte, error) {
	return tarHeader(fmt.Sprintf("aistor-bundle/part-%03d-of-%03d", i, n), size)
}

func partName(base string, i int) string { return fmt.Sprintf("%s.part%03d", base, i) }

func partBase(path string) (string, bool) {
	m := regexp.MustCompile(`^(.+)\.part\d{3}$`).FindStringSubmatch(path)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// parts are files that are read as one.
type parts struct {
	base    string
	files   []*os.File
	payload int64 // of every part but the last
	size    int64
	// headerSizes are the lengths of the parts' headers.
	headerSizes []int64
}

// planParts says how a bundle of size bytes is cut so that no part is larger
// than limit.
func planParts(size, limit int64) (payload int64, n int, err error) {
	if limit < minPartSize {
		return 0, 0, fmt.Errorf("cutting bundle: parts of %d bytes are too small, the minimum is %d", limit, minPartSize)
	}
	head, err := partHeader(1, 1, limit)
	if err != nil {
		return 0, 0, err
	}
	payload = (limit - int64(len(head)) - trailerSize) / blockSize * blockSize
	count := (size + payload - 1) / payload
	if count > maxParts {
		return 0, 0, fmt.Errorf("cutting bundle: parts of %d bytes would give %d parts, at most %d are supported", limit, count, maxParts)
	}
	return payload, int(count), nil
}

func (p *parts) partSize(i int) int64 {
	return min(p.payload, p.size-int64(i)*p.payload)
}

// createParts opens the parts for writing and gives each its own frame. With
// resume, files that are there are kept.
func createParts(base string, size, limit int64, resume bool) (*parts, error) {
	payload, n, err := planParts(size, limit)
	if err != nil {
		return nil, err
	}
	p := &parts{base: base, payload: payload, size: size}
	for i := range n {
		head, err := partHeader(i+1, n, p.partSize(i))
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		f, err := openPartial(partName(base, i+1), resume)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.files, p.headerSizes = append(p.files, f), append(p.headerSizes, int64(len(head)))
		if err := f.Truncate(int64(len(head)) + p.partSize(i) + trailerSize); err != nil {
			return nil, errors.Join(err, p.Close())
		}
		if _, err := f.WriteAt(head, 0); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

// openParts opens base.part001 and what follows.
func openParts(base string) (*parts, error) {
	p := &parts{base: base}
	for i := 1; i <= maxParts; i++ {
		f, err := os.Open(partName(base, i))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening bundle %q: %w", base, err), p.Close())
		}
		p.files = append(p.files, f)
	}
	if err := p.readHeaders(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// readHeaders reads the parts' frames.
func (p *parts) readHeaders() error {
	if len(p.files) == 0 {
		return &MissingPartError{Path: p.base, Part: 1}
	}
	for i, f := range p.files {
		size, head, of, err := p.readPartHeader(f)
		if err != nil {
			return err
		}
		switch {
		case of[0] != i+1:
			return &FormatError{Path: f.Name(), Reason: fmt.Sprintf("this is part %d, renamed to part %d", of[0], i+1)}
		case of[1] > len(p.files):
			return &MissingPartError{Path: p.base, Part: len(p.files) + 1, Total: of[1]}
		case of[1] < len(p.files):
			return &FormatError{Path: f.Name(), Reason: fmt.Sprintf("it belongs to %d parts, %d are here", of[1], len(p.files))}
		case i == 0:
			p.payload = size
		case i < len(p.files)-1 && size != p.payload, size > p.payload:
			return &FormatError{Path: f.Name(), Reason: "its size is not that of the other parts"}
		}
		p.headerSizes = append(p.headerSizes, head)
		p.size += size
	}
	return nil
}

// readPartHeader reads a part's header and demands that everything around the content
// is as it was written.
func (p *parts) readPartHeader(f *os.File) (size, head int64, of [2]int, err error) {
	bad := func(reason string) error { return &FormatError{Path: f.Name(), Reason: reason} }
	st, err := f.Stat()
	if err != nil {
		return 0, 0, of, err
	}
	s := &singleFile{f, st.Size()}
	block := make([]byte, blockSize)
	if _, err := f.ReadAt(block, 0); err != nil {
		return 0, 0, of, bad("the file ends early")
	}
	name, size, err := readHeader(s, 0, block)
	if err != nil {
		return 0, 0, of, bad(err.Error())
	}
	m := regexp.MustCompile(`^aistor-bundle/part-(\d{3})-of-(\d{3})$`).FindStringSubmatch(name)
	if m == nil {
		return 0, 0, of, bad("not a part of a bundle")
	}
	of[0], _ = strconv.Atoi(m[1])
	of[1], _ = strconv.Atoi(m[2])
	want, err := tarHeader(name, size)
	if err != nil {
		return 0, 0, of, err
	}
	head = int64(len(want))
	if size%blockSize != 0 || head+size+trailerSize != st.Size() {
		return 0, 0, of, bad(fmt.Sprintf("the file has %d bytes, not the %d its header gives", st.Size(), head+size+trailerSize))
	}
	if err := checkZeros(f, head+size, trailerSize); err != nil {
		return 0, 0, of, &FormatError{Path: f.Name(), Offset: head + size, Reason: err.Error()}
	}
	return size, head, of, nil
}

// verifyHeaders reads the frames once more.
func (p *parts) verifyHeaders() []Problem {
	var out []Problem
	for _, f := range p.files {
		if _, _, _, err := p.readPartHeader(f); err != nil {
			out = append(out, Problem{File: f.Name(), Reason: err.Error()})
		}
	}
	return out
}

// forEachPart calls f for every piece of a range.
func (p *parts) forEachPart(b []byte, off int64, f func(file *os.File, b []byte, at int64) (int, error)) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	done := 0
	for done < len(b) && off < p.size {
		i := int(off / p.payload)
		in := off % p.payload
		n := int(min(int64(len(b)-done), p.partSize(i)-in))
		got, err := f(p.files[i], b[done:done+n], p.headerSizes[i]+in)
		done, off = done+got, off+int64(got)
		if err != nil && (got < n || !errors.Is(err, io.EOF)) {
			return done, err
		}
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}

// ReadAt implements io.ReaderAt.
func (p *parts) ReadAt(b []byte, off int64) (int, error) {
	return p.forEachPart(b, off, func(f *os.File, b []byte, at int64) (int, error) { return f.ReadAt(b, at) })
}

// WriteAt implements io.WriterAt.
func (p *parts) WriteAt(b []byte, off int64) (int, error) {
	return p.forEachPart(b, off, func(f *os.File, b []byte, at int64) (int, error) { return f.WriteAt(b, at) })
}

// Size is the size of the bundle.
func (p *parts) Size() int64 { return p.size }

// Sync writes all parts through.
func (p *parts) Sync() error {
	var errs []error
	for _, f := range p.files {
		errs = append(errs, f.Sync())
	}
	return errors.Join(errs...)
}

// Close closes all parts.
func (p *parts) Close() error {
	var errs []error
	for _, f := range p.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func (p *parts) locate(off int64) (string, int64) {
	i := min(int(off/p.payload), len(p.files)-1)
	return p.files[i].Name(), off - int64(i)*p.payload + p.headerSizes[i]
}
