package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
)

func TestWrongFlagsAreRefusedBeforeAnythingIsCompiled(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	for name, c := range map[string]struct {
		line string
		want string
	}{
		"no verb":                          {"", "usage"},
		"an unknown verb":                  {"publish --out x", "usage"},
		"nowhere to write":                 {"archives --version 1.2.3", "--out is needed"},
		"a further argument":               {"archives --version 1.2.3 --out x y", "no further arguments"},
		"no version":                       {"archives --out OUT", "reading version"},
		"a version with a v":               {"archives --version v1.2.3 --out OUT", "without a v"},
		"no platform":                      {"archives --version 1.2.3 --platforms , --out OUT", "none was named"},
		"programs for two platforms":       {"archives --version 1.2.3 --programs . --out OUT", "one platform"},
		"a key that is not there":          {"archives --version 1.2.3 --helm-key /does/not/exist --out OUT", "reading signing key"},
		"a minisign key that is not there": {"archives --version 1.2.3 --minisign-key /does/not/exist --out OUT", "reading signing key"},
		"a mirror without an address":      {"mirror --version 1.2.3 --out OUT", "base URL"},
		"a mirror that krew can't read":    {"mirror --version 1.2.3 --out OUT --base-url file:///srv", "base URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), strings.Fields(strings.ReplaceAll(c.line, "OUT", out)), io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Cleanup(func() {
		if _, err := os.Stat(out); err == nil {
			t.Error("something was written")
		}
	})
}

func TestHelpListsTheFlags(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	if err := run(t.Context(), []string{"mirror", "--help"}, &said); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"-base-url", "-platforms", "windows/amd64"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, said.String())
		}
	}
}

func TestArchivesPointAtThePublishedRelease(t *testing.T) {
	t.Parallel()
	programs, out := t.TempDir(), t.TempDir()
	for _, name := range build.Programs() {
		if err := os.WriteFile(filepath.Join(programs, name), []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := run(t.Context(), []string{
		"archives", "--source", "../..", "--version", "1.2.3", "--platforms", "linux/arm64", "--programs", programs,
		"--sbom=false", "--out", out,
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(out, "krew-manifest.yaml"))
	if want := "uri: " + publishedURL + "1.2.3/kubectl-aistor_upgrade_linux_arm64.tar.gz\n"; err != nil || !strings.Contains(string(b), want) {
		t.Errorf("the manifest lacks %q, error %v:\n%s", want, err, b)
	}
}
