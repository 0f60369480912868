package values

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What the two images of the object store chart are called in public.
const (
	publicMinIO = aistor.PublicRegistry + "/" + aistor.PublicPrefix + "minio"
	publicKES   = aistor.PublicRegistry + "/" + aistor.PublicPrefix + "kes"
)

func (r *rewriter) rewriteObjectStore() error {
	if err := r.rewriteImageBlock(Path{"objectStore", "image"}, publicMinIO); err != nil {
		return err
	}
	if err := r.rewriteImageBlock(Path{"objectStore", "kes", "image"}, publicKES); err != nil {
		return err
	}
	if _, set := Get(r.values, "objectStore", "sidecar"); set {
		r.addWarning("objectStore.sidecar has no effect in any version: the sidecar's image is images.minio-sidecar in the operator chart's values")
	}
	if err := r.setPullSecretName(); err != nil {
		return err
	}
	return r.rewriteRemaining()
}

// setPullSecretName names the pull secret. The field takes one name: another one
// that is there stays.
func (r *rewriter) setPullSecretName() error {
	at := Path{"objectStore", "imagePullSecret", "name"}
	old := GetString(r.values, at...)
	switch {
	case r.PullSecret == "" || old == r.PullSecret:
		return nil
	case old != "":
		r.addWarning("%s is %q and is kept: the field takes one name, and that secret must have credentials for %s", at, old, r.Mirror.Registry)
		return nil
	}
	return r.applyEdit(Edit{Path: at, Value: r.PullSecret}, "every pod of the object store pulls with it")
}

// rewriteImageBlock brings one image into the form that the chart takes: repository
// and tag, or repository@sha256 and the bare digest.
func (r *rewriter) rewriteImageBlock(at Path, public string) error {
	v, ok := Get(r.values, at...)
	if !ok || v == nil {
		return nil
	}
	ref, err := parseImageValue(v, public)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if ref.IsZero() {
		return nil
	}
	why := "it pulls " + ref.String()
	want := r.Mirror.Map(ref)
	m, isMap := v.(map[string]any)
	if !isMap {
		return r.applyEdit(Edit{Path: at, Value: imageBlock(want)}, "the chart takes repository and tag here, not a string")
	}
	for _, k := range slices.Sorted(maps.Keys(imageBlock(want))) {
		if err := r.applyEdit(Edit{Path: at.appendKey(k), Value: imageBlock(want)[k]}, why); err != nil {
			return err
		}
	}
	if _, page := m["image"]; page {
		return r.applyEdit(Edit{Path: at.appendKey("image"), Op: Remove}, "the chart takes repository and tag here")
	}
	return nil
}

func imageBlock(ref images.Ref) map[string]any {
	if ref.Digest == "" {
		return map[string]any{"repository": ref.Name(), "tag": ref.Tag}
	}
	algorithm, hex, _ := strings.Cut(ref.Digest, ":")
	return map[string]any{"repository": ref.Name() + "@" + algorithm, "digest": hex}
}

// parseImageValue understands every form in which an image is met in the values of
// an object store: as the chart takes it, as the operator chart takes it, as
// one string, and with the digest as registries write it. Nothing set is the
// zero reference.
func parseImageValue(v any, public string) (images.Ref, error) {
	if s, ok := v.(string); ok {
		if s == "" {
			return images.Ref{}, nil
		}
		return images.ParseRef(s)
	}
	m, _ := v.(map[string]any)
	field := func(k string) string { s, _ := m[k].(string); return s }
	repository, tag, digest, image := field("repository"), field("tag"), field("digest"), field("image")
	switch {
	case repository+tag+digest+image == "":
		return images.Ref{}, nil
	case image != "":
		return parseImageName(repository, image, public)
	case repository == "":
		repository = public
	}
	if digest == "" {
		return parseRepositoryTag(repository, tag)
	}
	repository, inName, _ := strings.Cut(repository, "@")
	algorithm, _, _ := strings.Cut(cmp.Or(inName, "sha256"), ":")
	if _, hex, ok := strings.Cut(digest, ":"); ok {
		digest = hex
	}
	return images.ParseRef(repository + "@" + algorithm + ":" + digest)
}

// parseImageName reads an image that is named: whole, below a repository, or beside
// the public one.
func parseImageName(repository, image, public string) (images.Ref, error) {
	if _, full := fullName(image); full {
		return images.ParseRef(image)
	}
	if _, full := fullName(repository + "/x"); full {
		return images.ParseRef(strings.TrimSuffix(repository, "/") + "/" + image)
	}
	return images.ParseRef(public[:strings.LastIndexByte(public, '/')+1] + image)
}

// parseRepositoryTag reads a repository, in whose name a tag or digest may be, with the
// tag beside it.
func parseRepositoryTag(repository, tag string) (images.Ref, error) {
	repository, inName, _ := strings.Cut(repository, "@")
	if tag == "" && inName == "" && strings.LastIndexByte(repository, ':') <= strings.LastIndexByte(repository, '/') {
		return images.Ref{}, fmt.Errorf("image %q has neither tag nor digest", repository)
	}
	if tag != "" {
		repository += ":" + tag
	}
	if strings.Contains(inName, ":") {
		repository += "@" + inName
	}
	return images.ParseRef(repository)
}

// rewriteImageTag changes the tag of the object store's image, and where it comes
// from if that is not the mirror.
func (r *rewriter) rewriteImageTag() error {
	at := Path{"objectStore", "image"}
	ref, err := images.ParseRef(publicMinIO)
	if err != nil {
		return err
	}
	if own, err := images.ParseRef(publicMinIO + ":" + r.ImageOnly); err != nil || own.Tag != r.ImageOnly {
		return &TagError{r.ImageOnly}
	}
	if v, set := Get(r.values, at...); set {
		if old, err := parseImageValue(v, publicMinIO); err == nil && !old.IsZero() {
			ref = old
		}
	}
	ref.Tag, ref.Digest = r.ImageOnly, ""
	want := r.Mirror.Map(ref)
	why := "the object store must run " + r.ImageOnly
	if _, isMap := getMapOrEmpty(r.values, at); !isMap {
		return r.applyEdit(Edit{Path: at, Value: imageBlock(want)}, why)
	}
	for _, k := range []string{"repository", "tag"} {
		if err := r.applyEdit(Edit{Path: at.appendKey(k), Value: imageBlock(want)[k]}, why); err != nil {
			return err
		}
	}
	for _, k := range []string{"digest", "image"} {
		if err := r.applyEdit(Edit{Path: at.appendKey(k), Op: Remove}, "it would conflict with the tag"); err != nil {
			return err
		}
	}
	return nil
}

// TagError says that what was given as a tag is none.
type TagError struct{ Tag string }

// Error names what was given.
func (e *TagError) Error() string {
	return fmt.Sprintf("reading tag %q: it is not a valid image tag", e.Tag)
}

// Hint shows the form.
func (*TagError) Hint() string {
	return "expected a tag only, such as RELEASE.2026-06-06T02-44-06Z"
}

func getMapOrEmpty(m map[string]any, at Path) (map[string]any, bool) {
	v, set := Get(m, at...)
	sub, ok := v.(map[string]any)
	return sub, ok || !set
}
