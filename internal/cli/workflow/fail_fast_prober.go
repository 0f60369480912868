package workflow

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// probeTimeout bounds one request to the registry.
const probeTimeout = 15 * time.Second

// FailFastProber asks an optional registry: once it is unreachable
// it is not asked again. It is safe for concurrent use.
type FailFastProber struct {
	Prober preflight.RegistryProber

	mu          sync.Mutex
	unreachable error
}

// Head implements [preflight.RegistryProber].
func (b *FailFastProber) Head(ctx context.Context, ref images.Ref, dockerConfigJSON []byte) (preflight.ManifestInfo, error) {
	b.mu.Lock()
	gone := b.unreachable
	b.mu.Unlock()
	if gone != nil {
		return preflight.ManifestInfo{}, gone
	}
	asking, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	found, err := b.Prober.Head(asking, ref, dockerConfigJSON)
	if err != nil && ctx.Err() == nil && asking.Err() != nil {
		err = kindError{err, preflight.KindUnreachable}
	}
	if err != nil && isPermanent(err) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.unreachable == nil {
			b.unreachable = err
		}
		return found, b.unreachable // one cause, however many asked at the same time
	}
	return found, err
}

// isPermanent reports whether another question would be answered likewise.
func isPermanent(err error) bool {
	var k interface{ Kind() string }
	if !errors.As(err, &k) {
		return false
	}
	switch k.Kind() {
	case preflight.KindUnreachable, preflight.KindTLS, preflight.KindPlainHTTP:
		return true
	}
	return false
}
