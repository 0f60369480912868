package redact

import (
	"os"
	"strings"
	"testing"
)

func BenchmarkText(b *testing.B) {
	lines, err := os.ReadFile("testdata/readable.txt")
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat(string(lines), 1<<20/len(lines))
	r := New()
	r.AddValue("planted-value", "another-planted-value", strings.Repeat("long", 100))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Text(text)
	}
}
