package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// maxConfigSize bounds an image's config, which is read into memory.
const maxConfigSize = 8 << 20

// addSingleImage keeps an image that is no index. Its platform is in its config.
func (l *treeLoader) addSingleImage(ctx context.Context, d Descriptor, raw []byte, want []string) error {
	node, err := ParseManifest(raw, d.MediaType)
	if err != nil {
		return fmt.Errorf("reading image %q: %w", l.repo, err)
	}
	platform, err := l.configPlatform(ctx, node.Blobs[0])
	if err != nil {
		return err
	}
	l.addBlobs(node.Blobs)
	l.addManifest(d, raw)
	if platform == "" {
		return nil
	}
	l.tree.Top.Platform = platform
	l.recordPlatforms(want, []Descriptor{l.tree.Top})
	if len(want) > 0 && l.repo.Digest == "" && len(l.tree.Missing) == len(want) {
		return &PlatformError{Ref: l.repo, Expected: want, Available: []string{platform}}
	}
	return nil
}

// configPlatform reads the config, checks it, and keeps it so that it is not
// fetched twice. A config that names no platform gives the empty string: other
// artifacts than images have such configs.
func (l *treeLoader) configPlatform(ctx context.Context, d Descriptor) (string, error) {
	if d.Size > maxConfigSize {
		return "", fmt.Errorf("reading config of %q: %d bytes are too many", l.repo, d.Size)
	}
	body, err := readBlob(ctx, l.f, l.repo, d)
	if err != nil {
		return "", err
	}
	l.tree.Inline[d.Digest] = body
	var cfg struct {
		OS      string `json:"os"`
		Arch    string `json:"architecture"`
		Variant string `json:"variant"`
	}
	if json.Unmarshal(body, &cfg) != nil || cfg.OS == "" {
		return "", nil
	}
	return platformString(cfg.OS, cfg.Arch, cfg.Variant), nil
}

// readBlob reads a small blob whole and checks it. A torn connection is tried
// once more.
func readBlob(ctx context.Context, f Fetcher, repo Ref, d Descriptor) ([]byte, error) {
	var last error
	for range 3 {
		rc, _, err := f.OpenBlob(ctx, repo, d.Digest, 0)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(rc, d.Size+1))
		_ = rc.Close()
		switch {
		case err != nil:
			last = err
		case int64(len(body)) != d.Size || DigestOf(body) != d.Digest:
			last = message.Errorf("digest mismatch\nreceived: %s\nexpected: %s", DigestOf(body), d.Digest)
		default:
			return body, nil
		}
	}
	return nil, fmt.Errorf("fetching blob %q of %q: %w", d.Digest, repo.Name(), last)
}
