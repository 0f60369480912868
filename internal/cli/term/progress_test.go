package term

import (
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// A log that falls silent while a proxy scans is taken for a job that hangs.
func TestLinesOfProgressComeAlsoWhileNothingMoves(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(0, 0)
	l := &lineProgress{w: &out, title: "pushing", now: func() time.Time { return now }}
	l.handleTick() // nothing is known yet
	l.handleEvent(images.Event{Kind: images.EventTotal, Bytes: 40_000_000})
	l.handleEvent(images.Event{Kind: images.EventMoved, Bytes: 10_000_000})
	for range 25 {
		now = now.Add(time.Second)
		l.handleTick()
	}
	l.handleEvent(images.Event{Kind: images.EventMoved, Bytes: 30_000_000})
	for range 10 {
		now = now.Add(time.Second)
		l.handleTick()
	}
	const want = "pushing: 10.0 MB of 40.0 MB, 1.0 MB/s, 30s left\n" +
		"pushing: 10.0 MB of 40.0 MB, 500.0 kB/s, 1m0s left\n" +
		"pushing: 40.0 MB of 40.0 MB, waiting for the last responses\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// Eight requests that wait for one host are one line.
func TestAWaitIsToldOnce(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Unix(0, 0)
	p := &Program{IOStreams: genericiooptions.IOStreams{ErrOut: &out}, Now: func() time.Time { return now }, Getenv: func(string) string { return "" }}
	tell := p.NewRetryReporter()
	for range 8 {
		tell("a", errors.New("busy\x1b[2J"), 6*time.Second)
	}
	tell("a", errors.New("busy"), time.Second)
	tell("b", errors.New("busy"), 7*time.Second)
	now = now.Add(6 * time.Second)
	tell("a", errors.New("busy"), 8*time.Second)
	const want = "waiting 6s for a: busy\\x1b[2J\nwaiting 7s for b: busy\nwaiting 8s for a: busy\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
