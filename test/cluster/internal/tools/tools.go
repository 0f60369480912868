package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Cache is a directory of built programs. The zero value is not usable: Root and
// Module must be set.
type Cache struct {
	// Root is the directory; it is made when absent.
	Root string
	// Module is the directory of this Go module, for tools built from source.
	Module string
	// Log takes a line when a build begins and ends; nil means silence.
	Log io.Writer
}

// DefaultRoot gives the directory of the cache for an environment:
// $AISTOR_TEST_CACHE, else aistor-upgrade in the user's cache directory.
func DefaultRoot(getenv func(string) string) string {
	if dir := getenv("AISTOR_TEST_CACHE"); dir != "" {
		return dir
	}
	base := getenv("XDG_CACHE_HOME")
	if base == "" {
		base = filepath.Join(getenv("HOME"), ".cache")
	}
	return filepath.Join(base, "aistor-upgrade")
}

// Select gives the tools by name, or the default set for no names.
func Select(names ...string) ([]Tool, error) {
	known := Known()
	if len(names) == 0 {
		return slices.DeleteFunc(known, func(t Tool) bool { return !t.Default }), nil
	}
	var out []Tool
	for _, name := range names {
		i := slices.IndexFunc(known, func(t Tool) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("choosing tool %q: not one of %s", name, strings.Join(allNames(), ", "))
		}
		out = append(out, known[i])
	}
	return out, nil
}

func allNames() []string {
	var names []string
	for _, t := range Known() {
		names = append(names, t.Name)
	}
	return names
}

// Ensure builds those of the tools that the cache lacks and gives the directory
// in which all of them are found by name, to be put on PATH. Two processes may
// call it at once: the second waits for the first's build.
func (c Cache) Ensure(ctx context.Context, want []Tool) (string, error) {
	goVersion, err := goVersion(ctx)
	if err != nil {
		return "", err
	}
	bin, err := c.binDir(goVersion)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", fmt.Errorf("making the folder of programs: %w", err)
	}
	for _, tool := range want {
		if err := c.ensureOne(ctx, tool, goVersion, bin); err != nil {
			return "", fmt.Errorf("building %q: %w", tool.Name, err)
		}
	}
	return bin, c.linkBuilt(goVersion, bin)
}

// linkBuilt lets tools that were asked for at another time be found too.
func (c Cache) linkBuilt(goVersion, bin string) error {
	for _, tool := range Known() {
		key, err := c.key(tool, goVersion)
		if err != nil {
			return err
		}
		file := filepath.Join(c.Root, "tools", key, tool.Name)
		if _, err := os.Stat(file); err == nil {
			if err := linkAll(tool, file, bin); err != nil {
				return err
			}
		}
	}
	return nil
}

func linkAll(tool Tool, file, bin string) error {
	for _, name := range append([]string{tool.Name}, tool.Links...) {
		if err := link(file, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

func (c Cache) ensureOne(ctx context.Context, tool Tool, goVersion, bin string) error {
	key, err := c.key(tool, goVersion)
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Root, "tools", key)
	file := filepath.Join(dir, tool.Name)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		unlock, err := lock(ctx, dir+".lock")
		if err != nil {
			return err
		}
		defer unlock()
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			if err := c.build(ctx, tool, dir); err != nil {
				return err
			}
		}
	}
	return linkAll(tool, file, bin)
}

func (c Cache) build(ctx context.Context, tool Tool, dir string) error {
	c.logf("building %s %s (first time, about %s) …", tool.Name, tool.Version, tool.Takes)
	begin := time.Now()
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := compile(ctx, tool, c.Module, tmp); err != nil {
		return err
	}
	// A directory left by an older, torn layout would make the rename fail.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	c.logf("built %s %s in %s", tool.Name, tool.Version, time.Since(begin).Round(time.Second))
	return nil
}

func (c Cache) logf(format string, args ...any) {
	if c.Log != nil {
		fmt.Fprintf(c.Log, format+"\n", args...)
	}
}

// key names a tool's entry, so that another Go, platform, version or set of
// link flags never finds this one.
func (c Cache) key(tool Tool, goVersion string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, tool.Package, tool.LDFlags)
	if tool.Static {
		fmt.Fprintln(sum, "static")
	}
	if tool.Source != "" {
		for _, name := range []string{"go.mod", "go.sum", "main.go"} {
			data, err := os.ReadFile(filepath.Join(c.Module, tool.Source, name))
			if errors.Is(err, os.ErrNotExist) && name != "main.go" {
				continue // part of this module, and of the standard library only
			}
			if err != nil {
				return "", fmt.Errorf("reading its source: %w\nhint: name the checkout's test/cluster folder with --source", err)
			}
			sum.Write(data)
		}
	}
	return strings.Join([]string{
		tool.Name, tool.Version, goVersion, runtime.GOOS, runtime.GOARCH,
		hex.EncodeToString(sum.Sum(nil))[:8],
	}, "-"), nil
}

// binDir names the directory of links after all entries it may hold, so that
// checkouts with other versions do not change each other's programs.
func (c Cache) binDir(goVersion string) (string, error) {
	sum := sha256.New()
	for _, tool := range Known() {
		key, err := c.key(tool, goVersion)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, key)
	}
	return filepath.Join(c.Root, "bin", hex.EncodeToString(sum.Sum(nil))[:12]), nil
}

func goVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for its version: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
