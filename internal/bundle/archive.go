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
	// maxArchiveConfig bounds an image's config, which is read into memory.
	maxArchiveConfig = 8 << 20
)

// addArchive takes in the image of a docker-archive under a reference.
func (f *Folder) addArchive(name string, ref images.Ref) error {
	file, err := os.Open(name)
	if err == nil {
		f.files = append(f.files, file)
		err = f.readArchive(file, ref)
	}
	if err != nil {
		return fmt.Errorf("reading archive %q: %w", name, err)
	}
	return nil
}

// readArchive finds the image in an archive: manifest.json names the config and
// the layers' files, the config names the layers' digests.
func (f *Folder) readArchive(file *os.File, ref images.Ref) error {
	members, err := archiveMembers(file)
	if err != nil {
		return err
	}
	var list []struct {
		Config string
		Layers []string
	}
	if err := readMember(members, "manifest.json", &list); err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("it contains %d images, expected one", len(list))
	}
	config, ok := members[path.Clean(list[0].Config)]
	if !ok || config.size > maxArchiveConfig {
		return fmt.Errorf("its config %q is missing", list[0].Config)
	}
	raw, err := config.readBytes()
	if err != nil {
		return err
	}
	var cfg archiveConfig
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return fmt.Errorf("reading its config: %w", err)
	}
	layers, err := f.archiveLayers(members, list[0].Layers, cfg.RootFS.DiffIDs)
	if err != nil {
		return err
	}
	return f.addImage(ref, cfg.platformString(), raw, layers)
}

// archiveConfig is what is read of an image's config.
type archiveConfig struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	RootFS       struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// platformString is os/architecture[/variant]; "" where the config does not say.
func (c archiveConfig) platformString() string {
	if c.OS == "" {
		return ""
	}
	return strings.TrimSuffix(c.OS+"/"+c.Architecture+"/"+c.Variant, "/")
}

// archiveLayers describes the layers in files of the archive.
func (f *Folder) archiveLayers(members map[string]section, files, diffIDs []string) ([]ociDescriptor, error) {
	if len(diffIDs) != len(files) {
		return nil, fmt.Errorf("it has %d layers, its config names %d", len(files), len(diffIDs))
	}
	layers := make([]ociDescriptor, 0, len(files))
	for i, l := range files {
		s, ok := members[path.Clean(l)]
		if !ok {
			return nil, fmt.Errorf("its layer %q is missing", l)
		}
		d, err := s.describeLayer(path.Clean(l), diffIDs[i])
		if err != nil {
			return nil, err
		}
		f.blobs[d.Digest] = s
		layers = append(layers, d)
	}
	return layers, nil
}

// describeLayer describes a layer. It is a plain tar, and so its digest is the one that
// the config names; only Docker with containerd's store saves layers as they
// came, compressed, under their own digests.
func (s section) describeLayer(name, diffID string) (ociDescriptor, error) {
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
	return ociDescriptor{}, fmt.Errorf("its layer %q is compressed and its name is not a digest; save it again with skopeo copy docker://… docker-archive:FILE", name)
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

func (s section) readBytes() ([]byte, error) {
	b := make([]byte, s.size)
	_, err := s.f.ReadAt(b, s.off)
	return b, err
}

func readMember(members map[string]section, name string, v any) error {
	s, ok := members[name]
	if !ok || s.size > images.MaxManifestSize {
		return fmt.Errorf("no %s: not a docker-archive", name)
	}
	b, err := s.readBytes()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
