package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
)

// stateOf parses the flags of a verb that only takes --state, and gives the
// directory and what follows the flags.
func stateOf(verb string, args []string) (string, []string, error) {
	fs := flag.NewFlagSet("lab "+verb, flag.ContinueOnError)
	state := fs.String("state", "", "folder of the cluster (required)")
	if err := parse(fs, args); err != nil {
		return "", nil, err
	}
	if *state == "" {
		return "", nil, errors.New("finding the lab: --state DIR is required")
	}
	dir, err := filepath.Abs(*state)
	return dir, fs.Args(), err
}

// open is stateOf for verbs that need a whole lab.
func open(verb string, args []string) (*lab.Lab, []string, error) {
	dir, rest, err := stateOf(verb, args)
	if err != nil {
		return nil, nil, err
	}
	l, err := lab.Open(dir)
	return l, rest, err
}

func (a app) down(_ context.Context, args []string) error {
	dir, _, err := stateOf("down", args)
	if err != nil {
		return err
	}
	return lab.Down(dir)
}

func (a app) status(_ context.Context, args []string) error {
	l, _, err := open("status", args)
	if err != nil {
		return err
	}
	parts, err := l.Status()
	for _, p := range parts {
		state := "stopped"
		if p.Running {
			state = "running"
		}
		fmt.Fprintf(a.out, "%-24s %-8s %d\n", p.Part, state, p.PID)
	}
	if len(parts) == 0 && err == nil {
		fmt.Fprintln(a.out, "nothing runs")
	}
	return err
}

func (a app) logs(_ context.Context, args []string) error {
	l, rest, err := open("logs", args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("printing a log: name one part\nhint: lab status lists them")
	}
	f, err := os.Open(l.LogFile(rest[0]))
	if err != nil {
		return fmt.Errorf("printing the log of %q: %w", rest[0], err)
	}
	defer f.Close()
	_, err = io.Copy(a.out, f)
	return err
}

func (a app) stopUpstream(_ context.Context, args []string) error {
	l, _, err := open("stop-upstream", args)
	if err != nil {
		return err
	}
	return l.StopUpstream()
}

func (a app) startUpstream(_ context.Context, args []string) error {
	l, _, err := open("start-upstream", args)
	if err != nil {
		return err
	}
	return l.StartUpstream()
}

// puller is a part of the cluster, started by up.
func (a app) puller(ctx context.Context, args []string) error {
	l, _, err := open("puller", args)
	if err != nil {
		return err
	}
	return l.RunPuller(ctx)
}

// realNode is a part of the cluster: the first process of the real node.
func (a app) realNode(ctx context.Context, args []string) error {
	l, _, err := open("real-node", args)
	if err != nil {
		return err
	}
	return l.RunRealNode(ctx)
}

// forward is a part of the cluster: the real node's way out.
func (a app) forward(ctx context.Context, args []string) error {
	l, _, err := open("forward", args)
	if err != nil {
		return err
	}
	return l.RunForward(ctx)
}
