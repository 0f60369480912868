package build

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Programs are the plugins' commands, by the names of their directories in cmd.
func Programs() []string { return []string{"helm-aistor", "kubectl-aistor_upgrade"} }

// Platform is an operating system and an architecture in Go's words.
type Platform struct{ OS, Arch string }

// String is how a person writes it: linux/amd64.
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Program is the file name of a program on this platform.
func (p Platform) Program(name string) string {
	if p.OS == "windows" {
		return name + ".exe"
	}
	return name
}

// ParsePlatforms reads a list such as "linux/amd64,darwin/arm64".
func ParsePlatforms(text string) ([]Platform, error) {
	var list []Platform
	seen := map[Platform]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		system, arch, ok := strings.Cut(word, "/")
		if !ok || system == "" || arch == "" {
			return nil, fmt.Errorf("reading platform %q: expected one such as linux/amd64", word)
		}
		if p := (Platform{system, arch}); !seen[p] {
			seen[p] = true
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("reading platforms %q: none was named", text)
	}
	return list, nil
}

// Compiler builds the programs of a checkout.
type Compiler struct {
	// Source is the directory of the main module.
	Source string
	// Version is what the programs say of themselves, without a leading v.
	Version string
	// Log takes what the compiler says.
	Log io.Writer
}

// Build compiles all programs for a platform into the directory out. Nothing of
// the machine gets into them: neither paths, nor the state of the checkout,
// nor the C library (so they run on any distribution).
func (c Compiler) Build(ctx context.Context, p Platform, out string, programs ...string) error {
	for _, name := range programs {
		cmd := exec.CommandContext(ctx, "go", "build",
			"-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+c.Version,
			"-o", filepath.Join(out, p.Program(name)), "./cmd/"+name)
		cmd.Dir = c.Source
		cmd.Env = append(os.Environ(),
			"GOOS="+p.OS, "GOARCH="+p.Arch, "CGO_ENABLED=0",
			// The caller's own wishes would end up in the bytes.
			"GOFLAGS=", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
		cmd.Stdout, cmd.Stderr = c.Log, c.Log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("compiling %q for %s: %w", name, p, err)
		}
	}
	return nil
}
