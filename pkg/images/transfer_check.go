package images

import (
	"context"
	"errors"
	"slices"
)

// checkManifests requests every manifest. All tags that point elsewhere are reported
// together, before anything is changed.
func (p *pusher) checkManifests(ctx context.Context) error {
	conflicts := make([]error, len(p.jobs))
	err := forEach(ctx, p.opts.Concurrency, len(p.jobs), func(ctx context.Context, i int) error {
		j := p.jobs[i]
		have, ok, err := p.dst.HeadManifest(ctx, p.targetRef(j))
		switch {
		case err != nil:
			return err
		case !ok:
		case have.Digest == j.art.Desc.Digest:
			j.present, j.done = true, true
			p.opts.Progress.Emit(Event{Kind: EventArtifact, Subject: j.dst.String()})
		default:
			conflicts[i], err = p.resolveTagConflict(ctx, j, have)
		}
		return err
	})
	return errors.Join(append(conflicts, err)...)
}

// resolveTagConflict resolves a tag that points to something else: an index that
// holds all of the artifact serves as well, for the nodes pull the same
// manifest through it; anything else is replaced or a conflict.
func (p *pusher) resolveTagConflict(ctx context.Context, j *job, have Descriptor) (conflict, err error) {
	within, err := p.isWithinIndex(ctx, j, have)
	switch {
	case err != nil:
		return nil, err
	case within:
		j.present, j.done, j.containingIndex = true, true, have.Digest
		p.opts.Progress.Emit(Event{Kind: EventArtifact, Subject: j.dst.String()})
	case p.opts.OverwriteTags:
		j.replaced = have.Digest
	default:
		return &TagConflictError{Ref: j.dst, Received: have.Digest, Expected: j.art.Desc.Digest}, nil
	}
	return nil, nil
}

// isWithinIndex reports whether the tag points to an index that names every manifest
// of the artifact, and the registry holds each of them.
func (p *pusher) isWithinIndex(ctx context.Context, j *job, have Descriptor) (bool, error) {
	if j.art.Kind != ArtifactImage || !IsIndex(have.MediaType) {
		return false, nil
	}
	raw, mediaType, _, err := p.dst.Manifest(ctx, p.targetRef(j))
	if err != nil {
		return false, err
	}
	index, err := ParseManifest(raw, mediaType)
	if err != nil {
		return false, nil // what cannot be read holds nothing of ours
	}
	mine, err := p.manifestsOf(ctx, j.art)
	if err != nil {
		return false, err
	}
	for _, digest := range mine {
		if !slices.ContainsFunc(index.Manifests, func(d Descriptor) bool { return d.Digest == digest }) {
			return false, nil
		}
		child := j.dst
		child.Tag, child.Digest = "", digest
		if _, ok, err := p.dst.HeadManifest(ctx, child); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// manifestsOf are the platform manifests of an artifact.
func (p *pusher) manifestsOf(ctx context.Context, a Artifact) ([]string, error) {
	if !IsIndex(a.Desc.MediaType) {
		return []string{a.Desc.Digest}, nil
	}
	raw, err := p.src.ReadManifest(ctx, a, a.Desc)
	if err != nil {
		return nil, err
	}
	index, err := ParseManifest(raw, a.Desc.MediaType)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, d := range index.Manifests {
		list = append(list, d.Digest)
	}
	return list, nil
}

// targetRef is the reference that is requested and put: by tag where there is
// one, for a digest alone would leave the tag unset.
func (p *pusher) targetRef(j *job) Ref {
	r := j.dst
	if r.Tag != "" {
		r.Digest = ""
	} else {
		r.Digest = j.art.Desc.Digest
	}
	return r
}
