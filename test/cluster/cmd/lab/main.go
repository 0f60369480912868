// Command lab runs a Kubernetes cluster and two image registries on loopback,
// without a container engine and without a network, for tests and demos.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

const usage = `usage: lab VERB [flags]

  tools   build the needed programs once, into a cache; prints their folder
  up      start a cluster and two registries; returns when all are ready
  down    stop exactly what up started
  status  list the parts and whether they run
  run     up, a command with the environment set, down
  logs    print the log of a part
  stop-upstream, start-upstream
          take the upstream registry away (the airgap), bring it back

Every verb but tools takes --state DIR; run can do without. See lab VERB --help.
`

// app is what every verb gets from the outside.
type app struct {
	out, err io.Writer
	getenv   func(string) string
}

func (a app) logf(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// exitCode is an error that only carries a command's own exit code.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	// Parts started by `run` die with the thread that started them, so it must
	// be one that lives as long as the program.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, app{out: os.Stdout, err: os.Stderr, getenv: os.Getenv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run finds the verb, runs it and gives the exit code.
func run(ctx context.Context, a app, args []string) int {
	verbs := map[string]func(context.Context, []string) error{
		"tools": a.tools, "up": a.up, "down": a.down, "status": a.status,
		"run": a.run, "logs": a.logs, "puller": a.puller,
		"real-node": a.realNode, "forward": a.forward,
		"stop-upstream": a.stopUpstream, "start-upstream": a.startUpstream,
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		fmt.Fprint(a.err, usage)
		return 1
	}
	err := verbs[args[0]](ctx, args[1:])
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		if text := err.Error(); text != code.Error() {
			fmt.Fprintln(a.err, "error:", text)
		}
		return int(code)
	case ctx.Err() != nil:
		fmt.Fprintln(a.err, "error:", err)
		return 130
	}
	fmt.Fprintln(a.err, "error:", err)
	return 1
}
