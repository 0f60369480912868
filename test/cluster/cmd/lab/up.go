package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/tools"
)

// upFlags are shared by up and run.
type upFlags struct {
	cacheFlags
	state, platforms, user string
	nodes                  int
	realNode, audit        bool
	aliases                aliases
}

// aliases is a repeatable flag HOST=upstream|private.
type aliases map[string]string

func (a aliases) String() string { return "" }

func (a aliases) Set(s string) error {
	host, target, ok := strings.Cut(s, "=")
	if !ok || host == "" || target != "upstream" && target != "private" {
		return errors.New("want HOST[:PORT]=upstream or HOST[:PORT]=private")
	}
	a[host] = target
	return nil
}

func (u *upFlags) register(fs *flag.FlagSet, getenv func(string) string) {
	u.aliases = aliases{}
	u.cacheFlags.register(fs, getenv)
	fs.StringVar(&u.state, "state", "", "folder of the cluster (required; run makes one and removes it)")
	fs.IntVar(&u.nodes, "nodes", 5, "number of simulated nodes")
	fs.StringVar(&u.platforms, "platform", "linux/amd64", "platforms of the nodes, in turns, separated by commas")
	fs.StringVar(&u.user, "private-user", "robot", "user of the private registry")
	fs.BoolVar(&u.realNode, "real-node", false, "add a node with a kubelet and containerd (root on Debian only)")
	fs.BoolVar(&u.audit, "audit", false, "let the API server write down each request, to audit.log in the state folder")
	fs.Var(u.aliases, "alias", "HOST=upstream|private: a registry name that nodes resolve (repeatable)")
}

// start brings the cluster up.
func (u *upFlags) start(ctx context.Context, a app, dieWithParent bool) (*lab.Lab, error) {
	if u.state == "" {
		return nil, errors.New("starting a lab: --state DIR is required")
	}
	cache, err := u.open(a)
	if err != nil {
		return nil, err
	}
	want, err := tools.Select()
	if err != nil {
		return nil, err
	}
	if u.realNode {
		if err := realnode.Prepare(ctx, a.logf); err != nil {
			return nil, err
		}
		pause, err := tools.Select("pause")
		if err != nil {
			return nil, err
		}
		want = append(want, pause...)
	}
	bin, err := cache.Ensure(ctx, want)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return lab.Up(ctx, lab.Options{
		Dir: u.state, Bin: bin, Self: self, Nodes: u.nodes, User: u.user,
		Platforms: strings.Split(u.platforms, ","), Aliases: u.aliases,
		RealNode: u.realNode, Audit: u.audit, DieWithParent: dieWithParent,
		Logf: a.logf,
	})
}

func (a app) up(ctx context.Context, args []string) error {
	var flags upFlags
	fs := flag.NewFlagSet("lab up", flag.ContinueOnError)
	flags.register(fs, a.getenv)
	if err := parse(fs, args); err != nil {
		return err
	}
	_, err := flags.start(ctx, a, false)
	return err
}
