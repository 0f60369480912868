package cli_test

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// dockerArchive fills a directory with archives as they are saved manually: no tag
// inside, and a link beside the layer.
func dockerArchive(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range names {
		layer := registrytest.NewLayer(uint64(100+i), 3000)
		config, err := json.Marshal(map[string]any{
			"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": []string{images.DigestOf(layer)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		manifest := []byte(`[{"Config":"config.json","RepoTags":[],"Layers":["layer.tar"]}]`)
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for _, f := range []struct {
			name string
			data []byte
			link string
		}{{"layer.tar", layer, ""}, {"old/layer.tar", nil, "../layer.tar"}, {"config.json", config, ""}, {"manifest.json", manifest, ""}} {
			h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o644}
			if f.link != "" {
				h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(f.data); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// chartRepositoryServer is a chart repository over https: an index at one host, archives
// at a second that redirects to a third.
type chartRepositoryServer struct{ url, ca, host, archives, storage string }

func chartRepository(t *testing.T, s *site) chartRepositoryServer {
	t.Helper()
	serve := func(h http.Handler) *httptest.Server {
		srv := httptest.NewTLSServer(h)
		t.Cleanup(srv.Close)
		return srv
	}
	files := http.FileServer(http.Dir(s.dir))
	storage, srv := serve(files), serve(files)
	archives := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, storage.URL+r.URL.Path, http.StatusFound)
	}))
	index := "apiVersion: v1\nentries:\n"
	for name, version := range map[string]string{"aistor-operator": "5.10.0", "aistor-objectstore": "1.0.16"} {
		file := name + "-" + version + ".tgz"
		b, err := os.ReadFile(s.filePath(file))
		if err != nil {
			t.Fatal(err)
		}
		index += fmt.Sprintf("  %s:\n  - apiVersion: v2\n    name: %s\n    version: %s\n    digest: %x\n    urls: [%s/%s]\n", name, name, version, sha256.Sum256(b), archives.URL, file)
	}
	s.writeFile("index.yaml", index)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	host := func(srv *httptest.Server) string { return strings.TrimPrefix(srv.URL, "https://") }
	return chartRepositoryServer{srv.URL, s.writeFile("charts-ca.pem", string(ca)), host(srv), host(archives), host(storage)}
}

// otherCA writes a certificate that signed nothing here.
func otherCA(t *testing.T, s *site) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return s.writeFile("other-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

// Between two places of one registry nothing has to come this way: what a test
// project has is linked into the one for production.
func TestCopyWithinARegistryLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	charts := s.connectedFlags("copy")
	r := s.runHelm("", append(charts, "--registry", s.upstream.Host, "--prefix", "test")...)
	if r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	layers := func() int { return s.upstream.CountRequests("GET .*/(cache|test)/.*blobs/") }
	if n := layers(); n > 1 { // the config that tells the platform
		t.Errorf("copy from a mirror in the same registry read %d blobs", n)
	}
	_, address, _ := strings.Cut(r.err, "--bundle ")
	s.upstream.ResetLog()
	r = s.runHelm("", "copy", "--bundle", strings.TrimSpace(address), "--registry", s.upstream.Host, "--prefix", "prod", "--registry-plain-http", s.upstream.Host)
	if r.code != 0 || !strings.Contains(r.out, "0 B uploaded") {
		t.Fatalf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	if n := layers(); n > 1 { // the bundle's manifest
		t.Errorf("copy of a pushed bundle within a registry read %d blobs:\n%s", n, strings.Join(s.upstream.RequestLog(), "\n"))
	}
}

func TestValuesNameWhatTheBundleDoesNotCarry(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := s.createBundle("a.bundle")
	for tag, want := range map[string]string{
		"v1": "all images (1) come from registry.example.com\n",
		"v2": "not in the bundle: registry.example.com/aistor/operator:v2\n  at    Pod/aistor-operator .spec.containers[0].image\n" +
			"  fix   push it to the registry, or include it: helm aistor bundle create --image SOURCE\n",
	} {
		values := s.writeFile(tag+".yaml", "image: registry.example.com/aistor/operator:"+tag+"\n")
		r := s.runHelm("", "values", "--operator", "-f", values, "--bundle", file, "--registry", "registry.example.com", "--pull-secret", "none")
		if r.code != term.ExitOK || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit %d\n%s", tag, r.code, r.err)
		}
		if n := strings.Contains(r.err, ", 1 of them not in the bundle"); n != (tag == "v2") {
			t.Errorf("%s ends with\n%s", tag, r.err)
		}
	}
}
