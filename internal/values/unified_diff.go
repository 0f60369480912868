package values

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// UnifiedDiff is the unified diff between two states of one file; "" where they are
// the same. Its header names the file as git does: a/tmp/x for /tmp/x too.
func UnifiedDiff(old, new []byte, name string) string {
	name = message.Line(strings.TrimPrefix(name, "/"))
	return udiff.Unified("a/"+name, "b/"+name, string(old), string(new))
}
