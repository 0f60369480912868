package values

import "github.com/aymanbagabas/go-udiff"

// Diff is the unified diff between two states of one file; "" where they are
// the same.
func Diff(old, new []byte, name string) string {
	return udiff.Unified("a/"+name, "b/"+name, string(old), string(new))
}
