package images

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// TagConflictError says that a tag in the private registry already points to
// something else. Nothing was pushed.
type TagConflictError struct {
	Ref Ref
	// Received is what the tag points to, Want what was to be pushed.
	Received, Expected string
}

// Error implements error.
func (e *TagConflictError) Error() string {
	return message.Sprintf("pushing %q: the tag already points to another digest\nreceived: %s\nexpected: %s", e.Ref, e.Received, e.Expected)
}

// Lines implements [message.Liner].
func (e *TagConflictError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names what helps.
func (e *TagConflictError) Hint() string {
	return "check the existing tag before replacing it with --overwrite-tag"
}

// NameError says that an artifact would go where no registry can have it.
type NameError struct{ Ref Ref }

// Error implements error.
func (e *NameError) Error() string {
	return fmt.Sprintf("pushing %q: invalid repository name or tag", e.Ref)
}

// Hint names what helps.
func (e *NameError) Hint() string {
	return "repositories are lower-case letters and digits between single . _ - and /; check --prefix, --map and --charts"
}

// AssumedError says that a difference bundle counts on a blob that its
// repository does not hold. Nothing was pushed.
type AssumedError struct {
	Repo   Ref
	Digest string
}

// Error implements error.
func (e *AssumedError) Error() string {
	return fmt.Sprintf("pushing to %q: blob %s is neither in the bundle nor in the registry", e.Repo.Name(), e.Digest)
}

// Hint names what helps.
func (e *AssumedError) Hint() string {
	return "push a full bundle, created without --difference"
}
