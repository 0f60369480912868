package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/proc"
)

func (a app) run(ctx context.Context, args []string) (err error) {
	var flags upFlags
	fs := flag.NewFlagSet("lab run [flags] -- COMMAND [ARGS...]", flag.ContinueOnError)
	flags.register(fs, a.getenv)
	if err := parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return errors.New("running a command in a lab: no command\nhint: lab run --state DIR -- COMMAND")
	}
	if flags.state == "" {
		if flags.state, err = os.MkdirTemp("", "lab"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(flags.state)) }()
	}
	l, err := flags.start(ctx, a, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Down()) }()
	return a.command(ctx, l, fs.Args())
}

// command runs the user's command. When told to end, it tells the command and
// all that this started, since a shell would wait for its own child and a child
// of that one be orphaned; they are given time to end by themselves.
func (a app) command(ctx context.Context, l *lab.Lab, args []string) error {
	env, err := l.Env()
	if err != nil {
		return err
	}
	path := a.getenv("PATH")
	if err := os.Setenv("PATH", l.Bin+string(os.PathListSeparator)+path); err != nil {
		return err // so that the command itself is found in the lab's programs
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, a.out, a.err
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = proc.DieWithParent()
	var told []proc.Entry
	cmd.Cancel = func() (err error) {
		if told, err = proc.Tree(cmd.Process.Pid); err != nil {
			return cmd.Process.Signal(syscall.SIGTERM)
		}
		proc.Terminate(told)
		return nil
	}
	cmd.WaitDelay = 10 * time.Second
	err = errors.Join(cmd.Run(), proc.Stop(told))
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exitCode(exit.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("running %q: %w", args[0], err)
	}
	return nil
}
