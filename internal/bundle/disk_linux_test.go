package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// A disk that fills up although it seemed to have room: what was fetched stays,
// and with more room the same call completes it.
func TestCreateOnADiskThatFillsUp(t *testing.T) {
	t.Parallel()
	for _, partSize := range []int64{0, 200_000} {
		t.Run(fmt.Sprintf("parts of %d", partSize), func(t *testing.T) { diskFillsUp(t, partSize) })
	}
}

func diskFillsUp(t *testing.T, partSize int64) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=300k"); err != nil {
		t.Skipf("a small disk can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	s := newSite(t, 100_000)
	p := filepath.Join(dir, "b.tar")
	unknown := CreateOptions{Wait: noWait, FreeSpace: func(string) (int64, error) { return -1, errors.New("not known") }}
	spec := s.spec
	spec.PartSize = partSize
	_, err := Create(t.Context(), p, spec, newClient(t, s.Server), unknown)
	var se *SpaceError
	if !errors.As(err, &se) || !errors.Is(err, syscall.ENOSPC) || se.Hint() == "" {
		t.Fatalf("got %v, want a SpaceError with a hint", err)
	}
	if fileExists(p) || fileExists(partName(p, 1)) {
		t.Fatal("a bundle that is not whole has the name of a whole one")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	sum, err := Create(t.Context(), p, spec, newClient(t, s.Server), unknown)
	if err != nil || sum.Kept == 0 {
		t.Fatalf("with more room: %v, %+v", err, sum)
	}
	b, err := Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() // before the disk is taken away
	mustVerify(t, b)
}
