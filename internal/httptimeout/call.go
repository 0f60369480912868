package httptimeout

import (
	"context"
	"fmt"
	"time"
)

// Call runs f, which cannot be told to end, such as a program that lends
// credentials. It returns without f once ctx ends, or after [Limits.FirstByte]
// with an [*Error] that names who was asked for what. tell may be nil.
func (l Limits) Call(ctx context.Context, who, what string, tell func(Silence), f func() error) error {
	l = l.WithDefaults()
	done := make(chan error, 1)
	go func() { done <- f() }()
	notice, end, began := time.NewTimer(l.Notice), time.NewTimer(l.FirstByte), time.Now()
	defer notice.Stop()
	defer end.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return &Error{Server: who, Request: what, Settable: true, what: fmt.Sprintf("no data was received within %s", l.FirstByte)}
		case <-notice.C:
			if tell != nil {
				tell(Silence{Server: who, Request: what, For: time.Since(began), Limit: l.FirstByte})
			}
			notice.Reset(noticeAgain)
		}
	}
}
