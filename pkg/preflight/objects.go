package preflight

import (
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// newRefParser reads references, each text once: thousands of pods name few images.
// It is for one goroutine.
func newRefParser() func(string) (images.Ref, error) {
	type parsed struct {
		ref images.Ref
		err error
	}
	known := map[string]parsed{}
	return func(s string) (images.Ref, error) {
		p, ok := known[s]
		if !ok {
			p.ref, p.err = images.ParseRef(s)
			known[s] = p
		}
		return p.ref, p.err
	}
}
