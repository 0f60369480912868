package values_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// shapes are values files whose size is n, each of a kind that some part of the
// work could take more than n steps for.
var shapes = []struct {
	name string
	text func(n int) string
	// path is a setting that is changed in the file.
	path values.Path
}{
	{"flat", func(n int) string { return lines(n, "key%d: value%[1]d\n") }, values.Path{"key7"}},
	{"annotations", func(n int) string { return "podAnnotations:\n" + lines(n, "  example.com/a%d: \"v%[1]d\"\n") }, values.Path{"podAnnotations", "example.com/a7"}},
	{"one line", func(n int) string { return "podAnnotations: {" + lines(n, "a%d: \"v%[1]d\", ") + "}\n" }, values.Path{"podAnnotations", "a7"}},
	{"nested", func(n int) string {
		return lines(n/10, "group%d:\n  k0: v\n  k1: v\n  k2: v\n  k3: v\n  k4: v\n  k5: v\n  k6: v\n  k7: v\n  k8: v\n")
	}, values.Path{"group7", "k3"}},
	{"list", func(n int) string { return "tolerations:\n" + lines(n/2, "- key: k%d\n  operator: Exists\n") }, values.Path{"tolerations", "7", "key"}},
	{"comments", func(n int) string { return lines(n, "# comment %d\n") + "replicas: one\n" }, values.Path{"replicas"}},
	{"long text", func(n int) string { return "note: |\n" + lines(n, "  line %d\n") + "replicas: one\n" }, values.Path{"replicas"}},
	{"long string", func(n int) string {
		return "note: \"" + strings.Repeat("twenty characters   ", n) + "\"\nreplicas: one\n"
	}, values.Path{"replicas"}},
	{"aliases", func(n int) string { return "base: &b {a: 1}\nreplicas: one\n" + lines(n, "k%d: *b\n") }, values.Path{"replicas"}},
}

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

var sizes = []int{5_000, 20_000, 60_000}

// BenchmarkApply changes one setting in files of different sizes; ns/element is
// to stay the same.
func BenchmarkApply(b *testing.B) {
	for _, shape := range shapes {
		for _, n := range sizes {
			src := []byte(shape.text(n))
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				for b.Loop() {
					out, err := values.Apply(src, []values.Edit{{Path: shape.path, Value: "changed"}})
					if err != nil || len(out) == 0 {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
			})
		}
	}
}

// BenchmarkApplyMany changes every tenth setting.
func BenchmarkApplyMany(b *testing.B) {
	for _, n := range sizes {
		src := []byte(lines(n, "key%d: quay.io/minio/image:%[1]d\n"))
		var edits []values.Edit
		for i := 0; i < n; i += 10 {
			edits = append(edits, values.Edit{Path: values.Path{fmt.Sprint("key", i)}, Value: "registry.example.com/image:" + fmt.Sprint(i)})
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := values.Apply(src, edits); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
		})
	}
}
