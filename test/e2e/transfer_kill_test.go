package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A transfer that is killed outright is completed by the same command, and what
// had arrived does not travel again. Bytes are counted on the line between the
// real program and a real registry.
func TestKilledTransferGoesOn(t *testing.T) {
	t.Parallel()
	upstream := startRegistry(t)
	im := fill(t, upstream.host)
	chart := writeChart(t, t.TempDir(), "aistor-operator", "5.10.0", im)
	for _, percent := range []int64{10, 50, 90} {
		for _, ranges := range []bool{true, false} {
			t.Run(fmt.Sprintf("create at %d %%, range %v", percent, ranges), func(t *testing.T) {
				killedCreate(t, upstream.host, im, chart, percent, ranges)
			})
		}
	}
	file := filepath.Join(t.TempDir(), "a.bundle")
	must(t, createCommand(file, chart, upstream.host))
	for _, percent := range []int64{10, 50, 90} {
		t.Run(fmt.Sprintf("push at %d %%", percent), func(t *testing.T) { killedPush(t, file, im, percent) })
	}
}

func killedCreate(t *testing.T, upstream string, im content, chart string, percent int64, ranges bool) {
	file := filepath.Join(t.TempDir(), "a.bundle")
	l := newLine(t, upstream)
	l.dropRange = !ranges
	l.runAndKill(createCommand(file, chart, l.host), im.bytes*percent/100)
	if _, err := os.Stat(file); err == nil {
		t.Fatal("a bundle that is not whole has the name of a whole one")
	}
	first := l.bytes.Load()
	l.reset()
	must(t, createCommand(file, chart, l.host))
	must(t, helm("bundle", "verify", file))
	again := first + l.bytes.Load() - im.bytes
	t.Logf("%d bytes, then %d of %d: %d came twice (%.1f %%)", first, l.bytes.Load(), im.bytes, again, 100*float64(again)/float64(im.bytes))
	// Without ranges the layers that were torn, one a worker, come again.
	limit := im.bytes / 20
	if !ranges {
		limit = workers * im.largest
	}
	if again > limit {
		t.Errorf("%d bytes came twice, at most %d may", again, limit)
	}
}

func killedPush(t *testing.T, file string, im content, percent int64) {
	private := startRegistry(t)
	l := newLine(t, private.host)
	push := func() *exec.Cmd {
		return helm("push", file, "--registry", l.host, "--registry-plain-http", l.host)
	}
	l.runAndKill(push(), im.bytes*percent/100)
	first, stored := l.bytes.Load(), l.storedBlobs()
	l.reset()
	must(t, push())
	again := first + l.bytes.Load() - im.bytes
	t.Logf("%d bytes, then %d of %d: %d went twice, %d layers were there", first, l.bytes.Load(), im.bytes, again, len(stored))
	if again > workers*im.largest {
		t.Errorf("%d bytes went twice, at most the layers that were torn may", again)
	}
	for digest := range l.storedBlobs() {
		if stored[digest] {
			t.Errorf("a layer that was there went again: %s", digest)
		}
	}
	l.reset()
	must(t, push())
	if n := l.bytes.Load(); n != 0 {
		t.Errorf("a push with nothing to do sent %d bytes", n)
	}
}

// workers is how many layers are on the way at once by default.
const workers = 8

func createCommand(file, chart, registry string) *exec.Cmd {
	return helm("bundle", "create", file, "--chart", chart, "--platform", "linux/amd64", "--from", "5.10.0",
		"--mirror", "quay.io="+registry+"/quay.io", "--registry-plain-http", registry)
}

// helm is the plugin's program without a Helm around it.
func helm(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, "helm-aistor"), args...)
	cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1")
	return cmd
}

func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out.String())
	}
}
