package images

// Receipt is what a push leaves as evidence: where everything went.
type Receipt struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Registry   string `json:"registry"`
	DryRun     bool   `json:"dryRun,omitempty"`
	// Tool and Time say who made the receipt and when, in RFC 3339. [Push]
	// leaves both empty: it has no clock.
	Tool      string        `json:"tool,omitempty"`
	Time      string        `json:"time,omitempty"`
	Artifacts []ReceiptItem `json:"artifacts"`
}

// ReceiptItem is one artifact of a push.
type ReceiptItem struct {
	Kind ArtifactKind `json:"kind"`
	// Source is the original reference of an image, or name:version.
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Digest      string `json:"digest"`
	// Outcome is present, pushed, or in a dry run missing.
	Outcome Outcome `json:"outcome"`
	// Within is the index the tag points to, where the artifact was found as a
	// part of it and so was left there.
	Within string `json:"within,omitempty"`
	// Replaced is the digest the tag pointed to before, where it was
	// overwritten.
	Replaced string `json:"replaced,omitempty"`
	// Bytes of blobs by what became of them. A blob that several artifacts of
	// one repository share is counted for the first.
	BytesSent    int64 `json:"bytesSent"`
	BytesMounted int64 `json:"bytesMounted,omitempty"`
	BytesPresent int64 `json:"bytesPresent,omitempty"`
}

// BytesSent is the number of bytes of blobs that were sent in all.
func (r Receipt) BytesSent() int64 {
	var n int64
	for _, a := range r.Artifacts {
		n += a.BytesSent
	}
	return n
}

// PushedCount counts the artifacts that were not there before.
func (r Receipt) PushedCount() int {
	n := 0
	for _, a := range r.Artifacts {
		if a.Outcome != OutcomePresent {
			n++
		}
	}
	return n
}
