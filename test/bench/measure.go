package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// sample is one run of one step.
type sample struct {
	wall, cpu    time.Duration
	rss, scratch int64 // bytes
}

// measure runs commands one after another. What they keep in the directory for
// temporary files while they run is scratch.
func measure(ctx context.Context, commands [][]string, scratch string) (sample, error) {
	var s sample
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return s, err
	}
	syscall.Sync() // what others wrote before is not this one's to write through
	watch := watchFolder(scratch)
	start := time.Now()
	for _, args := range commands {
		var log bytes.Buffer
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.Env = append(os.Environ(), "HTTP_PROXY=", "HTTPS_PROXY=", "http_proxy=", "https_proxy=", "TMPDIR="+scratch, "HOME="+scratch)
		if err := cmd.Run(); err != nil {
			return s, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, log.String())
		}
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			s.rss = max(s.rss, u.Maxrss<<10)
		}
	}
	s.wall = time.Since(start)
	s.scratch = watch()
	return s, nil
}

// watchFolder looks again and again how much is in a directory. What it returns
// ends that and gives the most that was seen.
func watchFolder(dir string) (peak func() int64) {
	var most atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	look := func() { most.Store(max(most.Load(), folderSize(dir))) }
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				look()
				return
			case <-time.After(20 * time.Millisecond):
				look()
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return most.Load()
	}
}

func folderSize(dir string) int64 {
	var n int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
