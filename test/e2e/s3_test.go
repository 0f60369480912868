package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// tryLimit is how long a client waits for an object to be written and read
	// back, dialLimit for a connection.
	tryLimit  = 30 * time.Second
	dialLimit = 500 * time.Millisecond
	// tryPause is the time between two tries, and tries how many of them fail
	// before an operation does: clients try again, and meet another server.
	tryPause = 100 * time.Millisecond
	tries    = 3
)

// traffic writes objects and reads them back, one after the other, until it is
// stopped, and notes what became of each.
type traffic struct {
	client *minio.Client
	stop   context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	did    []operation
}

// operation is one object that was written and read back, or not.
type operation struct {
	from, to time.Time
	err      error
}

// outage is a time without service.
type outage struct{ From, To time.Time }

func (o outage) lasted() time.Duration { return o.To.Sub(o.From) }

// newTraffic begins to write to and read from an S3 address.
func newTraffic(t *testing.T, address string) *traffic {
	t.Helper()
	client, err := minio.New(address, &minio.Options{
		Creds: credentials.NewStaticV4("planted-access-key", "planted-secret-key", ""),
		// Each request may meet another server, as behind a load balancer.
		Transport:  &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: dialLimit}).DialContext},
		MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(tryPause) {
		if err := client.MakeBucket(t.Context(), "traffic", minio.MakeBucketOptions{}); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("making a bucket: %v", err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &traffic{client: client, stop: stop}
	w.done.Go(func() { w.run(ctx) })
	t.Cleanup(func() {
		w.stop()
		w.done.Wait()
	})
	return w
}

func (w *traffic) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		o := operation{from: time.Now()}
		for n := 0; n < tries && (n == 0 || o.err != nil); n++ {
			time.Sleep(time.Duration(min(n, 1)) * tryPause)
			o.err = w.object(ctx, fmt.Sprint(i%50))
		}
		o.to = time.Now()
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		w.did = append(w.did, o)
		w.mu.Unlock()
		time.Sleep(tryPause)
	}
}

// object writes one and reads it back.
func (w *traffic) object(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	want := []byte(rand.Text())
	if _, err := w.client.PutObject(ctx, "traffic", name, bytes.NewReader(want), int64(len(want)), minio.PutObjectOptions{}); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	o, err := w.client.GetObject(ctx, "traffic", name, minio.GetObjectOptions{})
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	defer func() { _ = o.Close() }()
	got, err := io.ReadAll(o)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("another object")
	}
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return nil
}

// outages are those that began in a span of time, each from the begin of the
// first operation that failed to the end of the last in a row, and what was out
// of the ordinary. What takes long and succeeds is slow, and no outage.
func (w *traffic) outages(from, to time.Time) (list []outage, trace string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	down, n := false, 0
	for _, o := range w.did {
		if o.from.Before(from) || o.from.After(to) && !down {
			continue
		}
		n++
		switch {
		case o.err != nil && !down:
			list = append(list, outage{o.from, o.to})
		case o.err != nil:
			list[len(list)-1].To = o.to
		}
		down = o.err != nil
		if took := o.to.Sub(o.from); down || took > time.Second {
			fmt.Fprintf(&b, "%s %5dms %v\n", o.from.UTC().Format("15:04:05.000"), took.Milliseconds(), o.err)
		}
	}
	return list, fmt.Sprintf("%d objects, out of the ordinary:\n%s", n, b.String())
}
