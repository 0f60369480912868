package images

import "fmt"

// TagConflictError says that a tag in the private registry already points to
// something else. Nothing was pushed.
type TagConflictError struct {
	Ref Ref
	// Have is what the tag points to, Want what was to be pushed.
	Have, Want string
}

// Error implements error.
func (e *TagConflictError) Error() string {
	return fmt.Sprintf("pushing %q: the tag already points to another digest\nreceived: %s\nexpected: %s", e.Ref, e.Have, e.Want)
}

// Hint names what helps.
func (e *TagConflictError) Hint() string {
	return "look at what is there before replacing it with --overwrite-tag"
}

// AssumedError says that a difference bundle counts on a blob that its
// repository does not hold. Nothing was pushed.
type AssumedError struct {
	Repo   Ref
	Digest string
}

// Error implements error.
func (e *AssumedError) Error() string {
	return fmt.Sprintf("pushing to %q: the bundle leaves out blob %s, which is not there", e.Repo.Name(), e.Digest)
}

// Hint names what helps.
func (e *AssumedError) Hint() string {
	return "push a bundle that carries everything, made without the site's list of present blobs"
}
