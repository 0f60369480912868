package main

import (
	"fmt"
	"slices"
)

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

// printTable writes one table a step. Ratios are to the floor of the step, or
// to the first tool where there is none.
func printTable(b *bench) {
	line := "a local line"
	if b.slow {
		line = "a line of 100 Mbit/s that adds 30 ms a request"
	}
	fmt.Printf("%d MB in %d images, %d rounds, %s; medians, wall with its spread\n", b.size/1e6, imageCount, b.rounds, line)
	for _, step := range steps {
		fmt.Printf("\n%-12s %8s %13s %8s %8s %10s %6s %8s\n", step, "WALL", "", "CPU", "PEAK RSS", "BYTES", "REQS", "SCRATCH")
		for _, t := range b.tools {
			r := b.rows[step+t.name]
			if r == nil || len(r.samples) == 0 {
				continue
			}
			wall, low, high := r.median(func(s sample) float64 { return s.wall.Seconds() })
			cpu, _, _ := r.median(func(s sample) float64 { return s.cpu.Seconds() })
			rss, _, _ := r.median(func(s sample) float64 { return float64(s.rss) / 1e6 })
			scratch, _, _ := r.median(func(s sample) float64 { return float64(s.scratch) / 1e6 })
			fmt.Printf("%-12s %7.2fs %13s %7.2fs %5.0f MB %7.1f MB %6d %5.0f MB\n", t.name, wall,
				fmt.Sprintf("(%.2f-%.2f)", low, high), cpu, rss, float64(r.bytes)/1e6, r.requests, scratch)
		}
	}
}
