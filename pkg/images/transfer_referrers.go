package images

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// referrersListing is a manifest in the private registry with what was pushed that
// belongs to it.
type referrersListing struct {
	repo    Ref
	subject string
	jobs    []*job
}

// listReferrers sees to it that the registry lists the referrers: one with an
// API for that does it by itself, for others the list under a tag is added to.
// It looks also where all were present, for an earlier push may have ended
// right before.
func (p *pusher) listReferrers(ctx context.Context) error {
	var todo []*referrersListing
	for _, j := range p.jobs {
		if j.art.Kind != ArtifactReferrer || j.dst.Tag != "" {
			continue // a tag is found by its name
		}
		repo := Ref{Host: j.dst.Host, Path: j.dst.Path}
		i := slices.IndexFunc(todo, func(l *referrersListing) bool { return l.repo == repo && l.subject == j.art.Subject })
		if i < 0 {
			i, todo = len(todo), append(todo, &referrersListing{repo: repo, subject: j.art.Subject})
		}
		todo[i].jobs = append(todo[i].jobs, j)
	}
	return forEach(ctx, p.opts.Concurrency, len(todo), func(ctx context.Context, i int) error {
		return p.addToReferrersList(ctx, todo[i])
	})
}

func (p *pusher) addToReferrersList(ctx context.Context, l *referrersListing) error {
	have, err := p.dst.ListReferrers(ctx, l.repo, l.subject)
	if err != nil {
		return err
	}
	l.jobs = slices.DeleteFunc(l.jobs, func(j *job) bool {
		return slices.ContainsFunc(have, func(d Descriptor) bool { return d.Digest == j.art.Desc.Digest })
	})
	if len(l.jobs) == 0 {
		return nil
	}
	at := l.repo
	at.Tag = ReferrersTag(l.subject)
	var before []byte
	if _, ok, err := p.dst.HeadManifest(ctx, at); err != nil {
		return err
	} else if ok {
		if before, _, _, err = p.dst.Manifest(ctx, at); err != nil {
			return err
		}
	}
	raw, err := p.referrersIndex(ctx, before, l.jobs)
	if err != nil {
		return fmt.Errorf("listing referrers of %s: %w", at, err)
	}
	return p.dst.PutManifest(ctx, at, MediaTypeOCIIndex, raw)
}

// referrersIndex adds the referrers to the list that is there; nil is none.
func (p *pusher) referrersIndex(ctx context.Context, before []byte, jobs []*job) ([]byte, error) {
	type entry struct {
		MediaType    string            `json:"mediaType"`
		Digest       string            `json:"digest"`
		Size         int64             `json:"size"`
		ArtifactType string            `json:"artifactType,omitempty"`
		Annotations  map[string]string `json:"annotations,omitempty"`
	}
	index := struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		Manifests     []json.RawMessage `json:"manifests"`
	}{}
	if before != nil {
		if err := json.Unmarshal(before, &index); err != nil {
			return nil, fmt.Errorf("reading the existing list: %w", err)
		}
	}
	index.SchemaVersion, index.MediaType = 2, MediaTypeOCIIndex
	for _, j := range jobs {
		raw, err := p.src.ReadManifest(ctx, j.art, j.art.Desc)
		if err != nil {
			return nil, err
		}
		var m struct {
			Annotations map[string]string `json:"annotations"`
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, err
		}
		d := j.art.Desc
		line, err := json.Marshal(entry{d.MediaType, d.Digest, d.Size, artifactType(raw), m.Annotations})
		if err != nil {
			return nil, err
		}
		index.Manifests = append(index.Manifests, line)
	}
	return json.Marshal(index)
}
