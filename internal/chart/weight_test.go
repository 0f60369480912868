package chart

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart/charttest"
)

func TestWeightOfARecordNamesWhatIsHeavy(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 900<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	files := map[string]string{
		"templates/a.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {big: {{ .Values.big | quote }}}}",
	}
	opts := RenderOptions{ReleaseName: "r", Namespace: "n", Revision: 2, Values: map[string]any{"big": strings.Repeat("x", 1<<20)}}
	weigh := func() RecordSize {
		c, err := LoadData(charttest.Archive(t, "c", "1.0.0", files))
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Render(opts)
		if err != nil {
			t.Fatal(err)
		}
		w, err := c.RecordSize(opts, out)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := weigh(); w.Bytes > 20<<10 || w.LargestParts != nil {
		t.Errorf("a megabyte of the same letter weighs %d, named %v", w.Bytes, w.LargestParts)
	}
	files["stray.bin"] = string(noise)
	w := weigh()
	if w.Bytes < 1<<20 {
		t.Errorf("%d bytes of noise weigh only %d", len(noise), w.Bytes)
	}
	if len(w.LargestParts) != maxNamedParts || w.LargestParts[0].Name != "stray.bin" || w.LargestParts[0].Bytes < 1<<20 {
		t.Errorf("named as heaviest: %v", w.LargestParts)
	}
}
