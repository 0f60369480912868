package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// steps is the work that is measured, in its order.
var steps = []string{"create", "push", "no-op push", "verify", "copy", "no-op copy"}

// job is where one round of one tool works.
type job struct {
	upstream, target, dir string
	charts                []string
}

func (j job) file(name string) string { return filepath.Join(j.dir, name) }

// tool is one contestant: the commands of each step it can do, nil of others.
type tool struct {
	name     string
	commands func(j job, step string) ([][]string, error)
}

// contestants are ours, the floor, and the peers on PATH.
func contestants(aistor string) ([]tool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	list := []tool{
		{"floor", func(j job, step string) ([][]string, error) { return floorCommands(self, j, step), nil }},
		{"helm-aistor", func(j job, step string) ([][]string, error) { return aistorCommands(aistor, j, step), nil }},
	}
	for _, peer := range peers() {
		if p, err := exec.LookPath(peer.name); err == nil {
			list = append(list, tool{peer.name, func(j job, step string) ([][]string, error) { return peer.commands(p, j, step) }})
		}
	}
	return list, nil
}

func floorCommands(self string, j job, step string) [][]string {
	switch step {
	case "create":
		return [][]string{{self, "-floor", step, j.upstream, j.file("floor")}}
	case "push", "no-op push":
		return [][]string{{self, "-floor", step, j.target, j.file("floor")}}
	case "verify":
		return [][]string{{self, "-floor", step, "", j.file("floor")}}
	}
	return nil
}

func aistorCommands(program string, j job, step string) [][]string {
	contents := []string{
		"--platform", "linux/amd64", "--from", "5.10.0", "--chart", j.charts[0], "--chart", j.charts[1],
		"--mirror", "quay.io=" + j.upstream + "/quay.io", "--registry-plain-http", j.upstream,
	}
	target := []string{"--registry", j.target, "--registry-plain-http", j.target}
	switch step {
	case "create":
		return [][]string{append([]string{program, "bundle", "create", j.file("a.bundle"), "--overwrite"}, contents...)}
	case "push", "no-op push":
		return [][]string{append([]string{program, "push", j.file("a.bundle")}, target...)}
	case "copy", "no-op copy":
		return [][]string{append(append([]string{program, "copy"}, contents...), target...)}
	}
	return [][]string{{program, "bundle", "verify", j.file("a.bundle")}}
}

// clear removes what an earlier round created.
func (j job) clear() error {
	for _, name := range []string{"floor", "floor.json", "a.bundle", "crane", "skopeo", "imgpkg.tar", "imgpkg.yml", "regsync.yml", "scratch"} {
		if err := os.RemoveAll(j.file(name)); err != nil {
			return err
		}
	}
	return nil
}
