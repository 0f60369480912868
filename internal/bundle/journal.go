package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// journal notes how many bytes of each entry stand in the partial file: its
// identity in 32 bytes, then eight bytes an entry. It is written after the
// bytes it speaks of, and everything it says is hashed before it is believed,
// so it may be stale or torn without harm.
type journal struct {
	f            *os.File
	name         string
	bytesByEntry []int64
	resumed      bool
	closed       atomic.Bool
}

// planIdentity is equal only for the same bytes in the same parts.
func planIdentity(p *plan, partSize int64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", p.digest, partSize))
	return sum[:]
}

// openJournal takes up an earlier run. Without one, or with restart, begin
// must be called once the file is laid out.
func openJournal(name string, p *plan, partSize int64, restart bool) (*journal, error) {
	j := &journal{name: name, bytesByEntry: make([]int64, len(p.layout.entries))}
	f, err := openLocked(name)
	if err != nil {
		return nil, err
	}
	j.f = f
	if restart {
		return j, f.Truncate(0)
	}
	b, err := io.ReadAll(io.LimitReader(f, 32+8*int64(maxEntries)))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	switch {
	case len(b) < 32:
		return j, nil // the earlier run did not get as far as laying out
	case !hasPartial(strings.TrimSuffix(name, journalSuffix)):
		return j, nil // it is about a file that is gone
	case !bytes.Equal(b[:32], planIdentity(p, partSize)):
		return nil, errors.Join(&ChangedError{Subject: "what it is made of"}, f.Close())
	}
	j.resumed = true
	for i := range j.bytesByEntry {
		if o := 32 + 8*i; o+8 <= len(b) {
			n := int64(binary.LittleEndian.Uint64(b[o:]))
			j.bytesByEntry[i] = max(0, min(n, p.layout.entries[i].blob.Size))
		}
	}
	return j, nil
}

// hasPartial reports whether anything is there of a bundle that is being made.
func hasPartial(path string) bool {
	return fileExists(path+partialSuffix) || fileExists(partName(path, 1)+partialSuffix)
}

// openLocked opens the journal for this process alone. A run that ends takes
// its journal away: then the file that was opened is no longer the one of that
// name, and is opened again.
func openLocked(name string) (*os.File, error) {
	for {
		f, err := safefile.OpenOwn(name, 0, 0o644)
		if err != nil {
			return nil, err
		}
		if lock(f) {
			return nil, errors.Join(&BusyError{}, f.Close())
		}
		mine, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		_ = f.Close()
	}
}

// writeHeader makes the journal valid.
func (j *journal) writeHeader(p *plan, partSize int64) error {
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	_, err := j.f.WriteAt(append(planIdentity(p, partSize), make([]byte, 8*len(j.bytesByEntry))...), 0)
	return err
}

// bytesDone is how many bytes of entry i stand in the file.
func (j *journal) bytesDone(i int) int64 { return j.bytesByEntry[i] }

// setBytesDone notes it. Each entry has one writer.
func (j *journal) setBytesDone(i int, n int64) error {
	j.bytesByEntry[i] = n
	_, err := j.f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(n)), 32+8*int64(i))
	return err
}

func (j *journal) close() error {
	if j.closed.Swap(true) {
		return nil
	}
	return j.f.Close()
}

func (j *journal) removeFile() error {
	if os.Remove(j.name) == nil { // while nobody else can take it up
		return j.close()
	}
	return errors.Join(j.close(), os.Remove(j.name)) // systems that remove no open file
}
