package images

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// PushOptions says how to push.
type PushOptions struct {
	// Concurrency is how many requests run at once. The default is 8.
	Concurrency int
	// Progress receives events. The default is none.
	Progress Progress
	// OverwriteTags lets a tag that points elsewhere be moved. The default is
	// a [TagConflictError].
	OverwriteTags bool
	// DryRun only reports what is missing.
	DryRun bool
	// NoCharts leaves out the charts and the bundle's manifest.
	NoCharts bool
	// ChartsPath is the path for charts in the registry. The default is the
	// mirror's prefix with "charts".
	ChartsPath string
}

// Push copies everything in src to where mirror says. It first asks for every
// manifest, so that a push with nothing to do costs one request an artifact;
// then it sends each missing blob once, the largest first, and mounts it into
// the other repositories that need it; manifests follow, and tags come last,
// so that an interrupted push leaves no tag that cannot be pulled. Tags and
// digests stay what they are.
//
// The receipt lists every artifact, also when an error is returned; then it
// says what was complete before.
func Push(ctx context.Context, src Source, dst Target, mirror Mirror, opts PushOptions) (Receipt, error) {
	if err := mirror.Validate(); err != nil {
		return Receipt{}, err
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = 8
	}
	p := newPusher(src, dst, mirror, opts)
	if err := p.checkNames(); err != nil {
		return Receipt{}, err
	}
	err := p.run(ctx)
	return p.buildReceipt(), err
}

// Destination says where an artifact goes. Charts and the bundle's manifest go
// below chartsPath ("" for the default).
func Destination(a Artifact, mirror Mirror, chartsPath string) Ref {
	if !a.Ref.IsZero() {
		return mirror.MapPush(a.Ref)
	}
	host := mirror.Registry
	if mirror.PushRegistry != "" {
		host = mirror.PushRegistry
	}
	if chartsPath == "" {
		chartsPath = path.Join(mirror.Prefix, "charts")
	}
	// A plus is not allowed in a tag; Helm writes and reads an underscore.
	tag := strings.ReplaceAll(a.Version, "+", "_")
	return Ref{Host: host, Path: path.Join(strings.Trim(chartsPath, "/"), a.Name), Tag: tag}
}

// ListRepositories lists the repositories a push needs, sorted: what the
// registry's owner must create where that is not automatic.
func ListRepositories(src Source, mirror Mirror, opts PushOptions) []string {
	var out []string
	for _, a := range src.Artifacts() {
		if !a.Ref.IsZero() || !opts.NoCharts {
			out = append(out, Destination(a, mirror, opts.ChartsPath).Name())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// job is one artifact on its way.
type job struct {
	art             Artifact
	dst             Ref
	present         bool
	done            bool
	replaced        string
	containingIndex string
	manifests       []manifestJob
	blobs           []Descriptor
	item            ReceiptItem
}

type manifestJob struct {
	desc Descriptor
	raw  []byte
}

type pusher struct {
	src  Source
	dst  Target
	opts PushOptions
	reg  string
	jobs []*job
}

func newPusher(src Source, dst Target, mirror Mirror, opts PushOptions) *pusher {
	p := &pusher{src: src, dst: dst, opts: opts, reg: mirror.Registry}
	for _, a := range src.Artifacts() {
		if a.Ref.IsZero() && opts.NoCharts {
			continue
		}
		j := &job{art: a, dst: Destination(a, mirror, opts.ChartsPath)}
		source := a.Ref.String()
		if a.Ref.IsZero() {
			source = a.Name + ":" + a.Version
		}
		j.item = ReceiptItem{Kind: a.Kind, Source: source, Destination: j.dst.String(), Digest: a.Desc.Digest}
		p.jobs = append(p.jobs, j)
	}
	return p
}

// checkNames refuses destinations that no registry has, before one is asked: a
// prefix that climbs would lead out of the registry's own part of the server.
func (p *pusher) checkNames() error {
	for _, j := range p.jobs {
		// The host is another matter: one without a dot is not taken for one in a
		// reference, and may well be one here.
		want := j.dst
		want.Host = "host.invalid"
		if got, err := ParseRef(want.String()); err != nil || got != want {
			return &NameError{Ref: j.dst}
		}
	}
	return nil
}

func (p *pusher) run(ctx context.Context) error {
	if err := p.checkManifests(ctx); err != nil {
		return err
	}
	if err := p.readManifests(ctx); err != nil {
		return err
	}
	blobs := p.planBlobs()
	if err := p.verifyAssumedBlobs(ctx, blobs); err != nil {
		return err
	}
	p.opts.Progress.Emit(Event{Kind: EventTotal, Bytes: totalBytes(blobs)})
	if p.opts.DryRun {
		return p.checkBlobs(ctx, blobs)
	}
	if err := p.pushBlobs(ctx, blobs); err != nil {
		return err
	}
	if err := p.pushManifests(ctx); err != nil {
		return err
	}
	return p.listReferrers(ctx)
}

// readManifests collects the manifests and blobs. Those of present artifacts are read
// too when anything is missing: their repositories can lend their blobs.
func (p *pusher) readManifests(ctx context.Context) error {
	if !slices.ContainsFunc(p.jobs, func(j *job) bool { return !j.present }) {
		return nil
	}
	return forEach(ctx, p.opts.Concurrency, len(p.jobs), func(ctx context.Context, i int) error {
		j := p.jobs[i]
		if err := p.walkManifests(ctx, j, j.art.Desc, 0); err != nil {
			return fmt.Errorf("reading %q: %w", j.art, err)
		}
		return nil
	})
}

// walkManifests reads what is below d, children first, each once.
func (p *pusher) walkManifests(ctx context.Context, j *job, d Descriptor, depth int) error {
	if depth > 4 {
		return fmt.Errorf("index %s is nested too deeply", d.Digest)
	}
	if slices.ContainsFunc(j.manifests, func(m manifestJob) bool { return m.desc.Digest == d.Digest }) {
		return nil
	}
	raw, err := p.src.ReadManifest(ctx, j.art, d)
	if err != nil {
		return err
	}
	node, err := ParseManifest(raw, d.MediaType)
	if err != nil {
		return err
	}
	for _, child := range node.Manifests {
		if err := p.walkManifests(ctx, j, child, depth+1); err != nil {
			return err
		}
	}
	j.blobs = append(j.blobs, node.Blobs...)
	j.manifests = append(j.manifests, manifestJob{d, raw})
	return nil
}

// pushManifests puts children first and the tags after everything else.
func (p *pusher) pushManifests(ctx context.Context) error {
	todo := slices.DeleteFunc(slices.Clone(p.jobs), func(j *job) bool { return j.present })
	err := forEach(ctx, p.opts.Concurrency, len(todo), func(ctx context.Context, i int) error {
		j := todo[i]
		for _, m := range j.manifests[:len(j.manifests)-1] {
			at := j.dst
			at.Tag, at.Digest = "", m.desc.Digest
			if err := p.dst.PutManifest(ctx, at, m.desc.MediaType, m.raw); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return forEach(ctx, p.opts.Concurrency, len(todo), func(ctx context.Context, i int) error {
		j := todo[i]
		top := j.manifests[len(j.manifests)-1]
		if err := p.dst.PutManifest(ctx, p.targetRef(j), top.desc.MediaType, top.raw); err != nil {
			return err
		}
		j.done = true
		p.opts.Progress.Emit(Event{Kind: EventArtifact, Subject: j.dst.String()})
		return nil
	})
}

func (p *pusher) buildReceipt() Receipt {
	r := Receipt{APIVersion: "upgrade.aistor.dev/v1alpha1", Kind: "PushReceipt", Registry: p.reg, DryRun: p.opts.DryRun}
	for _, j := range p.jobs {
		it := j.item
		it.Replaced, it.Within = j.replaced, j.containingIndex
		switch {
		case j.present:
			it.Outcome = OutcomePresent
		case j.done:
			it.Outcome = OutcomePushed
		default:
			it.Outcome = OutcomeMissing
		}
		r.Artifacts = append(r.Artifacts, it)
	}
	return r
}
