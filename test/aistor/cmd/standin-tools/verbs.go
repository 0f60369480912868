package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/test/aistor/images"
)

// charts writes every chart and prints its file and sha256.
func charts(flags *flag.FlagSet, args []string, out io.Writer) error {
	dir := flags.String("out", "", "folder to write to")
	unpacked := flags.Bool("unpacked", false, "write plain chart folders in place of .tgz files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("writing charts: --out is required")
	}
	if *unpacked {
		return aistor.Unpack(*dir)
	}
	all, err := aistor.Package(*dir)
	for _, p := range all {
		fmt.Fprintf(out, "%s  %s\n", p.Digest, p.File)
	}
	return err
}

// selection registers the flags that choose images.
func selection(flags *flag.FlagSet) func() ([]aistor.Image, error) {
	only := flags.String("only", "", "operator chart versions whose images are meant, by commas; all where empty")
	fips := flags.Bool("fips", false, "take the .fips tags")
	var named []aistor.Image
	flags.Func("image", "upstream reference of another image, in place of the charts' (repeatable)", func(ref string) error {
		image, err := aistor.ParseImage(ref)
		named = append(named, image)
		return err
	})
	return func() ([]aistor.Image, error) {
		if len(named) > 0 {
			return named, nil
		}
		return images.List(*fips, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })...)
	}
}

func list(flags *flag.FlagSet, args []string, out io.Writer) error {
	chosen := selection(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := chosen()
	for _, image := range all {
		fmt.Fprintln(out, image.Reference())
	}
	return err
}

// build compiles the stand-in for every architecture.
func build(ctx context.Context, flags *flag.FlagSet, args []string, out io.Writer) error {
	dir := flags.String("out", "", "folder to write to; the cache where empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		cache, err := images.CacheDir()
		if err != nil {
			return err
		}
		*dir = cache
	}
	for _, arch := range images.Architectures() {
		file, err := images.Build(ctx, *dir, arch)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, file)
	}
	return nil
}

// push builds and pushes the images and prints where each went.
func push(ctx context.Context, flags *flag.FlagSet, args []string, out io.Writer) error {
	chosen := selection(flags)
	registry := flags.String("registry", "", "host or host:port")
	plain := flags.Bool("plain-http", false, "speak http")
	authority := flags.String("ca", "", "file of the authority that the registry's certificate comes from")
	user := flags.String("user", "", "user name")
	password := flags.String("password-file", "", "file that holds the password")
	mapped := flags.Bool("mapped", false, "push to HOST/PREFIX/aistor/X, as a private registry has it")
	prefix := flags.String("prefix", "", "what comes before the path; without --mapped the default is quay.io, the images' own host")
	programs := map[string]string{}
	flags.Func("program", "NAME=FILE: the program of image NAME in place of the stand-in (repeatable)", func(text string) error {
		name, file, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("reading %q: want NAME=FILE", text)
		}
		programs[name] = file
		return nil
	})
	pad := flags.Int64("pad", 0, "bytes of a random layer for each image")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *registry == "" {
		return errors.New("pushing images: --registry is required")
	}
	all, err := chosen()
	if err != nil {
		return err
	}
	target := images.Target{Registry: *registry, PlainHTTP: *plain, Map: mapping(*mapped, *prefix)}
	if target.Transport, err = transport(*authority); err != nil {
		return err
	}
	if target.Auth, err = credentials(*user, *password); err != nil {
		return err
	}
	builder, err := images.NewBuilder(ctx, images.Options{Pad: *pad, Programs: programs})
	if err != nil {
		return err
	}
	done, err := builder.Push(ctx, target, all...)
	for _, p := range done {
		fmt.Fprintf(out, "%s %s@%s\n", p.Source, p.Target, p.Digest)
	}
	return err
}

func mapping(mapped bool, prefix string) func(aistor.Image) string {
	if mapped {
		return images.Mapped(prefix)
	}
	if prefix == "" || prefix == "quay.io" {
		return images.Upstream
	}
	return func(image aistor.Image) string {
		return strings.Trim(prefix, "/") + strings.TrimPrefix(image.Reference(), "quay.io")
	}
}

func transport(authority string) (http.RoundTripper, error) {
	if authority == "" {
		return nil, nil
	}
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, fmt.Errorf("reading authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading authority %q: no certificate in it", authority)
	}
	own, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("preparing TLS: unexpected default transport")
	}
	own = own.Clone()
	own.TLSClientConfig = &tls.Config{RootCAs: pool}
	return own, nil
}

func credentials(user, file string) (authn.Authenticator, error) {
	if user == "" {
		return nil, nil
	}
	password, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading password: %w", err)
	}
	return &authn.Basic{Username: user, Password: strings.TrimRight(string(password), "\r\n")}, nil
}
