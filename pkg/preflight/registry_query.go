package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// maxConcurrentQueries is how many questions one check asks a registry at a time.
const maxConcurrentQueries = 8

// registryQuery is one reference with the credentials to ask for it with.
type registryQuery struct {
	ref images.Ref
	// configs are Docker configurations that are tried in order; nil stands
	// for the user's own credentials.
	configs [][]byte
}

// cacheKey tells questions apart, so that each is asked once.
func (q registryQuery) cacheKey() string {
	var b strings.Builder
	b.WriteString(q.ref.String())
	for _, c := range q.configs {
		fmt.Fprintf(&b, "\x00%t%s", c == nil, c)
	}
	return b.String()
}

// queryResult is what the registry said.
type queryResult struct {
	found ManifestInfo
	err   error
}

// queryAll puts every question once, several at a time, and gives the answers by
// [question.cacheKey].
func queryAll(ctx context.Context, p RegistryProber, questions []registryQuery) map[string]queryResult {
	answers := map[string]queryResult{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxConcurrentQueries)
	for _, q := range questions {
		key := q.cacheKey()
		mu.Lock()
		_, asked := answers[key]
		if !asked {
			answers[key] = queryResult{}
		}
		mu.Unlock()
		if asked {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a := queryWithCredentials(ctx, p, q)
			mu.Lock()
			defer mu.Unlock()
			answers[key] = a
		})
	}
	wg.Wait()
	return answers
}

// queryWithCredentials asks with one set of credentials after the other until one is accepted,
// as kubelet does. Of several refusals it keeps the one that says most.
func queryWithCredentials(ctx context.Context, p RegistryProber, q registryQuery) queryResult {
	var worst error
	for _, config := range q.configs {
		found, err := p.Head(ctx, q.ref, config)
		if err == nil {
			return queryResult{found: found}
		}
		if worst == nil || errorRank(err) > errorRank(worst) {
			worst = err
		}
		if errorRank(err) == 0 {
			break // the registry cannot be reached: other credentials won't help
		}
	}
	return queryResult{err: worst}
}

// errorRank ranks errors: one that got past the login says more than one that
// did not.
func errorRank(err error) int {
	switch kindOfError(err) {
	case KindNotFound, KindNameUnknown:
		return 3
	case KindForbidden:
		return 2
	case KindUnauthorized:
		return 1
	default:
		return 0
	}
}

// kindOfError is what a [RegistryProber] says of an error, or "".
func kindOfError(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return ""
}

// hintOf is what a [RegistryProber] says helps, or "".
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// firstLine is an error without its hint, on one line.
func firstLine(err error) string {
	return message.Lines(err)[0]
}
