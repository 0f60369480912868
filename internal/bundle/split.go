package bundle

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Split writes a bundle again in parts of at most partSize bytes, under
// path.part001 and so on, with SHA256SUMS and CONTENTS beside. It returns the
// files. The parts read like the bundle they came from.
func Split(ctx context.Context, b *Bundle, path string, partSize int64, progress images.Progress) ([]string, error) {
	fail := func(err error) ([]string, error) {
		removePartial(path) // it begins again, so that nothing of it is of use
		return nil, fmt.Errorf("splitting bundle %q: %w", b.path, err)
	}
	if fileExists(partName(path, 1)) {
		return nil, fmt.Errorf("splitting bundle %q: %s: %w", b.path, partName(path, 1), os.ErrExist)
	}
	if fileExists(path + journalSuffix) {
		return nil, fmt.Errorf("splitting bundle %q: %w", b.path, &TargetError{
			Path: path, Reason: "incomplete file of an interrupted bundle create found", hint: "rerun the same bundle create command to resume, or remove " + path + ".*" + partialSuffix + "*",
		})
	}
	p, err := createParts(path, b.layout.size, partSize, false)
	if err != nil {
		return fail(err)
	}
	if err := b.copyTo(ctx, p, progress); err != nil {
		_ = p.Close()
		return fail(err)
	}
	names, err := p.finalizeParts(b.manifest)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fail(err)
	}
	return names, nil
}

func firstError(err, other error) error {
	if err == nil {
		return other
	}
	return err
}

// finalizeParts writes the parts through, lists them with their sums and contents,
// and gives them their names last: until then they can be completed.
func (p *parts) finalizeParts(m Manifest) ([]string, error) {
	if err := p.Sync(); err != nil {
		return nil, err
	}
	extra, err := writeSums(p, m)
	if err != nil {
		return nil, err
	}
	if err := p.Close(); err != nil {
		return nil, err
	}
	var names []string
	for i := range p.files {
		n := partName(p.base, i+1)
		if err := safefile.Rename(n+partialSuffix, n); err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	return append(names, extra...), nil
}

// copyTo writes every byte of the bundle to w, at its own offset.
func (b *Bundle) copyTo(ctx context.Context, w io.WriterAt, progress images.Progress) error {
	progress.Emit(images.Event{Kind: images.EventTotal, Bytes: b.layout.size})
	buf := make([]byte, hashBuffer)
	for off := int64(0); off < b.layout.size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := b.st.ReadAt(buf[:min(int64(len(buf)), b.layout.size-off)], off)
		if n == 0 {
			return firstError(err, io.ErrUnexpectedEOF)
		}
		if _, err := w.WriteAt(buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
		progress.Emit(images.Event{Kind: images.EventMoved, Bytes: int64(n)})
	}
	return nil
}
