package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// errNotFound is wrapped where something is requested by name or digest that
// is not carried.
var errNotFound = errors.New("not found")

// FormatError says that a file is not a bundle, or one that was changed. Offset is
// where in the file that shows.
type FormatError struct {
	Path   string
	Offset int64
	Reason string
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.isRemote() {
		return fmt.Sprintf("opening bundle %q: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("opening bundle %q: at byte %d: %s", e.Path, e.Offset, e.Reason)
}

// Hint names what helps.
func (e *FormatError) Hint() string {
	if e.isRemote() {
		return "check who moved the tag; push the file with --overwrite-tag to restore it"
	}
	return "copy the file again and compare its sha256 on both sides"
}

// isRemote reports whether the bundle is in a registry: there is not a file then.
func (e *FormatError) isRemote() bool { return strings.HasPrefix(e.Path, "oci://") }

// MissingPartError says that not all parts of a bundle are there.
type MissingPartError struct {
	Path string
	// Of is how many parts there are, 0 where no part says so.
	Part, Total int
}

// Error implements error.
func (e *MissingPartError) Error() string {
	if e.Total == 0 {
		return fmt.Sprintf("opening bundle %q: part %d is missing", e.Path, e.Part)
	}
	return fmt.Sprintf("opening bundle %q: part %d of %d is missing", e.Path, e.Part, e.Total)
}

// Hint names what helps.
func (e *MissingPartError) Hint() string {
	return fmt.Sprintf("put all parts into one directory; check them with: sha256sum -c %s.SHA256SUMS", filepath.Base(e.Path))
}

// PartialError says that a bundle was not completed.
type PartialError struct{ Path string }

// Error implements error.
func (e *PartialError) Error() string {
	return fmt.Sprintf("opening bundle %q: it is not complete", e.Path)
}

// Hint names what helps.
func (e *PartialError) Hint() string { return "rerun the same bundle create command to resume" }

// TooNewError says that a bundle needs a newer reader.
type TooNewError struct {
	Need int
	Tool string
}

// Error implements error.
func (e *TooNewError) Error() string {
	return fmt.Sprintf("opening bundle: created by %s with format %d; this version reads up to format %d", e.Tool, e.Need, readerVersion)
}

// Hint names what helps.
func (e *TooNewError) Hint() string { return "use the version that created the bundle, or a newer one" }

// ChangedError says that a rerun of create would make another bundle than the
// one that was begun.
type ChangedError struct {
	Path string
	// Subject is the image that moved or the input that differs.
	Subject string
	// Received and Want are digests, where Subject is an image.
	Received, Expected string
}

// Error implements error.
func (e *ChangedError) Error() string {
	if e.Expected != "" {
		return message.Sprintf("resuming bundle %q: %s changed since the first run\nreceived: %s\nexpected: %s", e.Path, e.Subject, e.Received, e.Expected)
	}
	return message.Sprintf("resuming bundle %q: %s changed since the first run", e.Path, e.Subject)
}

// Lines implements [message.Liner].
func (e *ChangedError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names what helps.
func (e *ChangedError) Hint() string { return "add --restart to start again with the current content" }

// SpaceError says that the bundle does not fit.
type SpaceError struct {
	Path                string
	Required, Available int64
}

// Error implements error.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("creating bundle %q: it needs %d bytes, %d are free", e.Path, e.Required, e.Available)
}

// Hint names what helps.
func (e *SpaceError) Hint() string { return "choose another directory, or fewer platforms or images" }

// FileSizeError says that the file system takes no file as large as the bundle.
type FileSizeError struct {
	Path string
	Size int64
}

// Error implements error.
func (e *FileSizeError) Error() string {
	return fmt.Sprintf("creating bundle %q: the file system does not support files of %d bytes", e.Path, e.Size)
}

// Hint names what helps.
func (e *FileSizeError) Hint() string {
	return "use --part-size 2GB to write parts"
}

// TargetError says that a bundle cannot be written where it was asked for.
// Nothing was fetched.
type TargetError struct {
	Path, Reason string
	hint         string
}

// Error implements error.
func (e *TargetError) Error() string { return fmt.Sprintf("creating bundle %q: %s", e.Path, e.Reason) }

// Hint names what helps.
func (e *TargetError) Hint() string { return e.hint }

// BusyError says that another process is making the same bundle.
type BusyError struct{ Path string }

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("creating bundle %q: another bundle create is writing it", e.Path)
}

// Hint names what helps.
func (e *BusyError) Hint() string {
	return "wait for it or stop it, then rerun the same command to resume"
}

// Problem is one thing that [Bundle.Verify] found.
type Problem struct {
	// Subject names the images or charts that need the blob, Digest the blob.
	Subject []string `json:"subject,omitempty"`
	Digest  string   `json:"digest,omitempty"`
	// File is the bundle, or the part of it, that the problem is in.
	File string `json:"file,omitempty"`
	// Offset is where in File the blob or the difference begins.
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}
