package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// bench is one comparison.
type bench struct {
	aistor   string
	size     int64
	rounds   int
	slow     bool
	dir      string
	registry string
	upstream *registryProcess
	charts   []string
	tools    []tool
	rows     map[string]*row
}

func (b *bench) run(ctx context.Context) error {
	var err error
	b.rows = map[string]*row{}
	if b.registry, err = exec.LookPath("registry"); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "aistor-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.tools, err = contestants(b.aistor); err != nil {
		return err
	}
	if b.charts, err = charts(b.dir); err != nil {
		return err
	}
	if b.upstream, err = startRegistry(b.registry, filepath.Join(b.dir, "upstream")); err != nil {
		return err
	}
	defer b.upstream.stop()
	// In a process of its own: what this one had in memory would count as the
	// peak of each that it starts.
	if err := b.generate(ctx); err != nil {
		return err
	}
	if err := b.measureAll(ctx); err != nil {
		return err
	}
	printTable(b)
	return nil
}

// measureAll runs the rounds, and one more that counts; a slow line counts by
// itself.
func (b *bench) measureAll(ctx context.Context) error {
	order := rand.New(rand.NewPCG(1, uint64(b.rounds)))
	for i := range b.rounds {
		// Each round goes in another order, so that none always comes after the
		// one that leaves the most behind.
		for _, n := range order.Perm(len(b.tools)) {
			if err := b.round(ctx, b.tools[n], false); err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, b.rounds)
	}
	for _, t := range b.tools {
		if b.slow {
			break
		}
		if err := b.round(ctx, t, true); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) generate(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = measure(ctx, [][]string{{self, "-generate", b.upstream.host, strconv.FormatInt(b.size, 10)}}, b.dir)
	return err
}

// round lets one tool do all it can, with empty registries of its own: one to
// push to and one to copy to. A counting round goes through a proxy and gives
// no times.
func (b *bench) round(ctx context.Context, t tool, counting bool) error {
	j := job{upstream: b.upstream.host, dir: b.dir, charts: b.charts}
	if err := j.clear(); err != nil {
		return err
	}
	for _, group := range [][]string{{"create", "push", "no-op push", "verify"}, {"copy", "no-op copy"}} {
		target, err := startRegistry(b.registry, filepath.Join(b.dir, "target"))
		if err != nil {
			return err
		}
		j.target = target.host
		for _, step := range group {
			if err = b.step(ctx, t, j, step, counting); err != nil {
				break
			}
		}
		target.stop()
		if err != nil {
			return err
		}
	}
	return j.clear()
}

func (b *bench) step(ctx context.Context, t tool, j job, step string, counting bool) error {
	var lines []*proxy
	if counting || b.slow {
		for _, host := range []*string{&j.upstream, &j.target} {
			p, err := b.line(*host)
			if err != nil {
				return err
			}
			defer p.close()
			lines, *host = append(lines, p), p.host
		}
	}
	commands, err := t.commands(j, step)
	if err != nil || commands == nil {
		return err
	}
	s, err := measure(ctx, commands, filepath.Join(j.dir, "scratch"))
	if err != nil {
		return err
	}
	r := b.rows[step+t.name]
	if r == nil {
		r = &row{}
		b.rows[step+t.name] = r
	}
	if !counting {
		r.samples = append(r.samples, s)
	}
	r.requests, r.bytes = 0, 0
	for _, p := range lines {
		r.requests += p.requests.Load()
		r.bytes += p.bytes.Load()
	}
	return nil
}

func (b *bench) line(host string) (*proxy, error) {
	if b.slow {
		return startProxy(host, 30*time.Millisecond, 100_000_000/8)
	}
	return startProxy(host, 0, 0)
}
