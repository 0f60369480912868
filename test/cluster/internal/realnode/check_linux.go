package realnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// packages by a file that each brings.
var packages = map[string]string{
	"/usr/bin/containerd": "containerd",
	"/usr/sbin/runc":      "runc",
	"/usr/lib/cni/bridge": "containernetworking-plugins",
	"/usr/sbin/iptables":  "iptables",
	"/usr/bin/ip":         "iproute2",
}

// Prepare says why a real node cannot run here, or installs what it lacks.
func Prepare(ctx context.Context, logf func(string, ...any)) error {
	if _, err := os.Stat("/etc/debian_version"); err != nil || os.Geteuid() != 0 {
		return errors.New("starting a real node: this needs root on Debian\nhint: leave out --real-node")
	}
	var lacking []string
	for file, name := range packages {
		if _, err := os.Stat(file); err != nil {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	logf("installing %s …", strings.Join(lacking, " "))
	args := append([]string{"install", "-y", "--no-install-recommends"}, lacking...)
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s: %w\n%s", strings.Join(lacking, " "), err, out)
	}
	return nil
}
