package chart

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
)

const (
	// maxPulls is how often a chart is asked for, and maxSilentPulls how often of
	// a server that stays silent: each time takes as long as the limit.
	maxPulls       = 4
	maxSilentPulls = 2
)

// wait sleeps, or ends with ctx.
func (o PullOptions) wait(ctx context.Context, d time.Duration) error {
	if o.Wait != nil {
		return o.Wait(ctx, d)
	}
	return pause.For(ctx, d)
}

func timedOut(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// transient reports whether another attempt may go better: the connection
// broke, or the server said that it is busy. Helm gives the status only as
// text ("failed to fetch URL : 503 Service Unavailable").
func transient(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return dns.IsTemporary
	case errors.As(err, &op), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return true
	case timedOut(err):
		return true
	}
	busy := regexp.MustCompile(`failed to fetch \S+ : (429|5\d\d) `)
	return busy.MatchString(err.Error())
}
