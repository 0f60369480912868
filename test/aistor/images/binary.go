package images

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Architectures are those of every image.
func Architectures() []string { return []string{"amd64", "arm64"} }

// Build compiles the stand-in for one architecture into dir, as
// standin-linux-<arch>, and returns the file. It needs the go command and this
// module's source. Compiling again is cheap: the go command's cache is used.
func Build(ctx context.Context, dir, arch string) (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(here) {
		return "", fmt.Errorf("compiling stand-in for %q: the source's place is unknown (built with -trimpath)", arch)
	}
	file := filepath.Join(dir, "standin-linux-"+arch)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", file, "./cmd/standin")
	command.Dir = filepath.Dir(filepath.Dir(here))
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling stand-in for %q: %w\n%s", arch, err, output)
	}
	return file, nil
}

// CacheDir returns the directory below AISTOR_TEST_CACHE, or the user's cache,
// where compiled stand-ins are kept, made if missing.
func CacheDir() (string, error) {
	base := os.Getenv("AISTOR_TEST_CACHE")
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding the cache: %w", err)
		}
		base = filepath.Join(user, "aistor-upgrade")
	}
	dir := filepath.Join(base, "standin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making folder %q: %w", dir, err)
	}
	return dir, nil
}
