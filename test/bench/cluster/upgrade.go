package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

var ways = [...]string{"helm upgrade and kubectl wait", "helm aistor upgrade, its steps", "the same through a proxy that listens"}

// upgrades measures the releases' steps beside the same manually, in turns on one
// cluster: after each upgrade Helm takes both releases back.
func (b *bench) upgrades(ctx context.Context, servers, rounds int) error {
	dir, err := os.MkdirTemp("", "aistor-bench-cluster-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l, err := startLab(ctx, b.programs, dir, max(5, servers))
	if err != nil {
		return err
	}
	defer l.stop()
	i, err := b.install(ctx, l, servers)
	if err != nil {
		return err
	}
	var samples [2][]sample
	var reactions []time.Duration
	for round := range rounds {
		for n := range 3 {
			w := way((round + n) % 3)
			s, waits, err := i.upgrade(ctx, w)
			if err != nil {
				return err
			}
			fmt.Printf("  round %d, %s: %.2fs, CPU %.2fs\n", round+1, ways[w], s.wall.Seconds(), s.cpu.Seconds())
			if reactions = append(reactions, waits...); w != overheard {
				samples[w] = append(samples[w], s)
			}
			if _, err := run(ctx, i.back()...); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\nUpgrade of an operator and a store of %d servers (medians of %d rounds)\n", servers, rounds)
	for w, all := range samples {
		low, high := extent(all, wall)
		fmt.Printf("  %-38s %8.2fs (%.2f-%.2f), ratio %.2f\n", ways[w], median(all, wall), low, high, median(all, wall)/median(samples[byHand], wall))
	}
	fmt.Printf("  CPU, ours with its checks %.2fs, by hand %.2fs\n", median(samples[ours], cpu), median(samples[byHand], cpu))
	slices.Sort(reactions)
	if len(reactions) > 0 {
		fmt.Printf("  from the last event to a step's end: median %s, p95 %s of %d\n",
			reactions[len(reactions)/2].Round(time.Millisecond), reactions[len(reactions)*95/100].Round(time.Millisecond), len(reactions))
	}
	return nil
}

// upgrade makes the upgrade once. Of ours, wall is that of its releases' steps
// alone, and cpu that of all it does.
func (i installation) upgrade(ctx context.Context, w way) (sample, []time.Duration, error) {
	if w == byHand {
		s, err := run(ctx, i.forth()...)
		return s, nil, err
	}
	backup, err := os.MkdirTemp(i.dir, "backup-")
	if err != nil {
		return sample{}, nil, err
	}
	c := i.plugin("helm-aistor", "upgrade", "--yes", "--bundle", i.bundle, "--accept-downtime", "big/primary", "--backup-dir", backup)
	if w == overheard {
		c = i.counted(c)
	}
	i.proxy.reactions()
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
	return s, i.proxy.reactions(), nil
}

// installation is an operator and a store, of the old versions or the new.
type installation struct {
	*lab
	bundle             string
	operator, store    string // the new charts' files
	oldImage, newImage string // of the store's servers
}

// install puts the old versions there and makes the bundle, with all images in
// the private registry already.
func (b *bench) install(ctx context.Context, l *lab, servers int) (installation, error) {
	charts, p := filepath.Join(b.bin, "charts"), pairFor(servers)
	chart := func(name, version string) string { return filepath.Join(charts, name+"-"+version+".tgz") }
	upstream, private := l.env["UPSTREAM_REGISTRY"], l.env["PRIVATE_REGISTRY"]
	i := installation{
		lab: l, bundle: filepath.Join(l.dir, "a.bundle"), newImage: private + "/aistor/minio:" + newMinIO,
		operator: chart("aistor-operator", p.toOperator), store: chart("aistor-objectstore", p.toStore),
	}
	for _, c := range [][]string{
		{"install-aistor", "--charts", charts, "--operator", p.fromOperator, "--store", p.fromStore, fmt.Sprintf("big/primary=%d", servers)},
		{"aistor-fixtures", "push", "--registry", upstream, "--plain-http", "--only", p.toOperator},
		{"aistor-fixtures", "push", "--registry", private, "--mapped", "--ca", l.env["PRIVATE_CA"], "--user", l.env["PRIVATE_USER"],
			"--password-file", l.env["PRIVATE_PASSWORD_FILE"], "--only", p.toOperator},
		{"helm-aistor", "bundle", "create", i.bundle, "--from", p.fromOperator, "--platform", "linux/amd64", "--chart", i.operator,
			"--chart", i.store, "--mirror", "quay.io=" + upstream + "/quay.io", "--registry-plain-http", upstream},
	} {
		if err := l.do(ctx, c[0], c[1:]...); err != nil {
			return i, err
		}
	}
	s, err := run(ctx, l.command("kubectl", "get", "statefulset/primary-pool-0", "-n", "big", "-o", "jsonpath={"+imagePath+"}"))
	i.oldImage = strings.TrimSpace(s.out)
	return i, err
}

const imagePath = ".spec.template.spec.containers[0].image"

// forth is what a careful administrator types.
func (i installation) forth() []command {
	return slices.Concat(
		[]command{i.command("helm", "upgrade", "aistor", i.operator, "-n", "aistor")}, i.settled(i.newImage),
		[]command{i.command("helm", "upgrade", "primary", i.store, "-n", "big")}, i.rolled(),
	)
}

// back is the rollback, for the next round.
func (i installation) back() []command {
	return slices.Concat(
		[]command{i.command("helm", "rollback", "primary", "-n", "big"), i.command("helm", "rollback", "aistor", "-n", "aistor")}, i.settled(i.oldImage),
	)
}

// settled waits for the operator and for a store that runs an image.
func (i installation) settled(image string) []command {
	return append([]command{
		i.command("kubectl", "rollout", "status", "deployment", "-n", "aistor", "--timeout=1h"),
		i.command("kubectl", "wait", "statefulset/primary-pool-0", "-n", "big", "--for=jsonpath={"+imagePath+"}="+image, "--timeout=1h"),
	}, i.rolled()...)
}

// rolled waits for the store's pods.
func (i installation) rolled() []command {
	return []command{
		i.command("kubectl", "rollout", "status", "statefulset/primary-pool-0", "-n", "big", "--timeout=1h"),
		i.command("kubectl", "wait", "objectstores.aistor.min.io/primary", "-n", "big", "--for=jsonpath={.status.healthStatus}=green", "--timeout=1h"),
	}
}
