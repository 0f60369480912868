package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"strings"
	"testing"
)

// archived is a chart of these files below its folder.
func archived(t *testing.T, files map[string][]byte) *Chart {
	t.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	tw := tar.NewWriter(zw)
	for name, data := range files {
		if err := tw.WriteHeader(&tar.Header{Name: "c/" + name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := LoadData(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWeightOfARecordNamesWhatIsHeavy(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 900<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	files := map[string][]byte{
		"Chart.yaml":       []byte("{apiVersion: v2, name: c, version: 1.0.0}"),
		"templates/a.yaml": []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {big: {{ .Values.big | quote }}}}"),
	}
	opts := RenderOptions{ReleaseName: "r", Namespace: "n", Revision: 2, Values: map[string]any{"big": strings.Repeat("x", 1<<20)}}
	weigh := func() Weight {
		c := archived(t, files)
		out, err := c.Render(opts)
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.Weight(opts, out)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := weigh(); w.Bytes > 20<<10 || w.Parts != nil {
		t.Errorf("a megabyte of the same letter weighs %d, named %v", w.Bytes, w.Parts)
	}
	files["stray.bin"] = noise
	w := weigh()
	if w.Bytes < 1<<20 {
		t.Errorf("%d bytes of noise weigh only %d", len(noise), w.Bytes)
	}
	if len(w.Parts) != mostParts || w.Parts[0].Name != "stray.bin" || w.Parts[0].Bytes < 1<<20 {
		t.Errorf("named as heaviest: %v", w.Parts)
	}
}
