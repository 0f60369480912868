package chart_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

func BenchmarkRender(b *testing.B) {
	c := loadPublished(b, "aistor-operator", "5.10.0")
	for b.Loop() {
		if _, err := c.Render(chart.RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionRender(b *testing.B) {
	s := loadPublished(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	for b.Loop() {
		if _, err := s.Render(chart.RenderOptions{Shared: true}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionFiles(b *testing.B) {
	s := loadPublished(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	for b.Loop() {
		if _, err := s.RenderFiles(chart.RenderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSessionSame(b *testing.B) {
	s := loadPublished(b, "aistor-operator", "5.10.0").Session(1)
	defer s.Close()
	files, err := s.RenderFiles(chart.RenderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s.RendersSame(chart.RenderOptions{Values: map[string]any{"labels": map[string]any{"a": "b"}}}, files) {
			b.Fatal("a label changes nothing")
		}
	}
}
