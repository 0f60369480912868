package cluster

import (
	"slices"
	"sync"
)

// warningCollector collects the warnings of the API server instead of printing them
// between the lines of somebody's report. It keeps the first hundred distinct
// ones.
type warningCollector struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeader implements client-go's rest.WarningHandler.
func (w *warningCollector) HandleWarningHeader(code int, _ string, text string) {
	if code != 299 || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.texts) < 100 && !slices.Contains(w.texts, text) {
		w.texts = append(w.texts, text)
	}
}

func (w *warningCollector) listWarnings() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}
