package bundle

import "sync"

// flushEvery is how many bytes arrive between two calls to write them through.
const flushEvery = 32 << 20

// flusher writes through while more arrives, so that little is left to wait for
// at the end. A failure is kept: the system tells of each only once.
type flusher struct {
	st   storage
	due  chan struct{}
	done sync.WaitGroup
	err  error
}

// newFlusher starts one for st. It ends with stop.
func newFlusher(st storage) *flusher {
	f := &flusher{st: st, due: make(chan struct{}, 1)}
	f.done.Go(func() {
		for range f.due {
			if err := f.st.Sync(); err != nil && f.err == nil {
				f.err = err
			}
		}
	})
	return f
}

// recordBytes counts: before and after are the bytes in all before a write and
// after it. It never waits.
func (f *flusher) recordBytes(before, after int64) {
	if before/flushEvery == after/flushEvery {
		return
	}
	select {
	case f.due <- struct{}{}:
	default: // it is busy already
	}
}

// waitFlushed waits for what is under way and gives the first failure.
func (f *flusher) waitFlushed() error {
	close(f.due)
	f.done.Wait()
	return f.err
}
