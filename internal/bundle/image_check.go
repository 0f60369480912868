package bundle

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// checkImage demands that an image be of the media type and have the platforms
// that the bundle's manifest claims. inIndex are the platforms that its index
// lists. Configs that are not in the file's head are left to [Bundle.Verify].
func (b *Bundle) checkImage(e ImageEntry, inIndex []string) error {
	raw, err := b.blobContent(e.Digest, images.MaxManifestSize)
	if err != nil {
		return err
	}
	var own struct{ MediaType string }
	if err := json.Unmarshal(raw, &own); err != nil {
		return b.imageError(e, "parsing its manifest: "+err.Error(), "", "")
	}
	if own.MediaType != "" && own.MediaType != e.MediaType {
		return b.imageError(e, "its manifest has another media type", own.MediaType, e.MediaType)
	}
	if images.IsIndex(e.MediaType) {
		if len(inIndex) == 0 {
			return b.imageError(e, "its index lists no manifest", "", "")
		}
		return b.checkPlatforms(e, inIndex)
	}
	config, err := configOf(raw, e.MediaType)
	if err != nil || len(e.Platforms) == 0 || !slices.Contains(e.Inline, config.Digest) {
		return err
	}
	return b.checkConfig(e, config)
}

func (b *Bundle) imageError(e ImageEntry, reason, have, want string) error {
	return &ContentError{Path: b.path, Kind: "image", Name: e.Ref.String(), Reason: reason, Have: have, Want: want}
}

// configOf is the config of an image that is no index.
func configOf(raw []byte, mediaType string) (images.Descriptor, error) {
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil {
		return images.Descriptor{}, err
	}
	return node.Blobs[0], nil
}

// checkConfig demands that the config of an image without an index name the
// platform that is claimed: a node pulls nothing else.
func (b *Bundle) checkConfig(e ImageEntry, d images.Descriptor) error {
	raw, err := b.blobContent(d.Digest, maxArchiveConfig)
	if err != nil {
		return err
	}
	var c archiveConfig
	if err := json.Unmarshal(raw, &c); err != nil {
		return b.imageError(e, "reading its config: "+err.Error(), "", "")
	}
	return b.checkPlatforms(e, []string{c.platformString()})
}

// checkPlatforms demands each platform that is claimed among those that are
// there. A variant may be missing on either side, as it is in many configs.
func (b *Bundle) checkPlatforms(e ImageEntry, have []string) error {
	for _, want := range e.Platforms {
		if !slices.ContainsFunc(have, func(h string) bool { return images.MatchPlatform(want, h) || images.MatchPlatform(h, want) }) {
			return b.imageError(e, fmt.Sprintf("platform %q is missing", want), cmp.Or(strings.Join(have, ", "), "none"), strings.Join(e.Platforms, ", "))
		}
	}
	return nil
}

// verifyConfigs reads the configs that [Bundle.checkImage] left out. One that is
// not carried is skipped, and one that is damaged is reported with the blobs.
func (b *Bundle) verifyConfigs(ctx context.Context) ([]Problem, error) {
	var out []Problem
	for _, e := range b.manifest.Images {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if images.IsIndex(e.MediaType) || len(e.Platforms) == 0 {
			continue
		}
		raw, err := b.blobContent(e.Digest, images.MaxManifestSize)
		if err != nil {
			continue
		}
		config, err := configOf(raw, e.MediaType)
		i, carried := b.entryIndex[config.Digest]
		if err != nil || !carried {
			continue
		}
		var damaged *FormatError
		if err := b.checkConfig(e, config); err != nil && !(errors.As(err, &damaged) && config.Size <= maxArchiveConfig) {
			file, offset := b.st.locate(b.layout.entries[i].offset)
			out = append(out, Problem{Subject: []string{e.Ref.String()}, Digest: config.Digest, File: file, Offset: offset,
				Reason: strings.Join(message.Lines(err), ", ")})
		}
	}
	return out, nil
}
