package term

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ProgressInterval is how often a log gets a line of progress: often enough to see that
// something moves, seldom enough not to flood it.
const ProgressInterval = 10 * time.Second

// StartProgress shows a transfer: a bar on a terminal, else a line at most every
// ten seconds. It returns what receives the events and what ends the display.
func (p *Program) StartProgress(title string) (images.Progress, func()) {
	if p.IsTTY(p.ErrOut) {
		return p.barProgress(Unwrap(p.ErrOut).(io.Writer), title)
	}
	l := &lineProgress{w: p.ErrOut, title: title, now: p.Now}
	ticks, done := time.NewTicker(time.Second), make(chan struct{})
	go func() {
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
				l.handleTick()
			}
		}
	}()
	return l.handleEvent, sync.OnceFunc(func() { close(done) })
}

// NewRetryReporter tells of requests that are tried again after a wait worth telling
// of, above the bar where there is one. Shorter ones would only flood a log,
// and so would each of several requests that wait for the same host.
func (p *Program) NewRetryReporter() func(host string, err error, wait time.Duration) {
	var mu sync.Mutex
	quiet := map[string]time.Time{}
	return func(host string, err error, wait time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now := p.Now()
		if wait < 5*time.Second || now.Before(quiet[host]) {
			return
		}
		quiet[host] = now.Add(wait)
		PrintLine(p.aboveBars(), "waiting %s for %s: %s", wait.Round(time.Second), host, SanitizeText(err.Error()))
	}
}

// aboveBars is where a line goes that must not tear a bar apart.
func (p *Program) aboveBars() io.Writer {
	if p.bars != nil {
		if bars := p.bars.Load(); bars != nil {
			return p.Redactor().Writer(bars)
		}
	}
	return p.ErrOut
}

// barProgress draws a bar once there is something to move: a transfer with
// nothing to do shows nothing.
func (p *Program) barProgress(w io.Writer, title string) (images.Progress, func()) {
	bars := mpb.New(mpb.WithOutput(w), mpb.WithWidth(30))
	p.bars.Store(bars)
	var mu sync.Mutex
	var bar *mpb.Bar
	show := func(e images.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == images.EventTotal && e.Bytes > 0 && bar == nil {
			bar = newBar(bars, title)
		}
		if bar == nil {
			return
		}
		switch e.Kind {
		case images.EventTotal:
			bar.SetTotal(e.Bytes, false)
		case images.EventMoved, images.EventSkipped:
			bar.IncrInt64(e.Bytes)
		}
	}
	return show, func() {
		mu.Lock()
		if bar != nil {
			bar.EnableTriggerComplete()
			bar.Abort(false) // one that is not full stays as it is
		}
		mu.Unlock()
		bars.Wait()
		p.bars.Store(nil)
	}
}

func newBar(bars *mpb.Progress, title string) *mpb.Bar {
	return bars.AddBar(0,
		mpb.PrependDecorators(decor.Name(title, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.Counters(decor.SizeB1000(0), "% .1f / % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1000(0), " % .1f", decor.WCSyncSpace),
			decor.Name(" "),
			decor.AverageETA(decor.ET_STYLE_GO),
		))
}

// lineProgress writes lines. It is safe for concurrent use.
type lineProgress struct {
	mu    sync.Mutex
	w     io.Writer
	title string
	now   func() time.Time

	start, last        time.Time
	total, done, moved int64
}

func (l *lineProgress) handleEvent(e images.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start.IsZero() {
		l.start = l.now()
		l.last = l.start
	}
	switch e.Kind {
	case images.EventTotal:
		l.total = e.Bytes
	case images.EventMoved:
		l.done += e.Bytes
		l.moved += e.Bytes
	case images.EventSkipped:
		l.done += e.Bytes
	case images.EventRetry:
		PrintLine(l.w, "%s: trying %s again: %v", l.title, e.Subject, e.Err)
	}
	l.printIfDue()
}

// handleTick is for times in which nothing moves: a log that falls silent is taken
// for one of a job that hangs.
func (l *lineProgress) handleTick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.start.IsZero() {
		l.printIfDue()
	}
}

// printIfDue writes the next line when it is time for it.
func (l *lineProgress) printIfDue() {
	if l.now().Sub(l.last) < ProgressInterval {
		return
	}
	l.last = l.now()
	l.writeLine()
}

func (l *lineProgress) writeLine() {
	text := fmt.Sprintf("%s: %s of %s", l.title, FormatBytes(l.done), FormatBytes(l.total))
	if l.total > 0 && l.done >= l.total {
		text += ", waiting for the last responses"
	} else if spent := l.last.Sub(l.start).Seconds(); spent > 0 && l.moved > 0 {
		rate := float64(l.moved) / spent
		left := time.Duration(float64(l.total-l.done)/rate) * time.Second
		text += fmt.Sprintf(", %s/s, %s left", FormatBytes(int64(rate)), left.Round(time.Second))
	}
	fmt.Fprintln(l.w, text)
}
