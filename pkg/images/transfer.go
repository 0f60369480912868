package images

import (
	"context"
	"io"
)

// Descriptor names content by digest, with what is needed to fetch and store
// it. It is the part of an OCI descriptor that transfers use.
type Descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
	// Platform is "os/arch[/variant]", empty where the descriptor names none.
	Platform string `json:"-"`
}

// Fetcher reads images by reference. A registry client is one.
type Fetcher interface {
	// Manifest returns the manifest r names, byte for byte, with its media
	// type and descriptor. The bytes were checked against the digest.
	Manifest(ctx context.Context, r Ref) ([]byte, string, Descriptor, error)
	// OpenBlob streams a blob of r's repository from an offset, with the
	// number of bytes that are to follow (-1 where that is not known). The
	// bytes are not checked: only the reader of all of them can.
	OpenBlob(ctx context.Context, repo Ref, digest string, from int64) (io.ReadCloser, int64, error)
	// Find looks whether r exists and what it points to. Absence, also of the
	// whole repository, is false without an error.
	Find(ctx context.Context, r Ref) (Descriptor, bool, error)
	// Referrers lists what names the manifest digest of repo as its subject.
	Referrers(ctx context.Context, repo Ref, digest string) ([]Descriptor, error)
}

// ArtifactKind says what one entry of a transfer is.
type ArtifactKind string

// The kinds of artifacts, in the order they are listed in a bundle.
const (
	ArtifactImage    ArtifactKind = "image"
	ArtifactReferrer ArtifactKind = "referrer"
	ArtifactChart    ArtifactKind = "chart"
	ArtifactBundle   ArtifactKind = "bundle"
)

// Artifact is one thing to transfer: an image, what belongs to one, a chart, or
// the bundle's own manifest.
type Artifact struct {
	Kind ArtifactKind
	// Ref is where an image or a referrer came from. It is zero for other
	// kinds.
	Ref Ref
	// Subject is the digest of what a referrer belongs to.
	Subject string
	// Name and Version name a chart, and the tag of a bundle's manifest.
	Name, Version string
	// Desc is the top manifest or index.
	Desc Descriptor
}

// String names the artifact in messages.
func (a Artifact) String() string {
	if !a.Ref.IsZero() {
		return a.Ref.String()
	}
	return string(a.Kind) + " " + a.Name + ":" + a.Version
}

// Source is where a transfer reads: a bundle, or another registry. All methods
// are safe for concurrent use.
type Source interface {
	// Artifacts lists what there is, in a stable order.
	Artifacts() []Artifact
	// ReadManifest returns a manifest of a by digest, checked, with its media
	// type.
	ReadManifest(ctx context.Context, a Artifact, d Descriptor) ([]byte, error)
	// OpenBlob streams a blob of a from an offset, unchecked.
	OpenBlob(ctx context.Context, a Artifact, digest string, from int64) (io.ReadCloser, error)
	// HoldsBlob reports whether the source holds the blob itself. A difference
	// bundle assumes some blobs on the airgapped side instead; these are proved to
	// be there before anything is written.
	HoldsBlob(digest string) bool
}

// RegistrySource is a Source that reads from a registry. Where the target is the same
// registry, blobs are linked instead of being sent through this machine.
type RegistrySource interface {
	Source
	// SourceRepository is the repository that an artifact's blobs are read from.
	SourceRepository(a Artifact) Ref
}

// Outcome says how a blob came to be in its repository.
type Outcome string

// The outcomes of a blob or artifact.
const (
	// OutcomePresent was there already.
	OutcomePresent Outcome = "present"
	// OutcomeMounted was linked from another repository of the registry.
	OutcomeMounted Outcome = "mounted"
	// OutcomePushed was sent.
	OutcomePushed Outcome = "pushed"
	// OutcomeMissing would be sent; only a dry run says so.
	OutcomeMissing Outcome = "missing"
)

// Target is where a transfer writes: a registry. All methods are safe for
// concurrent use.
type Target interface {
	// HeadManifest looks whether ref exists and what it points to. Absence,
	// also of the whole repository, is false without an error.
	HeadManifest(ctx context.Context, ref Ref) (Descriptor, bool, error)
	// Manifest returns what ref points to, as a Fetcher does.
	Manifest(ctx context.Context, ref Ref) ([]byte, string, Descriptor, error)
	// HasBlob reports whether the repository already holds the blob.
	HasBlob(ctx context.Context, repo Ref, digest string) (bool, error)
	// PushBlob puts one blob into a repository: it tries to mount it from the
	// named repositories of the same registry, in order, and else reads it
	// with open. It may call open several times.
	PushBlob(ctx context.Context, repo Ref, d Descriptor, open func(from int64) (io.ReadCloser, error), mountFrom []string) (Outcome, error)
	// ListReferrers lists what names the manifest digest of repo as its
	// subject, as a Fetcher does, but in the target itself.
	ListReferrers(ctx context.Context, repo Ref, digest string) ([]Descriptor, error)
	// PutManifest stores raw under ref's tag, or under its digest.
	PutManifest(ctx context.Context, ref Ref, mediaType string, raw []byte) error
}

// EventKind tells the events of a transfer apart.
type EventKind int

// The events of a transfer.
const (
	// EventTotal sets the bytes that the transfer handles in all.
	EventTotal EventKind = iota
	// EventMoved adds bytes that were sent or fetched. Bytes is negative where
	// a retry takes back what did not count.
	EventMoved
	// EventSkipped adds bytes that need not move: present, mounted, or kept
	// from an earlier run.
	EventSkipped
	// EventArtifact says that the artifact named by Subject is complete.
	EventArtifact
	// EventRetry says that Subject is tried again because of Err.
	EventRetry
)

// Event is one step of a transfer.
type Event struct {
	Kind    EventKind
	Subject string
	Bytes   int64
	Err     error
}

// Progress receives the events of a transfer, from several goroutines at once
// and many times a second: it must be quick and safe for concurrent use. The
// zero value, nil, receives nothing.
type Progress func(Event)

// Emit sends e, if anybody listens.
func (p Progress) Emit(e Event) {
	if p != nil {
		p(e)
	}
}
