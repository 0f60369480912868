package tools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// compile builds one tool into the directory out, under the tool's own name.
func compile(ctx context.Context, tool Tool, module, out string) error {
	// -s -w: half the size, and nobody debugs a tool of the cache.
	flags := "-s -w " + tool.LDFlags
	var cmd *exec.Cmd
	built := filepath.Join(out, filepath.Base(tool.Package))
	if tool.Source != "" {
		built = filepath.Join(out, tool.Name)
		cmd = exec.CommandContext(ctx, "go", "build", "-ldflags", flags, "-o", built, ".")
		cmd.Dir = filepath.Join(module, tool.Source)
	} else {
		cmd = exec.CommandContext(ctx, "go", "install", "-ldflags", flags, tool.Package+"@"+tool.Version)
		cmd.Dir = out
	}
	// GOFLAGS and GOWORK of the caller's checkout must not reach another module.
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOBIN="+out)
	if tool.Static {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %q: %w\n%s", cmd.String(), err, text)
	}
	return os.Rename(built, filepath.Join(out, tool.Name))
}

// link makes name point at file in one step, so that no reader sees it absent.
func link(file, name string) error {
	if old, err := os.Readlink(name); err == nil && old == file {
		return nil
	}
	tmp := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.Symlink(file, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// lock takes an exclusive lock on a file and gives the function that frees it;
// the system frees it too when the process dies.
func lock(ctx context.Context, path string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("locking %q: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
