package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// briefPatience is how long a look waits for one answer of the registry.
const briefPatience = 15 * time.Second

// brief asks a registry that a look can do without: where it can't be reached
// from here, it is asked no more. It is safe for concurrent use.
type brief struct {
	prober preflight.Prober

	mu   sync.Mutex
	gone error
}

// Head implements [preflight.Prober].
func (b *brief) Head(ctx context.Context, ref images.Ref, dockerConfigJSON []byte) (preflight.Found, error) {
	b.mu.Lock()
	gone := b.gone
	b.mu.Unlock()
	if gone != nil {
		return preflight.Found{}, gone
	}
	asking, cancel := context.WithTimeout(ctx, briefPatience)
	defer cancel()
	found, err := b.prober.Head(asking, ref, dockerConfigJSON)
	if err != nil && ctx.Err() == nil && asking.Err() != nil {
		err = kindError{err, preflight.KindUnreachable}
	}
	if err != nil && noUse(err) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.gone == nil {
			b.gone = err
		}
		return found, b.gone // one cause, however many asked at the same time
	}
	return found, err
}

// noUse reports whether another question would be answered likewise.
func noUse(err error) bool {
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
