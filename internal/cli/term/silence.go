package term

import (
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// silenceEvery is the least time between two lines about one server: several
// requests wait for it at once.
const silenceEvery = 20 * time.Second

// SilencePrinter tells which server is waited for, above the bar where there is
// one.
func (p *Program) SilencePrinter() func(httptimeout.Silence) {
	var mu sync.Mutex
	told := map[string]time.Time{}
	return func(s httptimeout.Silence) {
		mu.Lock()
		defer mu.Unlock()
		now := p.Now()
		if last, ok := told[s.Server]; ok && now.Sub(last) < silenceEvery {
			return
		}
		told[s.Server] = now
		PrintLine(p.aboveBars(), "waiting for %s: no response to %s for %s (at most %s)", SanitizeText(s.Server), SanitizeText(s.Request), s.For.Round(time.Second), s.Limit)
	}
}

// AddLimits registers a flag for whoever tests what a silent server does: a
// minute is long.
func (p *Program) AddLimits(root *cobra.Command) {
	fs := root.PersistentFlags()
	fs.DurationVar(&p.Limits.Silence, "silence-timeout", time.Minute, "timeout without data from a server")
	_ = fs.MarkHidden("silence-timeout")
}
