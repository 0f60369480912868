package chart_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

func BenchmarkRender(b *testing.B) {
	c := published(b, "aistor-operator", "5.10.0")
	for b.Loop() {
		if _, err := c.Render(chart.RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderText(b *testing.B) {
	c := published(b, "aistor-operator", "5.10.0")
	for b.Loop() {
		if _, err := c.RenderText(chart.RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
