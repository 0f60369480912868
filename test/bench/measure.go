package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sample is one run of one step.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// measure runs commands one after another.
func measure(ctx context.Context, commands [][]string) (sample, error) {
	var s sample
	start := time.Now()
	for _, args := range commands {
		var log bytes.Buffer
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = &log, &log
		cmd.Env = append(os.Environ(), "HTTP_PROXY=", "HTTPS_PROXY=", "http_proxy=", "https_proxy=")
		if err := cmd.Run(); err != nil {
			return s, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, log.String())
		}
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			s.rss = max(s.rss, u.Maxrss<<10)
		}
	}
	s.wall = time.Since(start)
	return s, nil
}

// row gathers what is known of one step of one tool.
type row struct {
	samples  []sample
	requests int64
	bytes    int64
}

func (r row) median(of func(sample) float64) (mid, low, high float64) {
	list := make([]float64, 0, len(r.samples))
	for _, s := range r.samples {
		list = append(list, of(s))
	}
	slices.Sort(list)
	return list[len(list)/2], list[0], list[len(list)-1]
}

// print writes the table.
func printTable(tools []tool, rows map[string]*row) {
	fmt.Printf("%-11s %-12s %8s %17s %8s %9s %9s %9s\n", "STEP", "TOOL", "WALL", "(MIN-MAX)", "CPU", "PEAK RSS", "BYTES", "REQUESTS")
	for _, step := range steps {
		for _, t := range tools {
			r := rows[step+t.name]
			if r == nil || len(r.samples) == 0 {
				continue
			}
			wall, low, high := r.median(func(s sample) float64 { return s.wall.Seconds() })
			cpu, _, _ := r.median(func(s sample) float64 { return s.cpu.Seconds() })
			rss, _, _ := r.median(func(s sample) float64 { return float64(s.rss) / 1e6 })
			fmt.Printf("%-11s %-12s %7.2fs %17s %7.2fs %6.0f MB %6.1f MB %9d\n", step, t.name, wall,
				fmt.Sprintf("(%.2f-%.2f)", low, high), cpu, rss, float64(r.bytes)/1e6, r.requests)
		}
	}
}
