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

// sample is one run of one contestant.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes, the largest of its processes
	out       string
}

// command is one process of a contestant. Some answer with a code that says
// what they found; that is no failure to measure.
type command struct {
	args  []string
	stdin string // a file
	codes []int  // beside 0
	env   []string
}

func run(ctx context.Context, commands ...command) (sample, error) {
	var s sample
	began := time.Now()
	for _, c := range commands {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
		cmd.Env = append(os.Environ(), c.env...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if c.stdin != "" {
			f, err := os.Open(c.stdin)
			if err != nil {
				return s, err
			}
			defer func() { _ = f.Close() }()
			cmd.Stdin = f
		}
		err := cmd.Run()
		s.out += out.String()
		if err != nil && (cmd.ProcessState == nil || !slices.Contains(c.codes, cmd.ProcessState.ExitCode())) {
			return s, fmt.Errorf("running %s: %w\n%s", strings.Join(c.args, " "), err, tail(out.String()))
		}
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			s.rss = max(s.rss, u.Maxrss<<10)
		}
	}
	s.wall = time.Since(began)
	return s, nil
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// contestant is what is measured under one name.
type contestant struct {
	name     string
	commands []command
}

// compare runs contestants in turns and prints a line for each, the first being
// what the others are measured by.
func compare(ctx context.Context, title string, rounds int, all ...contestant) error {
	samples := make([][]sample, len(all))
	for round := range rounds {
		for n := range all {
			// Each round begins with another one, so that none always has the
			// warmest or the coldest machine.
			i := (round + n) % len(all)
			s, err := run(ctx, all[i].commands...)
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], s)
		}
	}
	fmt.Printf("\n%s (medians of %d rounds)\n", title, rounds)
	fmt.Printf("  %-34s %9s %17s %8s %9s %6s\n", "", "WALL", "(MIN-MAX)", "CPU", "PEAK RSS", "RATIO")
	first := median(samples[0], wall)
	for i, c := range all {
		low, high := extent(samples[i], wall)
		fmt.Printf("  %-34s %8.3fs %17s %7.3fs %6.0f MB %6.2f\n", c.name, median(samples[i], wall), fmt.Sprintf("(%.2f-%.2f)", low, high),
			median(samples[i], cpu), median(samples[i], rss), median(samples[i], wall)/first)
	}
	return nil
}

func wall(s sample) float64 { return s.wall.Seconds() }
func cpu(s sample) float64  { return s.cpu.Seconds() }
func rss(s sample) float64  { return float64(s.rss) / 1e6 }

func median(all []sample, of func(sample) float64) float64 {
	list := sorted(all, of)
	return list[len(list)/2]
}

func extent(all []sample, of func(sample) float64) (low, high float64) {
	list := sorted(all, of)
	return list[0], list[len(list)-1]
}

func sorted(all []sample, of func(sample) float64) []float64 {
	var list []float64
	for _, s := range all {
		list = append(list, of(s))
	}
	slices.Sort(list)
	return list
}
