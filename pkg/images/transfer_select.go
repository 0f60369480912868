package images

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Tree is an image with all of its manifests, ready to be laid out: nothing
// but blobs is left to fetch.
type Tree struct {
	Ref Ref
	// Top is what is carried and pushed under the tag.
	Top Descriptor
	// SourceDigest is what the reference pointed to upstream. It differs from
	// Top.Digest where only some platforms were wanted.
	SourceDigest string
	// Platforms are those carried, sorted.
	Platforms []string
	// Missing are wanted platforms that the image does not have.
	Missing []string
	// Manifests holds every manifest of the tree by digest.
	Manifests map[string][]byte
	// Order lists the manifests, children before their parents.
	Order []Descriptor
	// Blobs lists configs and layers, each once.
	Blobs []Descriptor
	// Inline holds blobs that had to be read to know the platform.
	Inline map[string][]byte
}

// PlatformError says that an image has none of the wanted platforms.
type PlatformError struct {
	Ref                 Ref
	Expected, Available []string
}

// Error implements error.
func (e *PlatformError) Error() string {
	return fmt.Sprintf("selecting platforms of %q: it has %s, not %s",
		e.Ref, strings.Join(e.Available, ", "), strings.Join(e.Expected, ", "))
}

// Resolve reads the manifests of r and keeps the wanted platforms.
//
// No platforms means all of them: the index stays as it is, byte for byte.
// One platform of an index carries that platform's own manifest under the
// reference, unchanged, so its digest is what a node reports. Several carry a
// rebuilt index with exactly these children. Registries refuse an index whose
// children are missing, so the original index cannot be kept without all of
// them; SourceDigest remembers it. A reference that names a digest is kept
// whole whatever was wanted, because any other digest would break the pin.
func Resolve(ctx context.Context, f Fetcher, r Ref, platforms []string) (*Tree, error) {
	raw, mediaType, desc, err := f.Manifest(ctx, r)
	if err != nil {
		return nil, err
	}
	desc.MediaType = mediaType
	t := &Tree{Ref: r, Top: desc, SourceDigest: desc.Digest, Manifests: map[string][]byte{}, Inline: map[string][]byte{}}
	l := &treeLoader{f: f, repo: r, tree: t}
	switch {
	case !IsIndex(mediaType):
		err = l.addSingleImage(ctx, desc, raw, platforms)
	case len(platforms) == 0 || r.Digest != "":
		err = l.addTree(ctx, desc, raw, 0)
	default:
		err = l.addSelected(ctx, desc, raw, platforms)
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(t.Platforms)
	t.Platforms = slices.Compact(t.Platforms)
	return t, nil
}

// MatchPlatform reports whether have is what want asks for: a want without a
// variant takes any variant.
func MatchPlatform(want, have string) bool {
	return have == want || strings.HasPrefix(have, want+"/")
}

// maxManifests bounds the manifests of one image, which are all kept in memory.
// The largest public images have some dozens.
// maxManifestBytes bounds what they come to.
const (
	maxManifests     = 1000
	maxManifestBytes = 64 << 20
)

type treeLoader struct {
	f    Fetcher
	repo Ref
	tree *Tree
	read int // bytes of manifests
}

func (l *treeLoader) fetchManifest(ctx context.Context, d Descriptor) ([]byte, error) {
	at := l.repo
	at.Digest = d.Digest
	raw, _, _, err := l.f.Manifest(ctx, at)
	return raw, err
}

func (l *treeLoader) addManifest(d Descriptor, raw []byte) {
	if _, ok := l.tree.Manifests[d.Digest]; ok {
		return
	}
	l.tree.Manifests[d.Digest] = raw
	l.tree.Order = append(l.tree.Order, d)
}

func (l *treeLoader) addBlobs(blobs []Descriptor) {
	for _, b := range blobs {
		if !slices.ContainsFunc(l.tree.Blobs, func(d Descriptor) bool { return d.Digest == b.Digest }) {
			l.tree.Blobs = append(l.tree.Blobs, b)
		}
	}
}

// addTree keeps d and everything below it.
func (l *treeLoader) addTree(ctx context.Context, d Descriptor, raw []byte, depth int) error {
	if depth > 3 {
		return fmt.Errorf("reading index %q: nested too deeply", l.repo)
	}
	node, err := ParseManifest(raw, d.MediaType)
	if err != nil {
		return fmt.Errorf("reading image %q: %w", l.repo, err)
	}
	for _, child := range node.Manifests {
		if err := l.addChild(ctx, child, depth+1); err != nil {
			return err
		}
		if isRealPlatform(child.Platform) {
			l.tree.Platforms = append(l.tree.Platforms, child.Platform)
		}
	}
	l.addBlobs(node.Blobs)
	l.addManifest(d, raw)
	return nil
}

// addChild keeps one entry of an index. Each manifest is fetched once, however
// many indexes name it, and there is an end to how many.
func (l *treeLoader) addChild(ctx context.Context, d Descriptor, depth int) error {
	if _, ok := l.tree.Manifests[d.Digest]; ok {
		return nil
	}
	if len(l.tree.Manifests) >= maxManifests {
		return fmt.Errorf("reading index %q: it has more than %d manifests", l.repo, maxManifests)
	}
	body, err := l.fetchManifest(ctx, d)
	if err != nil {
		return err
	}
	if l.read += len(body); l.read > maxManifestBytes {
		return fmt.Errorf("reading index %q: its manifests exceed %d bytes", l.repo, maxManifestBytes)
	}
	return l.addTree(ctx, d, body, depth)
}

// addSelected keeps the wanted children of an index.
func (l *treeLoader) addSelected(ctx context.Context, d Descriptor, raw []byte, want []string) error {
	node, err := ParseManifest(raw, d.MediaType)
	if err != nil {
		return fmt.Errorf("reading image %q: %w", l.repo, err)
	}
	var keep []Descriptor
	var have []string
	for _, child := range node.Manifests {
		if !isRealPlatform(child.Platform) {
			continue
		}
		have = append(have, child.Platform)
		if slices.ContainsFunc(want, func(w string) bool { return MatchPlatform(w, child.Platform) }) {
			keep = append(keep, child)
		}
	}
	if len(keep) == 0 {
		return &PlatformError{Ref: l.repo, Expected: want, Available: have}
	}
	l.recordPlatforms(want, keep)
	if len(keep) == len(node.Manifests) {
		return l.addTree(ctx, d, raw, 0)
	}
	for _, child := range keep {
		if err := l.addChild(ctx, child, 1); err != nil {
			return err
		}
	}
	if len(keep) == 1 {
		l.tree.Top = keep[0]
		return nil
	}
	return l.rebuildIndex(d, raw, keep)
}

func (l *treeLoader) recordPlatforms(want []string, keep []Descriptor) {
	for _, k := range keep {
		l.tree.Platforms = append(l.tree.Platforms, k.Platform)
	}
	for _, w := range want {
		if !slices.ContainsFunc(keep, func(k Descriptor) bool { return MatchPlatform(w, k.Platform) }) {
			l.tree.Missing = append(l.tree.Missing, w)
		}
	}
}

// rebuildIndex makes an index of the kept children. It edits the original as data,
// so that annotations and unknown fields stay; the same index and platforms
// give the same bytes.
func (l *treeLoader) rebuildIndex(d Descriptor, raw []byte, keep []Descriptor) error {
	var index map[string]json.RawMessage
	var children []json.RawMessage
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("rebuilding index of %q: %w", l.repo, err)
	}
	if err := json.Unmarshal(index["manifests"], &children); err != nil {
		return fmt.Errorf("rebuilding index of %q: %w", l.repo, err)
	}
	children = slices.DeleteFunc(children, func(c json.RawMessage) bool {
		var one Descriptor
		_ = json.Unmarshal(c, &one) // ParseManifest has read it before
		return !slices.ContainsFunc(keep, func(k Descriptor) bool { return k.Digest == one.Digest })
	})
	var err error
	if index["manifests"], err = json.Marshal(children); err != nil {
		return fmt.Errorf("rebuilding index of %q: %w", l.repo, err)
	}
	body, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("rebuilding index of %q: %w", l.repo, err)
	}
	l.tree.Top = Descriptor{MediaType: d.MediaType, Digest: DigestOf(body), Size: int64(len(body))}
	l.addManifest(l.tree.Top, body)
	return nil
}

// isRealPlatform is false for attestations, which are listed as
// "unknown/unknown", and for children that name no platform.
func isRealPlatform(p string) bool { return p != "" && !strings.HasPrefix(p, "unknown/") }
