package images

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
)

// Options say how images are made.
type Options struct {
	// Dir holds, or gets, the compiled stand-ins. The default is CacheDir.
	Dir string
	// Pad adds a layer of that many random, seeded bytes to each image of each
	// architecture. The default is 0, no such layer.
	Pad int64
	// Programs are statically linked files, for this machine's architecture,
	// that images have in place of the stand-in, by the image's name. Images of
	// other architectures keep the stand-in. The default is none.
	Programs map[string]string
}

// Builder makes images. It may be used from many goroutines.
type Builder struct {
	pad int64
	// shared are the lower layers by architecture.
	shared map[string][]v1.Layer
	// programs are layers in place of the stand-in, by the image's name.
	programs map[string]v1.Layer
}

// NewBuilder compiles the stand-in and makes the layers that all images share.
func NewBuilder(ctx context.Context, options Options) (*Builder, error) {
	dir := options.Dir
	if dir == "" {
		cache, err := CacheDir()
		if err != nil {
			return nil, err
		}
		dir = cache
	}
	builder := &Builder{pad: options.Pad, shared: map[string][]v1.Layer{}}
	for _, arch := range Architectures() {
		file, err := Build(ctx, dir, arch)
		if err != nil {
			return nil, err
		}
		binary, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading stand-in: %w", err)
		}
		base, err := newLayer(entry{name: "etc/", mode: 0o755}, entry{name: "tmp/", mode: 0o1777},
			entry{name: "etc/passwd", mode: 0o644, data: []byte("root:x:0:0::/:\nminio:x:1000:1000::/:\n")},
			entry{name: "etc/base", mode: 0o644, data: noise(16<<10, "base", arch)})
		if err != nil {
			return nil, err
		}
		program, err := newLayer(entry{name: "standin", mode: 0o755, data: binary})
		if err != nil {
			return nil, err
		}
		builder.shared[arch] = []v1.Layer{base, program}
	}
	return builder, builder.take(options.Programs)
}

// take makes a layer of each program.
func (b *Builder) take(programs map[string]string) error {
	b.programs = map[string]v1.Layer{}
	for name, file := range programs {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading the program of image %q: %w", name, err)
		}
		if b.programs[name], err = newLayer(entry{name: name, mode: 0o755, data: data}); err != nil {
			return err
		}
	}
	return nil
}

// List returns the images that the operator charts with those versions name by
// default, each once, sorted by reference; all charts' without a version. With
// fips every tag ends in .fips.
func List(fips bool, versions ...string) ([]aistor.Image, error) {
	var all []aistor.Image
	known := map[string]bool{}
	for _, v := range aistor.Versions() {
		known[v.Version] = v.Release() != ""
		if len(versions) > 0 && !slices.Contains(versions, v.Version) {
			continue
		}
		for _, image := range v.Images {
			if fips {
				image.Image += ".fips"
			}
			all = append(all, image)
		}
	}
	for _, wanted := range versions {
		if !known[wanted] {
			return nil, fmt.Errorf("listing images of operator chart %q: no such fixture version", wanted)
		}
	}
	order := func(a, b aistor.Image) int { return strings.Compare(a.Reference(), b.Reference()) }
	slices.SortFunc(all, order)
	return slices.CompactFunc(all, func(a, b aistor.Image) bool { return a.Reference() == b.Reference() }), nil
}

// Index returns the image for both architectures.
func (b *Builder) Index(image aistor.Image) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range Architectures() {
		one, err := b.Image(image, arch)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	return index, nil
}

// Image returns the image for one architecture.
func (b *Builder) Image(image aistor.Image, arch string) (v1.Image, error) {
	name, tag, _ := strings.Cut(image.Image, ":")
	layers, user := slices.Clone(b.shared[arch]), "1000:1000"
	entries := []entry{
		{name: "etc/aistor-release", mode: 0o644, data: []byte(image.Image + "\n")},
		{name: "etc/own", mode: 0o644, data: noise(8<<10, image.Image, arch)},
	}
	if program := b.programs[name]; program != nil && arch == runtime.GOARCH {
		// Volumes of the local cluster are root's directories.
		layers, user = append(layers, program), "0:0"
	} else {
		entries = append(entries, entry{name: name, link: "standin", mode: 0o777})
	}
	own, err := newLayer(entries...)
	if err != nil {
		return nil, err
	}
	layers = append(layers, own)
	if b.pad > 0 {
		pad, err := newLayer(entry{name: "pad", mode: 0o644, data: noise(b.pad, "pad", image.Image, arch)})
		if err != nil {
			return nil, err
		}
		layers = append(layers, pad)
	}
	out := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	out, err = mutate.AppendLayers(out, layers...)
	if err != nil {
		return nil, fmt.Errorf("making image %q: %w", image.Image, err)
	}
	file, err := out.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("making image %q: %w", image.Image, err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", arch
	file.Config = v1.Config{
		Entrypoint: []string{"/" + name}, User: user,
		Env:    []string{"PATH=/", "AISTOR_RELEASE=" + tag},
		Labels: map[string]string{"name": name, "release": tag, "version": tag},
	}
	out, err = mutate.ConfigFile(out, file)
	if err != nil {
		return nil, fmt.Errorf("making image %q: %w", image.Image, err)
	}
	return out, nil
}
