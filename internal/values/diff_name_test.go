package values

import (
	"strings"
	"testing"
)

func TestNameOfAFileStartsNoLineOfItsDiff(t *testing.T) {
	t.Parallel()
	diff := UnifiedDiff([]byte("a: 1\n"), []byte("a: 2\n"), "ev\nhint: run this\x1b[31m.yaml")
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "hint:") || strings.Contains(line, "\x1b") {
			t.Errorf("a line of the name's own: %q", line)
		}
	}
}
