package chart

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
)

const (
	// maxPullAttempts is how often a chart is requested, and maxSilentPulls how often of
	// a server that stays silent: each time takes as long as the limit.
	maxPullAttempts = 4
	maxSilentPulls  = 2
)

// waitRetry sleeps, or ends with ctx.
func (o PullOptions) waitRetry(ctx context.Context, d time.Duration) error {
	if o.Wait != nil {
		return o.Wait(ctx, d)
	}
	return backoff.Sleep(ctx, d)
}

func timedOut(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// isTransient reports whether another attempt may go better: the connection
// broke, or the server said that it is busy. Helm gives the status only as
// text ("failed to fetch URL : 503 Service Unavailable").
func isTransient(err error) bool {
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
