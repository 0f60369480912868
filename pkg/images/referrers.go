package images

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxReferrers bounds what may belong to one image: each is read before
// anything else is.
const maxReferrers = 1000

// Referrer is an artifact that belongs to a manifest of an image: a signature,
// an attestation, a list of contents.
type Referrer struct {
	Tree
	// Subject is the digest of the manifest it belongs to.
	Subject string
	// ArtifactType says what it is, as its manifest does; it may be empty.
	ArtifactType string
}

// cosignSuffixes are those of the tags that cosign keeps beside an image, made
// of its digest (cosign's specs/SIGNATURE_SPEC.md).
var cosignSuffixes = []string{".sig", ".att", ".sbom"}

// ReferrersTag is where a registry without the referrers API keeps the list of
// what belongs to the manifest digest: "sha256-…" (distribution-spec,
// "Referrers Tag Schema").
func ReferrersTag(digest string) string { return strings.ReplaceAll(digest, ":", "-") }

// FindReferrers finds what belongs to the manifests that t carries, and in turn to
// what was found: by the registry's list of referrers, and by the tags that
// cosign makes of a digest. They are sorted by reference. lost is true where
// the reference has some upstream that do not hold here, because they belong
// to an index of which only some platforms are carried.
func FindReferrers(ctx context.Context, f Fetcher, t *Tree) (list []Referrer, lost bool, err error) {
	s := &referrerSearch{f: f, repo: Ref{Host: t.Ref.Host, Path: t.Ref.Path}, seen: map[string]bool{}}
	for _, d := range t.Order {
		if err := s.findFor(ctx, d.Digest); err != nil {
			return nil, false, fmt.Errorf("finding the signatures of %q: %w", t.Ref, err)
		}
	}
	if t.SourceDigest != t.Top.Digest && len(s.found) == 0 {
		up := &referrerSearch{f: f, repo: s.repo, seen: map[string]bool{}}
		if err := up.findFor(ctx, t.SourceDigest); err != nil {
			return nil, false, fmt.Errorf("finding the signatures of %q: %w", t.Ref, err)
		}
		lost = len(up.found) > 0
	}
	slices.SortFunc(s.found, func(a, b Referrer) int { return a.Ref.Compare(b.Ref) })
	return s.found, lost, nil
}

// referrerSearch follows referrers of one repository.
type referrerSearch struct {
	f     Fetcher
	repo  Ref
	seen  map[string]bool
	found []Referrer
}

// findFor adds what belongs to the manifest subject.
func (s *referrerSearch) findFor(ctx context.Context, subject string) error {
	if s.seen[subject] {
		return nil
	}
	s.seen[subject] = true
	listed, err := s.f.Referrers(ctx, s.repo, subject)
	if err != nil {
		return err
	}
	for _, d := range listed {
		at := s.repo
		at.Digest = d.Digest
		if err := s.addReferrer(ctx, at, subject); err != nil {
			return err
		}
	}
	for _, suffix := range cosignSuffixes {
		at := s.repo
		at.Tag = ReferrersTag(subject) + suffix
		_, ok, err := s.f.Find(ctx, at)
		if err == nil && ok {
			err = s.addReferrer(ctx, at, subject)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addReferrer reads one referrer and looks for its own.
func (s *referrerSearch) addReferrer(ctx context.Context, at Ref, subject string) error {
	if len(s.found) >= maxReferrers {
		return fmt.Errorf("it has more than %d referrers", maxReferrers)
	}
	raw, mediaType, desc, err := s.f.Manifest(ctx, at)
	if err != nil {
		return err
	}
	desc.MediaType = mediaType
	r := Referrer{
		Tree:    Tree{Ref: at, Top: desc, SourceDigest: desc.Digest, Manifests: map[string][]byte{}, Inline: map[string][]byte{}},
		Subject: subject, ArtifactType: artifactType(raw),
	}
	l := &treeLoader{f: s.f, repo: at, tree: &r.Tree}
	if err := l.addTree(ctx, desc, raw, 0); err != nil {
		return err
	}
	if !slices.ContainsFunc(s.found, func(f Referrer) bool { return f.Ref == at }) {
		s.found = append(s.found, r)
	}
	return s.findFor(ctx, desc.Digest)
}

// artifactType is what a manifest says it is: its own type, or its config's.
func artifactType(raw []byte) string {
	var m struct {
		ArtifactType string `json:"artifactType"`
		Config       struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	if m.ArtifactType != "" {
		return m.ArtifactType
	}
	return m.Config.MediaType
}
