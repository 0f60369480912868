package values_test

import (
	"fmt"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// mostRenders is what rewriting may take for one chart, however much the chart
// renders and the values hold.
const mostRenders = 8

// manyWorkloads is a chart of n workloads, whose pods take no pull secret, each
// with an image from the repository "aistor" and one that is in the values.
func manyWorkloads(n int, rendered *int) values.Input {
	user := map[string]any{"repositories": map[string]any{"aistor": map[string]any{"hostname": "quay.io"}}, "extra": map[string]any{}}
	for i := range n {
		user["extra"].(map[string]any)[fmt.Sprint("k", i)] = fmt.Sprintf("quay.io/x/y%d:1", i)
		user["repositories"].(map[string]any)[fmt.Sprint("own", i)] = map[string]any{"pathPrefix": "x/"}
	}
	in := values.Input{ChartName: "aistor-operator", ChartVersion: "5.10.0", Values: user, Mirror: images.Mirror{Registry: "registry.example.com"}, PullSecret: "pull"}
	in.Render = func(v map[string]any) ([]images.Object, error) {
		*rendered++
		var out []images.Object
		host := values.GetString(v, "repositories", "aistor", "hostname")
		if host == "" {
			host = "quay.io"
		}
		prefix := values.GetString(v, "repositories", "aistor", "pathPrefix")
		for i := range n {
			out = append(out, images.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": fmt.Sprint("d", i)},
				"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
					map[string]any{"name": "a", "image": host + "/" + prefix + "operator:1"},
					map[string]any{"name": "b", "image": values.GetString(v, "extra", fmt.Sprint("k", i))},
				}}}}})
		}
		return out, nil
	}
	return in
}

func TestRewritingRendersAFewTimesHoweverMuchThereIs(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 300} {
		rendered := 0
		out, err := values.Rewrite(manyWorkloads(n, &rendered))
		if err != nil || len(out.Unresolved) > 0 {
			t.Fatalf("%d workloads: %v, unresolved %v", n, err, out)
		}
		if rendered > mostRenders {
			t.Errorf("%d workloads: rendered %d times, at most %d are expected", n, rendered, mostRenders)
		}
	}
}

// BenchmarkRewrite rewrites the values of charts of different sizes; ns/element
// is to stay the same.
func BenchmarkRewrite(b *testing.B) {
	for _, n := range []int{500, 2_000, 6_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rendered := 0
			in := manyWorkloads(n, &rendered)
			for b.Loop() {
				if _, err := values.Rewrite(in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
		})
	}
}
