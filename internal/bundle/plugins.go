package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// MediaTypePlugins is the layer with the plugins' own files.
const MediaTypePlugins = "application/vnd.aistor-upgrade.plugins.v1alpha1.tar"

const artifactTypePlugins = "application/vnd.aistor-upgrade.plugins.v1alpha1"

// Plugins are the files from which a site installs the plugins themselves: one
// plain tar, which [ExtractPlugins] or any tar program opens.
type Plugins struct {
	// SHA256 is the tar's digest, "sha256:…", and so its name in the bundle.
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Manifest is the OCI manifest around it.
	Manifest images.Descriptor `json:"manifest"`
}

// addPlugins reads the directory once, to know its size and digest. The layer
// itself is read again when its place in the file is known.
func addPlugins(ctx context.Context, m *Manifest, dir string) (head, rest []blob, err error) {
	if dir == "" {
		return nil, nil, nil
	}
	for _, pattern := range []string{"INSTALL.md", "v*/SHA256SUMS"} {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(found) == 0 {
			return nil, nil, message.Errorf("reading plugins %q: %s not found\nhint: make mirror BASE_URL=https://files.example/aistor OUT=%s", dir, pattern, dir)
		}
	}
	sum := sha256.New()
	r := streamTar(ctx, dir)
	defer r.Close()
	size, err := io.Copy(sum, r)
	if err != nil {
		return nil, nil, fmt.Errorf("reading plugins %q: %w", dir, err)
	}
	layer := images.Descriptor{MediaType: MediaTypePlugins, Digest: digestOf(sum), Size: size}
	raw, err := json.Marshal(ociManifest{
		SchemaVersion: 2, MediaType: images.MediaTypeOCIManifest, ArtifactType: artifactTypePlugins,
		Config: toOCI(descriptorOf(mediaEmpty, []byte(emptyJSON))), Layers: []ociDescriptor{toOCI(layer)},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("writing OCI manifest: %w", err)
	}
	m.Plugins = &Plugins{SHA256: layer.Digest, Size: size, Manifest: descriptorOf(images.MediaTypeOCIManifest, raw)}
	head, rest = m.Plugins.artifactBlobs(raw)
	return head, rest, nil
}

// artifactBlobs are those of the artifact, given its manifest.
func (p *Plugins) artifactBlobs(raw []byte) (head, rest []blob) {
	layer := images.Descriptor{MediaType: MediaTypePlugins, Digest: p.SHA256, Size: p.Size}
	return []blob{knownBlob(p.Manifest, raw), knownBlob(descriptorOf(mediaEmpty, []byte(emptyJSON)), []byte(emptyJSON))}, []blob{{Descriptor: layer}}
}

// pluginBlobs derives the artifact's blobs from the bundle's manifest.
func (b *Bundle) pluginBlobs() (head, rest []blob, err error) {
	p := b.manifest.Plugins
	if p == nil {
		return nil, nil, nil
	}
	raw, err := b.blobContent(p.Manifest.Digest, images.MaxManifestSize)
	if err != nil {
		return nil, nil, err
	}
	node, err := images.ParseManifest(raw, p.Manifest.MediaType)
	if err != nil {
		return nil, nil, fmt.Errorf("reading plugins: %w", err)
	}
	if n := len(node.Blobs); n == 0 || node.Blobs[n-1].Digest != p.SHA256 || node.Blobs[n-1].Size != p.Size {
		return nil, nil, fmt.Errorf("reading plugins: their manifest is not that of %s", p.SHA256)
	}
	head, rest = p.artifactBlobs(raw)
	return head, rest, nil
}

// pluginFetcher is where images come from, and the plugins' tar.
type pluginFetcher struct {
	Fetcher
	dir, digest string
}

// OpenBlob implements Fetcher.
func (s pluginFetcher) OpenBlob(ctx context.Context, repo images.Ref, digest string, from int64) (io.ReadCloser, int64, error) {
	if digest != s.digest || !repo.IsZero() {
		return s.Fetcher.OpenBlob(ctx, repo, digest, from)
	}
	r := streamTar(ctx, s.dir)
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		return nil, 0, errors.Join(err, r.Close())
	}
	return r, -1, nil
}

// streamTar streams a directory as a tar. The same files give the same bytes: names
// are sorted, and neither clock nor owner go in. Links are refused.
func streamTar(ctx context.Context, dir string) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		tw := tar.NewWriter(w)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err = errors.Join(err, ctx.Err()); err != nil || path == dir {
				return err
			}
			return addToTar(tw, dir, path, d)
		})
		w.CloseWithError(errors.Join(err, tw.Close()))
	}()
	return r
}

func addToTar(tw *tar.Writer, dir, path string, d fs.DirEntry) error {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0)}
	if d.IsDir() {
		h.Name, h.Mode, h.Typeflag = h.Name+"/", 0o755, tar.TypeDir
		return tw.WriteHeader(h)
	}
	if !d.Type().IsRegular() {
		return fmt.Errorf("%q is neither a file nor a directory", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(tw, f, h.Size)
	return err
}

// ExtractPlugins writes the plugins' files to a new directory. The directory appears
// once every byte was found to be the one the bundle names.
func ExtractPlugins(ctx context.Context, b *Bundle, dir string) error {
	fail := func(err error) error { return fmt.Errorf("extracting plugins to %q: %w", dir, err) }
	p := b.manifest.Plugins
	if p == nil {
		return fail(errNotFound)
	}
	if fileExists(dir) {
		return fail(os.ErrExist)
	}
	r, err := b.OpenBlob(p.SHA256, 0)
	if err != nil {
		return fail(err)
	}
	defer r.Close()
	partial := dir + partialSuffix
	if err := os.RemoveAll(partial); err != nil {
		return fail(err)
	}
	sum := sha256.New()
	if err := extractTar(ctx, partial, io.TeeReader(r, sum), p.Size); err != nil {
		return fail(err)
	}
	if have := digestOf(sum); have != p.SHA256 {
		return fail(message.Errorf("digest mismatch\nreceived: %s\nexpected: %s", have, p.SHA256))
	}
	if err := safefile.Rename(partial, dir); err != nil {
		return fail(err)
	}
	return nil
}

// extractTar writes files and directories below dir, and reads r to its end. No name
// leads out of dir, and no more than limit bytes are written: a sparse file is
// small in a tar and fills a disk.
func extractTar(ctx context.Context, dir string, r io.Reader, limit int64) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil { // and not one that is there, or a link to one
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r)
			return err
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimSuffix(h.Name, "/"))
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.Mkdir(name, 0o755)
		case tar.TypeReg:
			if limit -= h.Size; limit < 0 {
				return fmt.Errorf("%q is larger than the archive it is in", h.Name)
			}
			err = writeInRoot(root, name, tr)
		default:
			err = fmt.Errorf("%q is neither a file nor a directory", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func writeInRoot(root *os.Root, name string, r io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func digestOf(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }
