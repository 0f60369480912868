package bundle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart/charttest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// dockerArchive makes what skopeo's docker-archive: leaves: no tag, and links
// for old readers.
func dockerArchive(t testing.TB, layers ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	put := func(h *tar.Header, b []byte) {
		h.Size, h.Mode = int64(len(b)), 0o644
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	var ids, names []string
	for _, l := range layers {
		id := images.DigestOf(l)
		name := strings.TrimPrefix(id, "sha256:") + ".tar"
		put(&tar.Header{Name: name}, l)
		put(&tar.Header{Name: "old/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil)
		ids, names = append(ids, id), append(names, name)
	}
	cfg, _ := json.Marshal(map[string]any{"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	put(&tar.Header{Name: "config.json"}, cfg)
	m, _ := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{}, "Layers": names}})
	put(&tar.Header{Name: "manifest.json"}, m)
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFolderIsPushed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := registrytest.NewLayer(1, 9000)
	writeFile(t, filepath.Join(dir, "aistor-minio-sidecar-RELEASE.2026-01-02T03-04-05Z.tar"), dockerArchive(t, base, registrytest.NewLayer(2, 777)))
	writeFile(t, filepath.Join(dir, "aistor-warp-v1.5.0.tar"), dockerArchive(t, base))
	writeFile(t, filepath.Join(dir, "mine.tar"), dockerArchive(t, registrytest.NewLayer(3, 50)))
	writeFile(t, filepath.Join(dir, "aistor-operator-5.10.0.tgz"), charttest.Archive(t, "aistor-operator", "5.10.0", nil))
	writeFile(t, filepath.Join(dir, "notes.txt"), []byte("hello"))
	f, err := OpenFolder(dir, FolderOptions{As: map[string]images.Ref{"mine.tar": mustParseRef(t, "quay.io/minio/aistor/mc:v9")}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	checkFolderReads(t, f, dir)
	dst := registrytest.NewServer(t)
	c := newClient(t, dst)
	m := images.Mirror{Registry: dst.Host}
	if _, err := images.Push(t.Context(), f, c, m, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"/aistor/minio-sidecar:RELEASE.2026-01-02T03-04-05Z", "/aistor/warp:v1.5.0", "/aistor/mc:v9", "/charts/aistor-operator:5.10.0",
	} {
		if _, ok, err := c.Find(t.Context(), mustParseRef(t, dst.Host+name)); !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if !dst.HasBlob("aistor/warp", images.DigestOf(base)) {
		t.Error("a layer is not under its diff ID")
	}
	dst.ResetLog()
	again, err := images.Push(t.Context(), f, c, m, images.PushOptions{})
	if err != nil || again.PushedCount() != 0 || dst.CountRequests(".") != 4 {
		t.Errorf("second push: %v, %v", err, dst.RequestLog())
	}
}

func TestOpenFolderRefuses(t *testing.T) {
	t.Parallel()
	good := dockerArchive(t, []byte("x"))
	tests := map[string]struct {
		file string
		data []byte
		text string
	}{
		"a name that says nothing": {"image.tar", good, "--as image.tar=REF"},
		"a name without a tag":     {"aistor-minio.tar", good, "aistor-IMAGE-TAG"},
		"no archive":               {"aistor-mc-v1.tar", []byte("hello"), "reading archive"},
		"half an archive":          {"aistor-mc-v1.tar", good[:700], "reading archive"},
		"an archive of other sort": {"aistor-mc-v1.tar", writeTar(t, &tar.Header{Name: "x", Size: 1}), "not a docker-archive"},
		"nothing at all":           {"readme", nil, "no image archive"},
		"no chart":                 {"aistor-1.0.0.tgz", []byte("hello"), "reading chart"},
		"a compressed layer":       {"aistor-mc-v1.tar", dockerArchive(t, []byte("\x1f\x8b but named otherwise")), "is compressed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, tt.file), tt.data)
			if _, err := OpenFolder(dir, FolderOptions{}); err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want %q", err, tt.text)
			}
		})
	}
}

// checkFolderReads checks a directory as the verbs check a bundle.
func checkFolderReads(t *testing.T, f *Folder, dir string) {
	t.Helper()
	var names []string
	for _, e := range f.Images() {
		names = append(names, e.Ref.String())
	}
	want := []string{
		"quay.io/minio/aistor/mc:v9", "quay.io/minio/aistor/minio-sidecar:RELEASE.2026-01-02T03-04-05Z", "quay.io/minio/aistor/warp:v1.5.0",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	chart, err := f.Chart("aistor-operator", "")
	if err != nil || !bytes.Equal(chart, readFile(t, filepath.Join(dir, "aistor-operator-5.10.0.tgz"))) {
		t.Errorf("the chart is not the file: %v", err)
	}
	again, err := OpenFolder(dir, FolderOptions{As: map[string]images.Ref{"mine.tar": mustParseRef(t, "quay.io/minio/aistor/mc:v9")}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	other, err := OpenFolder(dir, FolderOptions{As: map[string]images.Ref{"mine.tar": mustParseRef(t, "quay.io/minio/aistor/mc:v10")}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if f.Digest() != again.Digest() || f.Digest() == other.Digest() {
		t.Errorf("digests %s, %s of the same, %s of another", f.Digest(), again.Digest(), other.Digest())
	}
}
