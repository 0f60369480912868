package bundle

import (
	"errors"
	"sync/atomic"
	"testing"
)

// failingDisk is a storage whose first write-through fails, which the system tells
// only once.
type failingDisk struct {
	storage
	syncs atomic.Int32
}

func (d *failingDisk) Sync() error {
	if d.syncs.Add(1) == 1 {
		return errors.New("the disk is gone")
	}
	return nil
}

func TestAFailureToWriteThroughIsKept(t *testing.T) {
	t.Parallel()
	d := &failingDisk{}
	f := newFlusher(d)
	f.recordBytes(0, flushEvery-1)
	if n := d.syncs.Load(); n != 0 {
		t.Errorf("written through %d times before it was due", n)
	}
	f.recordBytes(flushEvery-1, flushEvery)
	f.recordBytes(flushEvery, 2*flushEvery)
	if err := f.waitFlushed(); err == nil || d.syncs.Load() == 0 {
		t.Errorf("got %v after %d", err, d.syncs.Load())
	}
}
