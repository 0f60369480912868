package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/proc"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

// Options say what cluster to start.
type Options struct {
	// Dir is its directory; made when absent, emptied of an earlier cluster's data
	// when that one is stopped.
	Dir string
	// Bin is the directory of the programs, Self the lab program.
	Bin, Self string
	// Nodes is the number of simulated nodes.
	Nodes int
	// Platforms are given to the nodes in turns, as os/arch.
	Platforms []string
	// User of the private registry.
	User string
	// Aliases as in Lab.
	Aliases map[string]string
	// RealNode asks for a kubelet with containerd beside the simulated nodes.
	RealNode bool
	// Audit asks for the API server's log of requests, audit.log in Dir.
	Audit bool
	// DieWithParent ends every part when this process ends, in whatever way.
	DieWithParent bool
	// Logf reports progress.
	Logf func(format string, args ...any)
}

// Up starts a cluster and returns when it is ready; on an error nothing that it
// started is left running.
func Up(ctx context.Context, o Options) (*Lab, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Dir: dir, Bin: o.Bin, Self: o.Self, Host: "127.0.0.1", User: o.User,
		Nodes: o.Nodes, Platforms: o.Platforms, Aliases: o.Aliases, RealNode: o.RealNode, Audit: o.Audit,
		dieWithParent: o.DieWithParent,
	}
	if err := l.clean(); err != nil {
		return nil, err
	}
	if o.RealNode {
		if l.Number, err = realnode.FreeNumber(); err != nil {
			return nil, err
		}
	}
	ports, held, err := reservePorts(l.Host, "etcd", "etcd-peer", partAPI, partUpstream, partPrivate)
	if err != nil {
		return nil, err
	}
	defer held.release()
	l.Ports = ports
	if err := l.start(ctx, o.Logf); err != nil {
		return nil, errors.Join(err, l.Down())
	}
	return l, nil
}

// clean refuses a directory whose cluster runs, or one that is not a lab's, and
// removes what an earlier cluster left.
func (l *Lab) clean() error {
	files, err := os.ReadDir(l.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(l.path("pids.json")); err != nil && len(files) > 0 {
		return fmt.Errorf("starting in %q: the folder is not empty and not a lab's", l.Dir)
	}
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return err
	}
	if slices.ContainsFunc(table.Entries, proc.Entry.Alive) {
		return fmt.Errorf("starting in %q: it already runs\nhint: lab down --state %s", l.Dir, l.Dir)
	}
	// A killed `lab run` could not clean up after its real node.
	if err := Down(l.Dir); err != nil {
		return err
	}
	for _, f := range files {
		if err := os.RemoveAll(l.path(f.Name())); err != nil {
			return err
		}
	}
	for _, name := range []string{"logs", "pki/apiserver", "volumes", "registry/upstream", "registry/private", "home"} {
		if err := os.MkdirAll(l.path(name), 0o755); err != nil {
			return err
		}
	}
	return table.Clear()
}

func (l *Lab) start(ctx context.Context, logf func(string, ...any)) error {
	begin := time.Now()
	if err := l.writeFiles(); err != nil {
		return fmt.Errorf("preparing the cluster: %w", err)
	}
	if err := l.save(); err != nil {
		return err
	}
	logf("starting etcd, kube-apiserver and two registries …")
	running, err := l.launch(partEtcd, partAPI, partUpstream, partPrivate)
	if err != nil {
		return err
	}
	if err := wait(ctx, l.startLimit(), running, "the API server", l.apiReady); err != nil {
		return err
	}
	more, err := l.launch(partController, partScheduler, partKwok, partPuller)
	if err != nil {
		return err
	}
	running = append(running, more...)
	if err := wait(ctx, l.startLimit(), running, "the registries", l.registriesReady); err != nil {
		return err
	}
	client, err := l.Client()
	if err != nil {
		return err
	}
	if err := l.createObjects(ctx, client); err != nil {
		return err
	}
	if l.RealNode {
		logf("starting containerd, kubelet and kube-proxy …")
		more, err := l.startRealNode(ctx)
		if err != nil {
			return err
		}
		running = append(running, more...)
	}
	if err := wait(ctx, l.startLimit(), running, "the nodes", func(ctx context.Context) error { return l.nodesReady(ctx, client) }); err != nil {
		return err
	}
	logf("ready after %.1f s: %d nodes; source %s", time.Since(begin).Seconds(), l.nodeCount(), l.path("env"))
	return nil
}

// launch starts parts and records each before the next.
func (l *Lab) launch(names ...string) ([]*proc.Started, error) {
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return nil, err
	}
	var out []*proc.Started
	for _, name := range names {
		p, err := proc.Start(l.part(name))
		if err != nil {
			return nil, err
		}
		if err := table.Put(p.Entry); err != nil {
			return nil, errors.Join(err, proc.Stop([]proc.Entry{p.Entry}))
		}
		out = append(out, p)
	}
	return out, nil
}

// startLimit bounds each wait of a start; a loaded machine is slow, and a
// thousand nodes take it minutes.
func (l *Lab) startLimit() time.Duration {
	return 10*time.Minute + time.Duration(l.nodeCount())*time.Second/2
}

// wait asks until it is told yes, as long as all processes live. It asks ever
// more slowly: on a loaded machine the questions themselves are in the way.
func wait(ctx context.Context, limit time.Duration, running []*proc.Started, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(pause+pause/4, time.Second) {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		for _, p := range running {
			if ended := p.Err(); ended != nil {
				return fmt.Errorf("waiting for %s: %w", what, ended)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}
