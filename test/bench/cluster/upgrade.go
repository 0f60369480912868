package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// pair is an upgrade that is measured: directly possible, and it rolls every
// store.
type pair struct{ fromOperator, toOperator, fromStore, toStore string }

// newMinIO is what both pairs lead to.
const newMinIO = "RELEASE.2026-06-06T02-44-06Z"

// pairFor goes one pod at a time, and from a server that restarts all at once
// for many: one by one a thousand servers take the simulation half an hour.
func pairFor(servers int) pair {
	if servers > 100 {
		return pair{"5.1.0", "5.10.0", "1.0.13", "1.0.16"}
	}
	return pair{"5.6.4", "5.8.0", "1.0.13", "1.0.16"}
}

func (b *bench) chart(name, version string) string {
	return filepath.Join(b.bin, "charts", name+"-"+version+".tgz")
}

// way is how an upgrade is made.
type way int

const (
	byHand way = iota
	ours
	// overheard is ours through the proxy that sees when events come and actions
	// follow. It takes what it sees from the same processors, so that it tells
	// nothing of the time an upgrade takes.
	overheard
)

// upgrades measures the releases' steps beside the same by hand.
func (b *bench) upgrades(ctx context.Context, servers, rounds int) error {
	var wall, cpu [2][]float64
	var reactions []time.Duration
	for i := range rounds {
		for n := range 3 {
			w := way((i + n) % 3)
			took, waits, err := b.upgrade(ctx, servers, w)
			if err != nil {
				return err
			}
			if reactions = append(reactions, waits...); w != overheard {
				wall[w], cpu[w] = append(wall[w], took.wall.Seconds()), append(cpu[w], took.cpu.Seconds())
			}
		}
	}
	for w := range wall {
		slices.Sort(wall[w])
		slices.Sort(cpu[w])
	}
	slices.Sort(reactions)
	median := func(all []float64) float64 { return all[len(all)/2] }
	fmt.Printf("\nUpgrade of an operator and a store of %d servers (medians of %d rounds)\n", servers, rounds)
	for w, name := range []string{"helm upgrade and kubectl wait ", "helm aistor upgrade, its steps"} {
		fmt.Printf("  %s     %8.2fs (%.2f-%.2f), ratio %.2f\n", name, median(wall[w]), wall[w][0], wall[w][rounds-1], median(wall[w])/median(wall[byHand]))
	}
	fmt.Printf("  CPU, ours with its checks %.2fs, by hand %.2fs\n", median(cpu[ours]), median(cpu[byHand]))
	if len(reactions) > 0 {
		fmt.Printf("  from the last event to a step's end: median %s, p95 %s of %d\n",
			reactions[len(reactions)/2].Round(time.Millisecond), reactions[len(reactions)*95/100].Round(time.Millisecond), len(reactions))
	}
	return nil
}

// upgrade makes one installation on a cluster of its own and upgrades it. Of
// ours, wall is that of its releases' steps alone, and cpu that of all it does.
func (b *bench) upgrade(ctx context.Context, servers int, w way) (sample, []time.Duration, error) {
	dir, err := os.MkdirTemp("", "aistor-bench-cluster-")
	if err != nil {
		return sample{}, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := startLab(ctx, b.programs, dir, max(5, servers))
	if err != nil {
		return sample{}, nil, err
	}
	defer l.stop()
	bundle, err := b.install(ctx, l, servers)
	if err != nil {
		return sample{}, nil, err
	}
	if w == byHand {
		s, err := run(ctx, b.handwork(l, pairFor(servers))...)
		return s, nil, err
	}
	c := l.plugin("helm-aistor", "upgrade", "--yes", "--bundle", bundle, "--accept-downtime", "big/primary",
		"--backup-dir", filepath.Join(dir, "backup"))
	if w == overheard {
		c = l.counted(c)
	}
	l.proxy.reactions()
	s, err := run(ctx, c)
	if err != nil {
		return sample{}, nil, err
	}
	s.wall = 0
	for _, m := range regexp.MustCompile(`(?m)^(?:operator|store)-\S+ +done +(\S+)$`).FindAllStringSubmatch(s.out, -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			return sample{}, nil, err
		}
		s.wall += d
	}
	if s.wall == 0 {
		return sample{}, nil, fmt.Errorf("finding the steps' times: none in\n%s", s.out)
	}
	return s, l.proxy.reactions(), nil
}

// install puts the old versions there and makes the bundle, with all images in
// the private registry already.
func (b *bench) install(ctx context.Context, l *lab, servers int) (string, error) {
	charts, p := filepath.Join(b.bin, "charts"), pairFor(servers)
	bundle := filepath.Join(l.dir, "a.bundle")
	upstream := l.env["UPSTREAM_REGISTRY"]
	for _, c := range [][]string{
		{"install-aistor", "--charts", charts, "--operator", p.fromOperator, "--store", p.fromStore, fmt.Sprintf("big/primary=%d", servers)},
		{"aistor-fixtures", "push", "--registry", upstream, "--plain-http", "--only", p.toOperator},
		{"aistor-fixtures", "push", "--registry", l.env["PRIVATE_REGISTRY"], "--mapped", "--ca", l.env["PRIVATE_CA"], "--user", l.env["PRIVATE_USER"],
			"--password-file", l.env["PRIVATE_PASSWORD_FILE"], "--only", p.toOperator},
		{"helm-aistor", "bundle", "create", bundle, "--from", p.fromOperator, "--platform", "linux/amd64", "--chart", b.chart("aistor-operator", p.toOperator),
			"--chart", b.chart("aistor-objectstore", p.toStore), "--mirror", "quay.io=" + upstream + "/quay.io", "--registry-plain-http", upstream},
	} {
		if err := l.do(ctx, c[0], c[1:]...); err != nil {
			return "", err
		}
	}
	return bundle, nil
}

// handwork is what a careful administrator types.
func (b *bench) handwork(l *lab, p pair) []command {
	image := l.env["PRIVATE_REGISTRY"] + "/aistor/minio:" + newMinIO
	green := l.command("kubectl", "wait", "objectstores.aistor.min.io/primary", "-n", "big", "--for=jsonpath={.status.healthStatus}=green", "--timeout=1h")
	return []command{
		l.command("helm", "upgrade", "aistor", b.chart("aistor-operator", p.toOperator), "-n", "aistor"),
		l.command("kubectl", "rollout", "status", "deployment", "-n", "aistor", "--timeout=1h"),
		l.command("kubectl", "wait", "statefulset/primary-pool-0", "-n", "big", "--for=jsonpath={.spec.template.spec.containers[0].image}="+image, "--timeout=1h"),
		l.command("kubectl", "rollout", "status", "statefulset/primary-pool-0", "-n", "big", "--timeout=1h"),
		green,
		l.command("helm", "upgrade", "primary", b.chart("aistor-objectstore", p.toStore), "-n", "big"),
		l.command("kubectl", "rollout", "status", "statefulset/primary-pool-0", "-n", "big", "--timeout=1h"),
		green,
	}
}
