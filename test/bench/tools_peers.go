package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// peers are the other tools, each as it is used for this work at its best.
func peers() []peer {
	return []peer{{"crane", craneCommands}, {"skopeo", skopeoCommands}, {"imgpkg", imgpkgCommands}, {"regsync", regsyncCommands}}
}

// peer is a tool that is measured where it is on PATH.
type peer struct {
	name     string
	commands func(program string, j job, step string) ([][]string, error)
}

// craneCommands: crane writes a directory that it cannot push under the images' own
// names.
func craneCommands(program string, j job, step string) ([][]string, error) {
	if step != "create" {
		return nil, nil
	}
	args := []string{program, "pull", "--insecure", "--format", "oci"}
	for i := range imageCount {
		args = append(args, j.upstream+"/"+image(i)+":"+imageTag)
	}
	return [][]string{append(args, j.file("crane"))}, nil
}

// skopeoCommands: skopeo takes one image at a time.
func skopeoCommands(program string, j job, step string) ([][]string, error) {
	var out [][]string
	for i := range imageCount {
		from := "docker://" + j.upstream + "/" + image(i) + ":" + imageTag
		at := fmt.Sprintf("oci:%s:bench-%d", j.file("skopeo"), i)
		to := fmt.Sprintf("docker://%s/aistor/bench-%d:%s", j.target, i, imageTag)
		args := []string{program, "copy", "--preserve-digests"}
		switch step {
		case "create":
			out = append(out, append(args, "--src-tls-verify=false", from, at))
		case "push", "no-op push":
			out = append(out, append(args, "--dest-tls-verify=false", at, to))
		case "copy", "no-op copy":
			out = append(out, append(args, "--src-tls-verify=false", "--dest-tls-verify=false", from, to))
		}
	}
	return out, nil
}

// imgpkgCommands: imgpkg writes one tar of the images that a lock file names,
// and loads it into one repository.
func imgpkgCommands(program string, j job, step string) ([][]string, error) {
	insecure := []string{"--registry-insecure", "--concurrency", "8"}
	switch step {
	case "create":
		if err := writeLock(j); err != nil {
			return nil, err
		}
		return [][]string{append([]string{program, "copy", "--lock", j.file("imgpkg.yml"), "--to-tar", j.file("imgpkg.tar")}, insecure...)}, nil
	case "push", "no-op push":
		return [][]string{append([]string{program, "copy", "--tar", j.file("imgpkg.tar"), "--to-repo", j.target + "/imgpkg"}, insecure...)}, nil
	}
	return nil, nil
}

func writeLock(j job) error {
	c := newClient(j.upstream)
	text := "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n"
	for i := range imageCount {
		body, err := c.get("/v2/" + image(i) + "/manifests/" + imageTag)
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil {
			return err
		}
		text += fmt.Sprintf("- image: %s/%s@%s\n", j.upstream, image(i), digestOf(raw))
	}
	return os.WriteFile(j.file("imgpkg.yml"), []byte(text), 0o644)
}

// regsyncCommands: regsync knows no files; it copies from registry to registry.
func regsyncCommands(program string, j job, step string) ([][]string, error) {
	if !strings.HasSuffix(step, "copy") {
		return nil, nil
	}
	text := fmt.Sprintf("version: 1\ncreds:\n- {registry: %q, tls: disabled}\n- {registry: %q, tls: disabled}\ndefaults: {parallel: 8}\nsync:\n", j.upstream, j.target)
	for i := range imageCount {
		text += fmt.Sprintf("- {source: %s/%s:%s, target: %s/aistor/bench-%d:%s, type: image}\n", j.upstream, image(i), imageTag, j.target, i, imageTag)
	}
	if err := os.WriteFile(j.file("regsync.yml"), []byte(text), 0o644); err != nil {
		return nil, err
	}
	return [][]string{{program, "once", "-c", j.file("regsync.yml")}}, nil
}
