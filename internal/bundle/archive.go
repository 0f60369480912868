package bundle

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	mediaDockerConfig = "application/vnd.docker.container.image.v1+json"
	// mediaDockerLayer is an uncompressed layer.
	mediaDockerLayer = "application/vnd.docker.image.rootfs.diff.tar"
)

// addArchive reads a docker-archive: manifest.json names the config and the
// layers' files, the config names the layers' digests.
func (f *Folder) addArchive(name string, ref images.Ref) error {
	fail := func(err error) error { return fmt.Errorf("reading archive %q: %w", name, err) }
	file, err := os.Open(name)
	if err != nil {
		return fail(err)
	}
	f.files = append(f.files, file)
	members, err := archiveMembers(file)
	if err != nil {
		return fail(err)
	}
	var list []struct {
		Config string
		Layers []string
	}
	if err := readMember(members, "manifest.json", &list); err != nil {
		return fail(err)
	}
	if len(list) != 1 {
		return fail(fmt.Errorf("it holds %d images, not one", len(list)))
	}
	config, ok := members[path.Clean(list[0].Config)]
	if !ok || config.size > maxChartMeta<<3 {
		return fail(fmt.Errorf("its config %q is missing", list[0].Config))
	}
	raw, err := config.bytes()
	if err != nil {
		return fail(err)
	}
	var cfg struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
		RootFS       struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return fail(fmt.Errorf("reading its config: %w", err))
	}
	if len(cfg.RootFS.DiffIDs) != len(list[0].Layers) {
		return fail(fmt.Errorf("it has %d layers, its config names %d", len(list[0].Layers), len(cfg.RootFS.DiffIDs)))
	}
	layers := make([]ociDescriptor, 0, len(list[0].Layers))
	for i, l := range list[0].Layers {
		s, ok := members[path.Clean(l)]
		if !ok {
			return fail(fmt.Errorf("its layer %q is missing", l))
		}
		d, err := s.layer(path.Clean(l), cfg.RootFS.DiffIDs[i])
		if err != nil {
			return fail(err)
		}
		f.blobs[d.Digest] = s
		layers = append(layers, d)
	}
	platform := ""
	if cfg.OS != "" {
		platform = strings.TrimSuffix(cfg.OS+"/"+cfg.Architecture+"/"+cfg.Variant, "/")
	}
	return f.addImage(ref, platform, raw, layers)
}

// layer describes a layer. It is a plain tar, and so its digest is the one that
// the config names; only Docker with containerd's store saves layers as they
// came, compressed, under their own digests.
func (s section) layer(name, diffID string) (ociDescriptor, error) {
	if err := images.CheckDigest(diffID); err != nil {
		return ociDescriptor{}, err
	}
	var magic [2]byte
	if _, err := s.f.ReadAt(magic[:min(2, s.size)], s.off); err != nil {
		return ociDescriptor{}, err
	}
	if magic != [2]byte{0x1f, 0x8b} {
		return ociDescriptor{MediaType: mediaDockerLayer, Digest: diffID, Size: s.size}, nil
	}
	hex, ok := strings.CutPrefix(name, blobPrefix)
	if digest := "sha256:" + hex; ok && images.CheckDigest(digest) == nil {
		return ociDescriptor{MediaType: mediaDockerLayer + ".gzip", Digest: digest, Size: s.size}, nil
	}
	return ociDescriptor{}, fmt.Errorf("its layer %q is compressed under a name that is no digest; save it again with skopeo copy docker://… docker-archive:FILE", name)
}

func (f *Folder) addImage(ref images.Ref, platform string, config []byte, layers []ociDescriptor) error {
	cd := descriptorOf(mediaDockerConfig, config)
	f.blobs[cd.Digest] = section{data: config, size: cd.Size}
	raw, err := json.Marshal(ociManifest{
		SchemaVersion: 2, MediaType: images.MediaTypeDockerManifest, Config: toOCI(cd), Layers: layers,
	})
	if err != nil {
		return err
	}
	d := descriptorOf(images.MediaTypeDockerManifest, raw)
	f.manifests[d.Digest] = raw
	f.artifacts = append(f.artifacts, images.Artifact{Kind: images.ArtifactImage, Ref: ref, Desc: d})
	e := ImageEntry{Ref: ref, Digest: d.Digest, MediaType: d.MediaType, Size: d.Size, Bytes: d.Size + cd.Size}
	for i, l := range layers {
		if !slices.ContainsFunc(layers[:i], func(x ociDescriptor) bool { return x.Digest == l.Digest }) {
			e.Bytes += l.Size
		}
	}
	if platform != "" {
		e.Platforms = []string{platform}
	}
	f.manifest.Images = append(f.manifest.Images, e)
	return nil
}

// archiveMembers finds the regular files. Links are passed over: older tools
// put them there for yet older ones.
func archiveMembers(f *os.File) (map[string]section, error) {
	members := map[string]section{}
	tr := tar.NewReader(f)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		if len(members) > maxEntries {
			return nil, fmt.Errorf("it has more than %d members", maxEntries)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		// Nothing of the tar reader is between it and the file, so this is
		// where the content starts.
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		members[path.Clean(h.Name)] = section{f: f, off: at, size: h.Size}
	}
}

func (s section) bytes() ([]byte, error) {
	b := make([]byte, s.size)
	_, err := s.f.ReadAt(b, s.off)
	return b, err
}

func readMember(members map[string]section, name string, v any) error {
	s, ok := members[name]
	if !ok || s.size > images.MaxManifestSize {
		return fmt.Errorf("it has no %s: it is no docker-archive", name)
	}
	b, err := s.bytes()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
