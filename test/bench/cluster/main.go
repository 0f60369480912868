package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is one run of everything.
type bench struct {
	programs
	rounds  int
	servers int
	pods    int
	skip    string
}

func main() {
	var b bench
	flag.StringVar(&b.bin, "bin", "bin", "folder of the built programs and charts")
	flag.StringVar(&b.lib, "lib", "test/lib", "folder of the tests' scripts")
	flag.StringVar(&b.kubectl, "kubectl", "bin/alone/kubectl", "kubectl, built alone")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds of each comparison; version takes six times as many")
	flag.IntVar(&b.servers, "servers", 1000, "servers of the large store")
	flag.IntVar(&b.pods, "pods", 5000, "pods that validate looks at last")
	flag.StringVar(&b.skip, "skip", "", "parts to leave out, by commas: version, looks, upgrade, upgrade-large")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context) error {
	for _, p := range []*string{&b.bin, &b.lib, &b.kubectl} {
		var err error
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"version", func() error { return b.versions(ctx) }},
		{"looks", func() error { return b.looks(ctx) }},
		{"upgrade", func() error { return b.upgrades(ctx, 8, b.rounds) }},
		{"upgrade-large", func() error { return b.upgrades(ctx, b.servers, b.rounds) }},
	} {
		if strings.Contains(","+b.skip+",", ","+part.name+",") {
			continue
		}
		began := time.Now()
		if err := part.run(); err != nil {
			return err
		}
		fmt.Printf("  (%s took %s)\n", part.name, time.Since(began).Round(time.Second))
	}
	return nil
}

// versions measures how fast the plugins begin.
func (b *bench) versions(ctx context.Context) error {
	tools, err := run(ctx, command{args: []string{filepath.Join(b.bin, "lab"), "tools", "helm3"}})
	if err != nil {
		return err
	}
	helm := filepath.Join(lastLine(tools.out), "helm")
	one := func(name string, args ...string) contestant { return contestant{name, []command{{args: args}}} }
	if err := compare(ctx, "version", 6*b.rounds,
		one("kubectl version --client", b.kubectl, "version", "--client"),
		one("kubectl aistor-upgrade version", filepath.Join(b.bin, "kubectl-aistor_upgrade"), "version")); err != nil {
		return err
	}
	return compare(ctx, "version", 6*b.rounds,
		one("helm version", helm, "version"),
		one("helm aistor version", filepath.Join(b.bin, "helm-aistor"), "version"))
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// looks measures preflight and validate, and counts their requests.
func (b *bench) looks(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "aistor-bench-cluster-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := startLab(ctx, b.programs, dir, b.servers)
	if err != nil {
		return err
	}
	defer l.stop()
	i, err := b.install(ctx, l, 10)
	if err != nil {
		return err
	}
	preflight := l.plugin("kubectl-aistor_upgrade", "preflight", "--bundle", i.bundle)
	// Findings are not what is measured.
	preflight.codes = []int{3, 4}
	validate := l.command("kubectl-aistor_upgrade", "validate")
	validate.codes = []int{3, 4}
	all := l.command("kubectl", "get", "all", "-n", "big")
	images := l.command("kubectl", "get", "pods", "-n", "big", "-o", `jsonpath={.items[*].spec.containers[?(@.name=="minio")].image}`)

	for _, n := range []int{10, b.servers, b.pods} {
		if err := b.scale(ctx, l, n); err != nil {
			return err
		}
		fmt.Printf("\n%d servers\n", n)
		for _, c := range []contestant{{"preflight", []command{preflight}}, {"validate", []command{validate}}} {
			l.proxy.take()
			if _, err := run(ctx, l.counted(c.commands[0])); err != nil {
				return err
			}
			fmt.Printf("  %-10s %4d requests to the API server\n", c.name, l.proxy.take())
		}
		if n == 10 {
			continue
		}
		if err := compare(ctx, fmt.Sprintf("%d servers: looking before", n), b.rounds,
			contestant{"kubectl get all", []command{all}}, contestant{"kubectl aistor-upgrade preflight", []command{preflight}}); err != nil {
			return err
		}
		if err := compare(ctx, fmt.Sprintf("%d servers: looking after", n), b.rounds,
			contestant{"kubectl get all; kubectl get pods", []command{all, images}}, contestant{"kubectl aistor-upgrade validate", []command{validate}}); err != nil {
			return err
		}
	}
	return nil
}

// scale gives the store's StatefulSet that many pods. The store itself says
// otherwise, which is one finding more and no more work.
func (b *bench) scale(ctx context.Context, l *lab, n int) error {
	if err := l.do(ctx, "kubectl", "scale", "statefulset", "primary-pool-0", "-n", "big", fmt.Sprintf("--replicas=%d", n)); err != nil {
		return err
	}
	return l.do(ctx, "kubectl", "rollout", "status", "statefulset/primary-pool-0", "-n", "big", "--timeout=1h")
}
