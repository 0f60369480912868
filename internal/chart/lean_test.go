package chart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// The shortened chart must render to the very bytes of the whole one.
func TestRenderingGivesTheBytesOfHelmsOwnEngine(t *testing.T) {
	t.Parallel()
	var paths []string
	if dir := os.Getenv("AISTOR_CHARTS"); dir != "" {
		paths, _ = filepath.Glob(filepath.Join(dir, "*.tgz"))
	}
	for _, path := range append(paths, "testdata/example") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			c, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			values := map[string]any{"secrets": map[string]any{"accessKey": "a-key", "secretKey": "a-secret"}}
			got, refused := c.tryRender(RenderOptions{Values: values})
			for name, text := range got {
				got[name] = c.stripped.restorePlainText(text)
			}
			full, err := chartutil.ToRenderValues(c.parsed, copyMap(values),
				chartutil.ReleaseOptions{Name: "release", Namespace: "default", Revision: 1, IsInstall: true},
				chartutil.DefaultCapabilities)
			if err != nil {
				t.Fatal(err)
			}
			want, err := engine.Render(c.parsed, full)
			if err != nil && refused != nil {
				return // a chart that needs more values, here as with Helm
			}
			if err != nil || refused != nil {
				t.Fatalf("Helm: %v, here: %v", err, refused)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rendered text (-helm +here):\n%.2000s", diff)
			}
			if len(c.stripped.texts) == 0 && filepath.Ext(path) == "" {
				t.Error("no stretch was taken out of the example chart: the test proves nothing")
			}
		})
	}
}
