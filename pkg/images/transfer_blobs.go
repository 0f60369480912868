package images

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// blobJob is one blob with every repository that needs it.
type blobJob struct {
	desc  Descriptor
	users []*job // one a repository
	// mountFrom are repositories of the same registry that hold the blob
	// already, because a present artifact of this push is there, or the source.
	mountFrom []string
}

func totalBytes(blobs []*blobJob) int64 {
	var n int64
	for _, b := range blobs {
		n += b.desc.Size
	}
	return n
}

// planBlobs lists every blob of the missing artifacts once, the largest first,
// so that no big one is left to a single worker at the end.
func (p *pusher) planBlobs() []*blobJob {
	byDigest := map[string]*blobJob{}
	var out []*blobJob
	for _, j := range p.jobs {
		if j.present {
			continue
		}
		for _, d := range j.blobs {
			b := byDigest[d.Digest]
			if b == nil {
				b = &blobJob{desc: d}
				byDigest[d.Digest] = b
				out = append(out, b)
			}
			if !slices.ContainsFunc(b.users, func(u *job) bool { return u.dst.Name() == j.dst.Name() }) {
				b.users = append(b.users, j)
			}
		}
	}
	for _, j := range p.jobs {
		if !j.present {
			continue
		}
		for _, d := range j.blobs {
			if b := byDigest[d.Digest]; b != nil && len(b.mountFrom) == 0 {
				b.mountFrom = []string{j.dst.Path}
			}
		}
	}
	for _, b := range out {
		if len(b.mountFrom) == 0 {
			b.mountFrom = p.mountSource(b.users[0])
		}
	}
	slices.SortStableFunc(out, func(a, b *blobJob) int { return cmp.Compare(b.desc.Size, a.desc.Size) })
	return out
}

// mountSource is the repository that holds an artifact's blobs, where the source is
// the target's own registry.
func (p *pusher) mountSource(j *job) []string {
	src, ok := p.src.(RegistrySource)
	if !ok {
		return nil
	}
	at := src.SourceRepository(j.art)
	if at.Host != j.dst.Host || at.Path == j.dst.Path {
		return nil
	}
	return []string{at.Path}
}

// verifyAssumedBlobs looks for every blob that the source leaves out.
func (p *pusher) verifyAssumedBlobs(ctx context.Context, blobs []*blobJob) error {
	assumed := slices.DeleteFunc(slices.Clone(blobs), func(b *blobJob) bool { return p.src.HoldsBlob(b.desc.Digest) })
	return forEach(ctx, p.opts.Concurrency, len(assumed), func(ctx context.Context, i int) error {
		b := assumed[i]
		places := append([]string(nil), b.mountFrom...)
		for _, u := range b.users {
			places = append(places, u.dst.Path)
		}
		b.mountFrom = nil
		for _, path := range places {
			ok, err := p.dst.HasBlob(ctx, Ref{Host: b.users[0].dst.Host, Path: path}, b.desc.Digest)
			if err != nil {
				return err
			}
			if ok {
				b.mountFrom = append(b.mountFrom, path)
			}
		}
		if len(b.mountFrom) == 0 {
			return &AssumedError{Repo: b.users[0].dst, Digest: b.desc.Digest}
		}
		return nil
	})
}

func (p *pusher) checkBlobs(ctx context.Context, blobs []*blobJob) error {
	var mu sync.Mutex
	return forEach(ctx, p.opts.Concurrency, len(blobs), func(ctx context.Context, i int) error {
		b := blobs[i]
		for n, u := range b.users {
			ok, err := p.dst.HasBlob(ctx, u.dst, b.desc.Digest)
			if err != nil {
				return err
			}
			mu.Lock()
			switch {
			case ok:
				u.item.BytesPresent += b.desc.Size
			case n > 0:
				u.item.BytesMounted += b.desc.Size
			default:
				u.item.BytesSent += b.desc.Size
			}
			mu.Unlock()
		}
		return nil
	})
}

// pushBlobs sends each blob to its first repository and then mounts it into
// the others.
func (p *pusher) pushBlobs(ctx context.Context, blobs []*blobJob) error {
	var mu sync.Mutex
	q := newQueue()
	for _, b := range blobs {
		q.addTask(func(ctx context.Context) error {
			first := b.users[0]
			if err := p.pushBlob(ctx, &mu, b, first, b.mountFrom); err != nil {
				return err
			}
			for _, u := range b.users[1:] {
				q.addFirst(func(ctx context.Context) error {
					return p.pushBlob(ctx, &mu, b, u, []string{first.dst.Path})
				})
			}
			return nil
		})
	}
	return q.run(ctx, p.opts.Concurrency)
}

func (p *pusher) pushBlob(ctx context.Context, mu *sync.Mutex, b *blobJob, u *job, from []string) error {
	meter := &meter{progress: p.opts.Progress}
	open := func(at int64) (io.ReadCloser, error) {
		if !p.src.HoldsBlob(b.desc.Digest) {
			return nil, &AssumedError{Repo: u.dst, Digest: b.desc.Digest}
		}
		rc, err := p.src.OpenBlob(ctx, u.art, b.desc.Digest, at)
		if err != nil {
			return nil, err
		}
		meter.resetTo(at)
		return &meteredReader{rc, meter}, nil
	}
	got, err := p.dst.PushBlob(ctx, u.dst, b.desc, open, from)
	if err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	switch got {
	case OutcomePresent:
		u.item.BytesPresent += b.desc.Size
	case OutcomeMounted:
		u.item.BytesMounted += b.desc.Size
	default:
		u.item.BytesSent += b.desc.Size
	}
	if got != OutcomePushed && u == b.users[0] {
		p.opts.Progress.Emit(Event{Kind: EventSkipped, Bytes: b.desc.Size})
	}
	return nil
}

// meter counts the bytes of one blob; a retry takes back what it repeats.
// The transport may still read from an earlier body while the next is opened.
type meter struct {
	progress Progress
	offset   atomic.Int64
}

func (m *meter) resetTo(at int64) {
	if before := m.offset.Swap(at); before != at {
		m.progress.Emit(Event{Kind: EventMoved, Bytes: at - before})
	}
}

type meteredReader struct {
	io.ReadCloser
	m *meter
}

// Read implements io.Reader.
func (r *meteredReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.m.offset.Add(int64(n))
	r.m.progress.Emit(Event{Kind: EventMoved, Bytes: int64(n)})
	return n, err
}
