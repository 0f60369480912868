package bundle

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart/charttest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func noWait(context.Context, time.Duration) error { return nil }

func newClient(t testing.TB, s *registrytest.Server, change ...func(*registry.Options)) *registry.Client {
	t.Helper()
	o := registry.Options{PlainHTTP: []string{s.Host}, Wait: noWait}
	for _, c := range change {
		c(&o)
	}
	c, err := registry.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func chartFile(t testing.TB, name, version string) ChartFile {
	t.Helper()
	return ChartFile{
		Name: name, Version: version, AppVersion: "v1", File: name + "-" + version + ".tgz",
		Role: RoleOperator, Data: charttest.Archive(t, name, version, nil),
	}
}

// fixtureSite is a registry with a few images that share a layer.
type fixtureSite struct {
	*registrytest.Server
	spec Spec
}

// newSite fills a registry. Layers are of about size bytes.
func newSite(t testing.TB, size int, opts ...registrytest.Option) *fixtureSite {
	t.Helper()
	s := registrytest.NewServer(t, opts...)
	base := registrytest.NewLayer(1, size)
	both := []string{"linux/amd64", "linux/arm64"}
	s.AddIndex(t, "minio/aistor/operator", "RELEASE.A", both, base)
	s.AddIndex(t, "minio/aistor/minio", "RELEASE.B", both, base, registrytest.NewLayer(2, 2*size))
	s.AddImage(t, "minio/aistor/mc", "RELEASE.C", "linux/amd64", base, registrytest.NewLayer(3, size/2+7))
	out := &fixtureSite{Server: s}
	for _, name := range []string{"operator:RELEASE.A", "minio:RELEASE.B", "mc:RELEASE.C"} {
		out.spec.Images = append(out.spec.Images, images.Image{
			Ref:     mustParseRef(t, s.Host+"/minio/aistor/"+name),
			Reasons: []images.Reason{{Kind: images.KindDefault, Chart: "aistor-operator-5.10.0"}},
		})
	}
	out.spec.Tool = "test"
	out.spec.Charts = []ChartFile{chartFile(t, "aistor-operator", "5.10.0"), chartFile(t, "aistor-objectstore", "1.0.16+b1")}
	s.ResetLog()
	return out
}

func mustParseRef(t testing.TB, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// createBundle makes a bundle in a new directory and opens it.
func (s *fixtureSite) createBundle(t testing.TB, spec Spec) *Bundle {
	t.Helper()
	p := filepath.Join(t.TempDir(), "b.tar")
	if _, err := Create(t.Context(), p, spec, newClient(t, s.Server), CreateOptions{Wait: noWait}); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, p)
}

func mustOpen(t testing.TB, p string) *Bundle {
	t.Helper()
	b, err := Open(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func mustVerify(t testing.TB, b *Bundle) {
	t.Helper()
	problems, err := b.Verify(t.Context(), nil)
	if err != nil || len(problems) > 0 {
		t.Fatalf("Verify: %v, %v", problems, err)
	}
}

func readFile(t testing.TB, p string) []byte {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, p string, b []byte) {
	t.Helper()
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withPassword logs in to s.
func withPassword(s *registrytest.Server) func(*registry.Options) {
	return func(o *registry.Options) {
		o.Credentials = map[string]registry.Credential{s.Host: {Username: "u", Password: "p"}}
	}
}

// withPlainHTTP reaches s over plain http too.
func withPlainHTTP(s *registrytest.Server) func(*registry.Options) {
	return func(o *registry.Options) { o.PlainHTTP = append(o.PlainHTTP, s.Host) }
}
