package planinput_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// valuesShape is a kind of values file with n settings.
type valuesShape struct {
	name string
	text func(n int) string
}

// largeValues are values of n settings, each kind something that some part of
// the work could compare with all others.
var largeValues = []valuesShape{
	{"unknown", func(n int) string { return repeated(n, "key%d: value%[1]d\n") }},
	{"mistyped", func(n int) string { return "repositorys:\n" + repeated(n, "  aistor%d: {hostnam: r.example.com}\n") }},
	{"annotations", func(n int) string { return "annotations:\n" + repeated(n, "  example.com/a%d: \"v%[1]d\"\n") }},
	{"images", func(n int) string { return "note:\n" + repeated(n, "  i%d: quay.io/minio/aistor/minio:v%[1]d\n") }},
	{"tolerations", func(n int) string { return "tolerations:\n" + repeated(n, "- {key: k%d, operator: Exists}\n") }},
	{"numbers", func(n int) string { return "note:\n" + repeated(n, "  p%d: {password: %[1]d}\n") }},
}

func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// perElement reports the time of one element, which is to stay the same.
func perElement(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
}

var elements = []int{5_000, 20_000}

func largeRequest(b *testing.B, text string) planinput.Request {
	b.Helper()
	v, err := chart.ParseValues([]byte(text))
	if err != nil {
		b.Fatal(err)
	}
	c, err := chart.Load("../cli/testdata/values/operator-5.10.0")
	if err != nil {
		b.Fatal(err)
	}
	return planinput.Request{
		Facts: &plan.Facts{Operator: &plan.InstalledRelease{
			Namespace: "aistor", Name: "aistor", Chart: aistor.OperatorChart, Version: "5.6.4", Status: "deployed", Revision: 1, Values: v,
		}},
		Charts:   []planinput.BundleChart{{Chart: c}},
		Registry: plan.SiteRegistry{PullSecret: plan.PullSecretNone, References: plan.ReferencesKeep},
		Options:  plan.Options{RecreateBindings: true},
		Operator: planinput.Values{Files: []string{"v.yaml"}, UserValues: v, Sources: []values.Source{{Name: "v.yaml", Data: []byte(text)}}},
	}
}

// BenchmarkGather makes what a plan is decided from out of a large values file.
func BenchmarkGather(b *testing.B) {
	eachShape(b, func(b *testing.B, text string) {
		r := largeRequest(b, text)
		r.Registry.Registry, r.Registry.References = "registry.example.com", ""
		for b.Loop() {
			if _, err := planinput.Gather(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkExplain says what each of many settings does that mean nothing. Those
// that do something are rendered without each, for as long as a plan has time.
func BenchmarkExplain(b *testing.B) {
	shapes(b, largeValues[:2], func(b *testing.B, text string) {
		r := largeRequest(b, text)
		in, err := planinput.Gather(r)
		if err != nil {
			b.Fatal(err)
		}
		c := r.Charts[0].Chart
		for b.Loop() {
			if err := planinput.ExplainChanges(b.Context(), &in, r.Charts, func(string) *chart.Chart { return c }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCheckFinal looks for values that are not final, of which there are
// many where n credentials are numbers.
func BenchmarkCheckFinal(b *testing.B) {
	eachShape(b, func(b *testing.B, text string) {
		in := valuecheck.Input{Values: largeRequest(b, text).Operator.UserValues, Sources: []values.Source{{Name: "v.yaml", Data: []byte(text)}}}
		for b.Loop() {
			valuecheck.Check(in)
			valuecheck.CredentialsNotText(in)
		}
	})
}

func eachShape(b *testing.B, run func(b *testing.B, text string)) { shapes(b, largeValues, run) }

func shapes(b *testing.B, list []valuesShape, run func(b *testing.B, text string)) {
	for _, shape := range list {
		for _, n := range elements {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				run(b, shape.text(n))
				perElement(b, n)
			})
		}
	}
}
