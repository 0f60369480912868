package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/tools"
)

// cacheFlags choose where the programs are.
type cacheFlags struct {
	cache, source string
}

func (c *cacheFlags) register(fs *flag.FlagSet, getenv func(string) string) {
	fs.StringVar(&c.cache, "cache", tools.DefaultRoot(getenv), "folder of built programs ($AISTOR_TEST_CACHE)")
	fs.StringVar(&c.source, "source", "", "the checkout's test/cluster folder; the default is where lab was built")
}

// open gives the cache the flags name.
func (c *cacheFlags) open(a app) (tools.Cache, error) {
	root, err := filepath.Abs(c.cache)
	if err != nil {
		return tools.Cache{}, err
	}
	module := c.source
	if module == "" {
		module, err = findModule()
	} else {
		module, err = filepath.Abs(module)
	}
	if err != nil {
		return tools.Cache{}, err
	}
	return tools.Cache{Root: root, Module: module, Log: a.err}, nil
}

// findModule looks for the sources of kubebox: beside the file this was
// compiled from, else in the working directory and its parents (a binary built
// with -trimpath does not know where it came from).
func findModule() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Join(filepath.Dir(file), "..", ".."); isModule(dir) {
			return filepath.Clean(dir), nil
		}
	}
	dir, err := os.Getwd()
	for err == nil {
		for _, try := range []string{dir, filepath.Join(dir, "test", "cluster")} {
			if isModule(try) {
				return try, nil
			}
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.New("finding the sources of the cluster: not in this checkout\nhint: name its test/cluster folder with --source")
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "kubebox", "go.mod"))
	return err == nil
}

func (a app) tools(ctx context.Context, args []string) error {
	var cache cacheFlags
	fs := flag.NewFlagSet("lab tools [NAME...]", flag.ContinueOnError)
	cache.register(fs, a.getenv)
	if err := parse(fs, args); err != nil {
		return err
	}
	want, err := tools.Select(fs.Args()...)
	if err != nil {
		return err
	}
	c, err := cache.open(a)
	if err != nil {
		return err
	}
	bin, err := c.Ensure(ctx, want)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, bin)
	return nil
}

// parse parses flags; asking for help ends the program without an error.
func parse(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return exitCode(0)
	}
	if err != nil {
		return exitCode(1) // flag has printed it
	}
	return nil
}
