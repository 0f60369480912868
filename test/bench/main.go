package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
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
	b := bench{rows: map[string]*row{}}
	flag.StringVar(&b.aistor, "aistor", "bin/helm-aistor", "the plugin's program")
	flag.Int64Var(&b.size, "size", 450, "megabytes of all images together")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds")
	flag.BoolVar(&b.slow, "slow", false, "measure behind a line of 100 Mbit/s that adds 30 ms a request")
	flag.Parse()
	// Interrupted, it ends what it started and removes what it wrote.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(b.run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

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
	for i := range b.rounds {
		for n := range b.tools {
			// Each round begins with another tool, so that none always has the
			// warmest or the coldest machine.
			if err := b.round(ctx, b.tools[(i+n)%len(b.tools)], false); err != nil {
				return err
			}
		}
	}
	for _, t := range b.tools {
		if err := b.round(ctx, t, true); err != nil {
			return err
		}
	}
	base, err := measure(ctx, [][]string{{b.aistor, "version"}})
	if err != nil {
		return err
	}
	fmt.Printf("%d MB in %d images, %d rounds; helm-aistor doing nothing peaks at %d MB\n\n", b.size, imageCount, b.rounds, base.rss/1e6)
	printTable(b.tools, b.rows)
	return nil
}

func (b *bench) generate(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, err = measure(ctx, [][]string{{self, "-generate", b.upstream.host, strconv.FormatInt(b.size*1_000_000, 10)}})
	return err
}

// round lets one tool do all it can with an empty registry of its own. A
// counting round goes through a proxy and gives no times.
func (b *bench) round(ctx context.Context, t tool, counting bool) error {
	target, err := startRegistry(b.registry, filepath.Join(b.dir, "target"))
	if err != nil {
		return err
	}
	defer target.stop()
	j := job{upstream: b.upstream.host, target: target.host, dir: b.dir, charts: b.charts}
	if err := j.clear(); err != nil {
		return err
	}
	for _, step := range steps {
		if err := b.step(ctx, t, j, step, counting); err != nil {
			return err
		}
	}
	return j.clear()
}

func (b *bench) step(ctx context.Context, t tool, j job, step string, counting bool) error {
	r := b.rows[step+t.name]
	if r == nil {
		r = &row{}
		b.rows[step+t.name] = r
	}
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
	commands := t.commands(j, step)
	if commands == nil {
		return nil
	}
	s, err := measure(ctx, commands)
	if err != nil {
		return err
	}
	if !counting {
		r.samples = append(r.samples, s)
		return nil
	}
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
