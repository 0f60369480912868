package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// measureMemory says how much memory the plugin takes at several sizes, beside
// what Helm takes to render the same charts. The registries make up what they
// serve and drop what they are sent, so that only the bundle needs room.
func measureMemory(ctx context.Context, aistor string, sizes []string) error {
	dir, err := os.MkdirTemp("", "aistor-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := charts(dir)
	if err != nil {
		return err
	}
	scratch := filepath.Join(dir, "scratch")
	peak := func(args ...string) (int64, error) {
		s, err := measure(ctx, [][]string{args}, scratch)
		return s.rss, err
	}
	fmt.Printf("%-12s %-12s %9s\n", "SIZE", "STEP", "PEAK RSS")
	if helm, err := exec.LookPath("helm"); err == nil {
		rss, err := peak(helm, "template", "x", files[0])
		if err != nil {
			return err
		}
		fmt.Printf("%-12s %-12s %6.1f MB\n", "", "helm template", float64(rss)/1e6)
	}
	for _, text := range sizes {
		size, err := parseSize(text)
		if err != nil {
			return err
		}
		if err := memoryAt(text, size, dir, func(step string, upstream, target string) (int64, error) {
			j := job{upstream: upstream, target: target, dir: dir, charts: files}
			return peak(aistorCommands(aistor, j, step)[0]...)
		}); err != nil {
			return err
		}
	}
	return nil
}

func memoryAt(text string, size int64, dir string, peak func(step, upstream, target string) (int64, error)) error {
	upstream, err := startMadeUp(size)
	if err != nil {
		return err
	}
	defer upstream.close()
	target, err := startMadeUp(0)
	if err != nil {
		return err
	}
	defer target.close()
	for _, step := range []string{"create", "push", "verify"} {
		rss, err := peak(step, upstream.host, target.host)
		if err != nil {
			return err
		}
		fmt.Printf("%-12s %-12s %6.1f MB\n", text, step, float64(rss)/1e6)
	}
	return os.Remove(filepath.Join(dir, "a.bundle"))
}
