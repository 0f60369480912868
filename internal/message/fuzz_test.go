package message

import (
	"strings"
	"testing"
)

// FuzzLine puts text from outside on a line: it stays there, whatever it is.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nhint: b", "\x1b[31mred", "\u202eback", "\xff\xfe", "tab\there", "\r", "\u2028", `\n`, "zero\u200bwidth"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := Line(s)
		if !IsSafe(line) || Line(line) != line {
			t.Errorf("%q becomes %q", s, line)
		}
		if IsSafe(s) && line != s {
			t.Errorf("%q is safe, and becomes %q", s, line)
		}
		block := Block(s)
		if strings.Count(block, "\n") != strings.Count(s, "\n") || Block(block) != block {
			t.Errorf("the block %q becomes %q", s, block)
		}
		for l := range strings.Lines(block) {
			for cell := range strings.SplitSeq(strings.TrimRight(l, "\r\n"), "\t") {
				if !IsSafe(cell) {
					t.Errorf("the block %q has %q in it", s, cell)
				}
			}
		}
	})
}
