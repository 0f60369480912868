package lease

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// NewHolder names this run: host, process, and what tells it from every other
// run, also from one with the same process number on a machine of the same
// name. It differs with each call.
func NewHolder() string {
	run := make([]byte, 4)
	_, _ = rand.Read(run)
	host, place := here()
	return host + "/" + strconv.Itoa(os.Getpid()) + "/" + place + "-" + hex.EncodeToString(run)
}

// here is the host's name, for people, and what stands for this machine since
// it was started and for the process namespace: only there a process number
// means anything. The second is "?" where the system does not tell.
func here() (host, place string) {
	host, err := os.Hostname()
	if err != nil || strings.Contains(host, "/") {
		host = "unknown"
	}
	boot, errBoot := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, errSpace := os.Readlink("/proc/self/ns/pid")
	if errBoot != nil || errSpace != nil {
		return host, "?"
	}
	sum := sha256.Sum256(append(boot, space...))
	return host, hex.EncodeToString(sum[:4])
}

// HolderGone reports whether another holder certainly runs no more, so that its
// lease need not be waited for. Of holders elsewhere, and where the system does
// not tell one machine from another, nothing is known.
func HolderGone(other string) bool {
	host, place := here()
	parts := strings.Split(other, "/")
	if place == "?" || len(parts) != 3 || parts[0] != host || !strings.HasPrefix(parts[2], place+"-") {
		return false
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil || n < 1 {
		return false
	}
	p, err := os.FindProcess(n)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}

// CurrentHolder is who holds the lease of a namespace now; empty where nobody
// does. A lease that was not renewed for three of its terms is nobody's: clocks
// of two machines differ less than that. One that claims to be renewed in the
// future by more than any clock is wrong is nobody's either. An error says that
// the lease cannot be seen.
func CurrentHolder(ctx context.Context, client kubernetes.Interface, namespace string, now time.Time) (string, error) {
	l, err := client.CoordinationV1().Leases(namespace).Get(ctx, Name, meta.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading lease %q: %w", namespace+"/"+Name, err)
	case l.Spec.RenewTime == nil || l.Spec.LeaseDurationSeconds == nil:
		return "", nil
	}
	silent := now.Sub(l.Spec.RenewTime.Time)
	if silent > 3*termOf(l, 0) || silent < -longSilence {
		return "", nil
	}
	return holderOf(l), nil
}
