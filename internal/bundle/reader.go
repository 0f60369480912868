package bundle

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// limits of what is read into memory when a bundle is opened.
const (
	maxIndexSize = 16 << 20
	maxEntries   = 100_000
)

// scanEntry adds the entry that begins where the layout ends so far; false
// where there is none, but the end. Names that were seen are refused.
func (l *layout) scanEntry(st storage, seen map[string]bool) (bool, error) {
	block := make([]byte, blockSize)
	if _, err := st.ReadAt(block, l.size); err != nil {
		return false, fmt.Errorf("the file ends early: %w", err)
	}
	if block[0] == 0 {
		return false, nil
	}
	name, size, err := readHeader(st, l.size, block)
	if err != nil {
		return false, err
	}
	if err := checkName(len(l.entries), name); err != nil {
		return false, err
	}
	if seen[name] {
		return false, fmt.Errorf("duplicate entry %q", name)
	}
	seen[name] = true
	if size > st.Size()-l.size {
		return false, fmt.Errorf("entry %q of %d bytes reaches beyond the end of the file", name, size)
	}
	b := blob{Descriptor: images.Descriptor{Size: size}}
	if hex, ok := strings.CutPrefix(name, blobPrefix); ok {
		b.Digest = "sha256:" + hex
	}
	return true, l.addEntry(name, b)
}

// scanLayout walks the headers of a file. Nothing in it is trusted: a header must be
// exactly what this package writes for its name and size, which leaves no room
// for links, absolute paths, device files or extensions.
func scanLayout(path string, st storage) (*layout, error) {
	l := &layout{}
	bad := func(off int64, format string, args ...any) error {
		return &FormatError{Path: path, Offset: off, Reason: fmt.Sprintf(format, args...)}
	}
	seen := map[string]bool{}
	for {
		if len(l.entries) > maxEntries {
			return nil, bad(l.size, "it has more than %d entries", maxEntries)
		}
		more, err := l.scanEntry(st, seen)
		if err != nil {
			return nil, bad(l.size, "%v", err)
		}
		if !more {
			break
		}
	}
	if l.size+trailerSize != st.Size() {
		return nil, bad(l.size, "the content ends here, but the file has %d bytes", st.Size())
	}
	if err := checkZeros(st, l.size, trailerSize); err != nil {
		return nil, bad(l.size, "%v", err)
	}
	l.size += trailerSize
	return l, nil
}

// readHeader takes name and size from the fixed places and then demands that
// the header be what these two give. Sizes of 8 GiB and more stand in a PAX
// header before, which the same demand covers.
func readHeader(st storage, off int64, block []byte) (string, int64, error) {
	name, size, err := parseHeaderFields(block)
	if err != nil {
		return "", 0, err
	}
	raw := block
	if block[156] == 'x' {
		if raw, name, size, err = readPAX(st, off, size); err != nil {
			return "", 0, err
		}
	}
	want, err := tarHeader(name, size)
	if err != nil {
		return "", 0, err
	}
	if !bytes.Equal(raw, want) {
		return "", 0, fmt.Errorf("the header of %q was changed", name)
	}
	return name, size, nil
}

func readPAX(st storage, off, length int64) ([]byte, string, int64, error) {
	if length < 0 || length > blockSize {
		return nil, "", 0, fmt.Errorf("an extended header of %d bytes is not expected", length)
	}
	raw := make([]byte, 3*blockSize)
	if _, err := st.ReadAt(raw, off); err != nil {
		return nil, "", 0, fmt.Errorf("reading header: %w", err)
	}
	_, record, _ := strings.Cut(string(raw[blockSize:2*blockSize]), " size=")
	digits, _, _ := strings.Cut(record, "\n")
	size, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || size < 0 {
		return nil, "", 0, fmt.Errorf("the extended header has no size")
	}
	name := cString(raw[2*blockSize : 2*blockSize+100])
	return raw, name, size, nil
}

func parseHeaderFields(block []byte) (string, int64, error) {
	size, err := strconv.ParseInt(strings.TrimRight(cString(block[124:136]), " "), 8, 64)
	if err != nil || size < 0 {
		return "", 0, fmt.Errorf("not a bundle file")
	}
	return cString(block[:100]), size, nil
}

func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

func checkName(i int, name string) error {
	switch i {
	case 0:
		if name != layoutName {
			return fmt.Errorf("the first entry is %q, not %q", name, layoutName)
		}
	case 1:
		if name != indexName {
			return fmt.Errorf("the second entry is %q, not %q", name, indexName)
		}
	default:
		hex, ok := strings.CutPrefix(name, blobPrefix)
		if !ok || images.CheckDigest("sha256:"+hex) != nil {
			return fmt.Errorf("entry %q is not a blob", name)
		}
	}
	return nil
}

// checkZeros demands n empty bytes.
func checkZeros(st io.ReaderAt, off, n int64) error {
	b := make([]byte, n)
	if _, err := st.ReadAt(b, off); err != nil {
		return fmt.Errorf("reading padding: %w", err)
	}
	if len(bytes.Trim(b, "\x00")) > 0 {
		return fmt.Errorf("unexpected content in padding")
	}
	return nil
}
