package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The work that is measured, in its order.
var steps = []string{"create", "push", "no-op push", "verify"}

// job is where one round of one tool works.
type job struct {
	upstream, target, dir string
	charts                []string
}

// tool is one contestant: the commands of each step it can do.
type tool struct {
	name     string
	commands func(j job, step string) [][]string
}

// contestants are ours, the floor, and the peers on PATH.
func contestants(aistor string) ([]tool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	list := []tool{
		{"floor", func(j job, step string) [][]string { return floorCommands(self, j, step) }},
		{"helm-aistor", func(j job, step string) [][]string { return aistorCommands(aistor, j, step) }},
	}
	if p, err := exec.LookPath("crane"); err == nil {
		list = append(list, tool{"crane", func(j job, step string) [][]string { return craneCommands(p, j, step) }})
	}
	if p, err := exec.LookPath("skopeo"); err == nil {
		list = append(list, tool{"skopeo", func(j job, step string) [][]string { return skopeoCommands(p, j, step) }})
	}
	return list, nil
}

func floorCommands(self string, j job, step string) [][]string {
	file := filepath.Join(j.dir, "floor")
	switch step {
	case "create":
		return [][]string{{self, "-floor", step, j.upstream, file}}
	case "push":
		return [][]string{{self, "-floor", step, j.target, file}}
	case "verify":
		return [][]string{{self, "-floor", step, "", file}}
	}
	return nil
}

func aistorCommands(program string, j job, step string) [][]string {
	file := filepath.Join(j.dir, "a.bundle")
	switch step {
	case "create":
		return [][]string{{
			program, "bundle", "create", file, "--overwrite", "--platform", "linux/amd64", "--from", "5.10.0",
			"--chart", j.charts[0], "--chart", j.charts[1], "--mirror", "quay.io=" + j.upstream + "/quay.io", "--registry-plain-http", j.upstream,
		}}
	case "push", "no-op push":
		return [][]string{{program, "push", file, "--registry", j.target, "--registry-plain-http", j.target}}
	}
	return [][]string{{program, "bundle", "verify", file}}
}

// craneCommands: crane writes a folder that it can't push under the images' own
// names.
func craneCommands(program string, j job, step string) [][]string {
	if step != "create" {
		return nil
	}
	args := []string{program, "pull", "--insecure", "--format", "oci"}
	for i := range imageCount {
		args = append(args, j.upstream+"/"+image(i)+":"+imageTag)
	}
	return [][]string{append(args, filepath.Join(j.dir, "crane"))}
}

// skopeoCommands: skopeo takes one image at a time.
func skopeoCommands(program string, j job, step string) [][]string {
	var out [][]string
	for i := range imageCount {
		at := fmt.Sprintf("oci:%s:bench-%d", filepath.Join(j.dir, "skopeo"), i)
		switch step {
		case "create":
			out = append(out, []string{program, "copy", "--preserve-digests", "--src-tls-verify=false", "docker://" + j.upstream + "/" + image(i) + ":" + imageTag, at})
		case "push", "no-op push":
			out = append(out, []string{program, "copy", "--preserve-digests", "--dest-tls-verify=false", at, fmt.Sprintf("docker://%s/aistor/bench-%d:%s", j.target, i, imageTag)})
		}
	}
	return out
}

// clear removes what an earlier round created.
func (j job) clear() error {
	for _, name := range []string{"floor", "floor.json", "a.bundle", "crane", "skopeo"} {
		if err := os.RemoveAll(filepath.Join(j.dir, name)); err != nil {
			return err
		}
	}
	return nil
}
