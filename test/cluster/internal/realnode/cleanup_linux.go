package realnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// cleanupLimit is how long the kernel may take to end the node's containers
// after their supervisor was killed.
const cleanupLimit = time.Minute

// Cleanup removes what outlives the node's namespaces: the machine's end of the
// link, which the kernel removes only after a while, and the control groups of
// its containers, now empty. The node must have ended. Cleanup is idempotent.
func Cleanup(c Config) error {
	if _, err := os.Stat(filepath.Join("/sys/class/net", c.network().Link())); err == nil {
		_ = ip("link", "del", c.network().Link()) // fails when the kernel was faster
	}
	var ids []string
	for _, kind := range []string{"containers", "sandboxes"} {
		entries, err := os.ReadDir(c.path("containerd", "io.containerd.grpc.v1.cri", kind))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			ids = append(ids, e.Name())
		}
	}
	for deadline := time.Now().Add(cleanupLimit); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, id := range ids {
			left += removeGroups(id)
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("removing control groups of containers: %d are still in use", left)
		}
	}
	// Stays when another containerd of this machine has groups below it.
	removeGroups("")
	return nil
}

// removeGroups removes the group of a container in every hierarchy, and gives
// the number of those that the kernel says are in use.
func removeGroups(id string) int {
	left := 0
	for _, pattern := range []string{"/sys/fs/cgroup/k8s.io", "/sys/fs/cgroup/*/k8s.io"} {
		groups, _ := filepath.Glob(filepath.Join(pattern, id)) // only a bad pattern fails
		for _, group := range groups {
			if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
				left++
			}
		}
	}
	return left
}
