package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	// The bench runs itself for work that must be a process of its own.
	if len(os.Args) == 5 && os.Args[1] == "-floor" {
		exit(floor(os.Args[2], os.Args[3], os.Args[4]))
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "-generate" {
		size, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err == nil {
			err = generate(newClient(os.Args[2]), size)
		}
		exit(err)
		return
	}
	var b bench
	var memory string
	size := flag.String("size", "450MB", "size of all images together, such as 450MB or 2GB")
	flag.StringVar(&b.aistor, "aistor", "bin/helm-aistor", "the plugin's program")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds")
	flag.BoolVar(&b.slow, "slow", false, "measure behind a line of 100 Mbit/s that adds 30 ms a request")
	flag.StringVar(&memory, "memory", "", "measure peak memory alone, at these sizes, such as 400MB,20GB")
	flag.Parse()
	// Interrupted, it ends what it started and removes what it wrote.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if memory != "" {
		exit(measureMemory(ctx, b.aistor, strings.Split(memory, ",")))
		return
	}
	var err error
	if b.size, err = parseSize(*size); err == nil {
		err = b.run(ctx)
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// parseSize reads 450MB or 2GB; a bare number is megabytes.
func parseSize(s string) (int64, error) {
	unit := int64(1_000_000)
	number := strings.TrimSuffix(s, "MB")
	if n, ok := strings.CutSuffix(s, "GB"); ok {
		number, unit = n, 1_000_000_000
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f <= 0 {
		return 0, fmt.Errorf("reading size %q: expected a number with MB or GB", s)
	}
	return int64(f * float64(unit)), nil
}
