// Command dist makes what administrators install: archives for krew and Helm,
// and a directory with everything a site without internet serves to itself.
//
//	dist archives --version 1.2.3 --out dist
//	dist mirror   --version 1.2.3 --out mirror --base-url https://files.example/aistor
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/release"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/sbom"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/sign"
)

const (
	usage        = "usage: dist archives|mirror [flags]; dist archives --help lists them"
	everywhere   = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"
	publishedURL = "https://github.com/aistor-upgrade/aistor-upgrade/releases/download/v"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	source, version, platforms, programs, out, baseURL string
	helmKey, passphraseFile                            string
	minisignKey, passwordFile                          string
	bills                                              bool
}

func run(ctx context.Context, args []string, log io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	var o options
	fs := flag.NewFlagSet("dist "+args[0], flag.ContinueOnError)
	fs.SetOutput(log)
	fs.StringVar(&o.source, "source", ".", "the checkout's folder")
	fs.StringVar(&o.version, "version", "", "version of the release, without a v")
	fs.StringVar(&o.platforms, "platforms", everywhere, "what to build for")
	fs.StringVar(&o.programs, "programs", "", "folder of programs built already, for one platform (default: they are compiled)")
	fs.StringVar(&o.out, "out", "", "folder to write to")
	fs.StringVar(&o.baseURL, "base-url", "", "where the folder will be served; archives are published at GitHub by default")
	fs.StringVar(&o.helmKey, "helm-key", "", "file with the OpenPGP secret key that signs Helm plugins (default: they are not signed)")
	fs.StringVar(&o.passphraseFile, "helm-key-passphrase-file", "", "file whose first line opens the key")
	fs.StringVar(&o.minisignKey, "minisign-key", "", "file with the minisign secret key that signs sums and archives (default: they are not signed)")
	fs.StringVar(&o.passwordFile, "minisign-key-password-file", "", "file whose first line opens the key")
	fs.BoolVar(&o.bills, "sbom", true, "write what each program is made of beside its archive")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	if fs.NArg() > 0 || o.out == "" {
		return fmt.Errorf("reading flags: --out is needed, and no further arguments\n%s", usage)
	}
	switch args[0] {
	case "archives":
		return o.make(ctx, log, func(r release.Release) error {
			if o.baseURL == "" {
				o.baseURL = publishedURL + o.version
			}
			return r.WriteArchives(o.out, o.baseURL)
		})
	case "mirror":
		// Compiling takes minutes; what is wrong can be said before.
		if err := release.CheckURL(o.baseURL); err != nil {
			return err
		}
		return o.make(ctx, log, func(r release.Release) error { return r.WriteMirror(ctx, o.out, o.baseURL) })
	}
	return fmt.Errorf("reading %q: %s", args[0], usage)
}

// make has the programs built and hands them to write.
func (o options) make(ctx context.Context, log io.Writer, write func(release.Release) error) error {
	platforms, err := build.ParsePlatforms(o.platforms)
	if err != nil {
		return err
	}
	r := release.Release{Version: o.version, Source: o.source, Platforms: platforms}
	if err := r.Validate(); err != nil {
		return err
	}
	if err := o.sign(&r); err != nil {
		return err
	}
	if o.bills {
		r.Bill = sbom.Write
	}
	if o.programs == "" {
		return o.compile(ctx, log, r, write)
	}
	if len(platforms) > 1 {
		return errors.New("reading --programs: they are for one platform, so name it with --platforms")
	}
	r.Programs = func(build.Platform) string { return o.programs }
	return write(r)
}

// sign has the release signed by the keys that were named.
func (o options) sign(r *release.Release) error {
	if o.helmKey != "" {
		key, err := sign.Load(o.helmKey, o.passphraseFile)
		if err != nil {
			return err
		}
		r.Provenance = key.Provenance
	}
	if o.minisignKey != "" {
		key, err := sign.LoadMinisign(o.minisignKey, o.passwordFile)
		if err != nil {
			return err
		}
		r.Sign = key.File
	}
	return nil
}

// compile builds the programs into a directory that lasts as long as write.
func (o options) compile(ctx context.Context, log io.Writer, r release.Release, write func(release.Release) error) error {
	built, err := os.MkdirTemp("", "dist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	r.Programs = func(p build.Platform) string {
		return filepath.Join(built, strings.ReplaceAll(p.String(), "/", "_"))
	}
	compiler := build.Compiler{Source: o.source, Version: o.version, Log: log}
	for _, p := range r.Platforms {
		fmt.Fprintf(log, "compiling for %s …\n", p)
		if err := compiler.Build(ctx, p, r.Programs(p), build.Programs()...); err != nil {
			return err
		}
	}
	return write(r)
}
