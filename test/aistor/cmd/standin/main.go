// Command standin plays AIStor's programs in tests; see package standin.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := standin.Run(ctx, standin.Process{Name: os.Args[0], Args: os.Args[1:], Getenv: os.Getenv, Hostname: os.Hostname,
		Now: time.Now, Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
