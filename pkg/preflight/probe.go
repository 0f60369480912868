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

// probes is how many questions one check asks a registry at a time.
const probes = 8

// question is one reference with the credentials to ask for it with.
type question struct {
	ref images.Ref
	// configs are Docker configurations that are tried in order; nil stands
	// for the user's own credentials.
	configs [][]byte
}

// key tells questions apart, so that each is asked once.
func (q question) key() string {
	var b strings.Builder
	b.WriteString(q.ref.String())
	for _, c := range q.configs {
		fmt.Fprintf(&b, "\x00%t%s", c == nil, c)
	}
	return b.String()
}

// answer is what the registry said.
type answer struct {
	found Found
	err   error
}

// ask puts every question once, several at a time, and gives the answers by
// [question.key].
func ask(ctx context.Context, p Prober, questions []question) map[string]answer {
	answers := map[string]answer{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, probes)
	for _, q := range questions {
		key := q.key()
		mu.Lock()
		_, asked := answers[key]
		if !asked {
			answers[key] = answer{}
		}
		mu.Unlock()
		if asked {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a := try(ctx, p, q)
			mu.Lock()
			defer mu.Unlock()
			answers[key] = a
		})
	}
	wg.Wait()
	return answers
}

// try asks with one set of credentials after the other until one is accepted,
// as kubelet does. Of several refusals it keeps the one that says most.
func try(ctx context.Context, p Prober, q question) answer {
	var worst error
	for _, config := range q.configs {
		found, err := p.Head(ctx, q.ref, config)
		if err == nil {
			return answer{found: found}
		}
		if worst == nil || telling(err) > telling(worst) {
			worst = err
		}
		if telling(err) == 0 {
			break // the registry can't be reached: other credentials won't help
		}
	}
	return answer{err: worst}
}

// telling ranks errors: one that got past the login says more than one that
// did not.
func telling(err error) int {
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

// kindOfError is what a [Prober] says of an error, or "".
func kindOfError(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return ""
}

// hintOf is what a [Prober] says helps, or "".
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
