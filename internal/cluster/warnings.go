package cluster

import (
	"slices"
	"sync"
)

// warnings collects the warnings of the API server instead of printing them
// between the lines of somebody's report. It keeps the first hundred distinct
// ones.
type warnings struct {
	mu   sync.Mutex
	seen []string
}

// HandleWarningHeader implements client-go's rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _ string, text string) {
	if code != 299 || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) < 100 && !slices.Contains(w.seen, text) {
		w.seen = append(w.seen, text)
	}
}

func (w *warnings) list() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}
