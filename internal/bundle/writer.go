package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// writer fills a laid-out bundle.
type writer struct {
	path    string
	plan    *plan
	opts    CreateOptions
	st      storage
	journal *journal
	resumed bool
	flusher *flusher
	fetched atomic.Int64
	kept    atomic.Int64
}

// openWriter lays the file out, or takes up what an earlier run left.
func openWriter(path string, p *plan, partSize int64, opts CreateOptions) (*writer, error) {
	w := &writer{path: path, plan: p, opts: opts}
	j, err := openJournal(path+journalSuffix, p, partSize, opts.Restart)
	if err != nil {
		return nil, w.explainMismatch(err)
	}
	w.journal, w.resumed = j, j.resumed
	// Another run may have completed it since this one began.
	if err = checkTarget(path, opts.Overwrite); err == nil {
		err = w.checkSpace()
	}
	if err != nil {
		w.discardPartial()
		return nil, err
	}
	if w.st, err = openTarget(path, p.layout.size, partSize, w.resumed); err == nil {
		err = w.writeKnownEntries()
	}
	if err == nil && !w.resumed {
		err = j.writeHeader(p, partSize)
	}
	if err != nil {
		w.discardPartial()
		if told := w.explainError(err); told != err { //nolint:errorlint // the very same
			return nil, told
		}
		return nil, fmt.Errorf("creating bundle %q: %w", path, err)
	}
	return w, nil
}

// discardPartial lets go before anything was fetched, and leaves nothing behind that an
// earlier run has not.
func (w *writer) discardPartial() {
	w.close()
	if !w.resumed {
		removePartial(w.path)
		_ = w.journal.removeFile()
	}
}

func openTarget(path string, size, partSize int64, resume bool) (storage, error) {
	if partSize > 0 {
		p, err := createParts(path, size, partSize, resume)
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	f, err := openPartial(path, resume)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &singleFile{f, size}, nil
}

// openPartial opens what a file is called while it is not whole.
func openPartial(path string, resume bool) (*os.File, error) {
	flags := 0
	if !resume {
		flags = os.O_TRUNC
	}
	return safefile.OpenOwn(path+partialSuffix, flags, 0o644)
}

// explainMismatch turns "other inputs" into what exactly differs, where the partial
// file can still say.
func (w *writer) explainMismatch(err error) error {
	var busy *BusyError
	if errors.As(err, &busy) {
		busy.Path = w.path
		return busy
	}
	var changed *ChangedError
	if !errors.As(err, &changed) {
		return fmt.Errorf("creating bundle %q: %w", w.path, err)
	}
	changed.Path = w.path
	st, openErr := openSingle(w.path + partialSuffix)
	if openErr != nil {
		return changed
	}
	defer st.Close()
	l, scanErr := scanLayout(w.path, st)
	if scanErr != nil {
		return changed
	}
	old := &Bundle{path: w.path, st: st, layout: l, entryIndex: map[string]int{}, assumed: map[string]bool{}}
	if old.loadManifest() != nil {
		return changed
	}
	before := map[images.Ref]string{}
	for _, e := range old.manifest.Images {
		before[e.Ref] = e.Digest
	}
	for _, e := range w.plan.manifest.Images {
		if d, ok := before[e.Ref]; ok && d != e.Digest {
			changed.Subject, changed.Received, changed.Expected = "image "+e.Ref.String(), e.Digest, d
			return changed
		}
	}
	return changed
}

// checkSpace compares what is still to be written with what is free.
func (w *writer) checkSpace() error {
	need := w.plan.layout.size
	for i, e := range w.plan.layout.entries {
		if e.blob.data == nil {
			need -= w.journal.bytesDone(i)
		}
	}
	free, err := w.opts.FreeSpace(filepath.Dir(w.path))
	if err != nil || free < 0 || free >= need {
		return nil // not knowing is no reason to refuse
	}
	return &SpaceError{Path: w.path, Required: need, Available: free}
}

// writeKnownEntries writes all headers and everything that is known.
func (w *writer) writeKnownEntries() error {
	for _, e := range w.plan.layout.entries {
		h, err := tarHeader(e.name, e.blob.Size)
		if err != nil {
			return err
		}
		if _, err := w.st.WriteAt(h, e.header); err != nil {
			return err
		}
		if e.blob.data == nil {
			continue
		}
		if _, err := w.st.WriteAt(e.blob.data, e.offset); err != nil {
			return err
		}
	}
	return nil
}

// finalize writes everything through and gives the file its name.
func (w *writer) finalize() ([]string, error) {
	names, err := w.renameFiles()
	if err != nil {
		return nil, fmt.Errorf("completing bundle %q: %w", w.path, err)
	}
	if err := syncDir(filepath.Dir(w.path)); err != nil {
		return nil, fmt.Errorf("completing bundle %q: %w", w.path, err)
	}
	return names, w.journal.removeFile()
}

func (w *writer) renameFiles() ([]string, error) {
	st := w.st
	if p, ok := st.(*parts); ok {
		names, err := p.finalizeParts(w.plan.manifest)
		if err != nil {
			return nil, err
		}
		w.st = nil
		return names, w.removeOld(len(p.files))
	}
	if err := st.Sync(); err != nil {
		return nil, err
	}
	w.st = nil
	if err := st.Close(); err != nil {
		return nil, err
	}
	if err := safefile.Rename(w.path+partialSuffix, w.path); err != nil {
		return nil, err
	}
	return []string{w.path}, w.removeOld(0)
}

// removeOld removes what is left of a bundle that this one replaces.
func (w *writer) removeOld(n int) error {
	if !w.opts.Overwrite {
		return nil
	}
	return removeOld(w.path, n)
}

// close lets go of the files; what was written stays for the next run.
func (w *writer) close() {
	if w.st != nil {
		_ = w.st.Close()
	}
	if w.journal != nil {
		_ = w.journal.close()
	}
}

// fetchMissing fetches what is missing, the largest first.
func (w *writer) fetchMissing(ctx context.Context, src Fetcher) error {
	todo := w.plan.layout.missingEntries()
	var total int64
	for _, m := range todo {
		total += m.entry.blob.Size
	}
	w.opts.Progress.Emit(images.Event{Kind: images.EventTotal, Bytes: total})
	w.flusher = newFlusher(w.st)
	err := w.fetchAll(ctx, src, todo)
	if failed := w.flusher.waitFlushed(); err == nil {
		err = failed
	}
	return err
}
