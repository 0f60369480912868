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

func BenchmarkSessionRender(b *testing.B) {
	s := published(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	for b.Loop() {
		if _, err := s.Render(chart.RenderOptions{Shared: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionFiles(b *testing.B) {
	s := published(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	for b.Loop() {
		if _, err := s.Files(chart.RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionSame(b *testing.B) {
	s := published(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	files, err := s.Files(chart.RenderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s.Same(chart.RenderOptions{Values: map[string]any{"labels": map[string]any{"a": "b"}}}, files) {
			b.Fatal("a label changes nothing")
		}
	}
}
