package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart/charttest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
)

// site is a connected side with charts and images, and a private registry.
type site struct {
	t        *testing.T
	dir      string
	upstream *registrytest.Server
	private  *registrytest.Server
	env      map[string]string
}

// The images that the charts of a site ask for.
const (
	operatorImage = "quay.io/minio/aistor/operator:v1"
	minioImage    = "quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z"
	layerSize     = 40_000
)

func newSite(t *testing.T, private ...registrytest.Option) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), upstream: registrytest.NewServer(t), private: registrytest.NewServer(t, private...), env: map[string]string{}}
	base := registrytest.NewLayer(1, layerSize)
	s.upstream.AddImage(t, "cache/minio/aistor/operator", "v1", "linux/amd64", base, registrytest.NewLayer(2, layerSize))
	s.upstream.AddIndex(t, "cache/minio/aistor/minio", "RELEASE.2026-06-06T02-44-06Z", []string{"linux/amd64", "linux/arm64"}, base)
	s.writeFile("aistor-operator-5.10.0.tgz", string(chartArchive(t, "aistor-operator", "5.10.0", operatorImage)))
	s.writeFile("aistor-objectstore-1.0.16.tgz", string(chartArchive(t, "aistor-objectstore", "1.0.16", minioImage)))
	return s
}

func (s *site) filePath(name string) string { return filepath.Join(s.dir, name) }

func (s *site) writeFile(name, text string) string {
	s.t.Helper()
	if err := os.WriteFile(s.filePath(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.filePath(name)
}

// commandResult is how a verb ended.
type commandResult struct {
	code     int
	out, err string
}

// runHelm runs a verb of the Helm plugin.
func (s *site) runHelm(stdin string, args ...string) commandResult {
	s.t.Helper()
	streams, in, out, errOut := genericiooptions.NewTestIOStreams()
	in.WriteString(stdin)
	p := &term.Program{
		IOStreams: streams, Version: "0.0.0-test", Now: func() time.Time { return time.Unix(0, 0) },
		Getenv: func(k string) string { return s.env[k] },
	}
	code := p.Run(s.t.Context(), cli.NewHelm(p), args)
	return commandResult{code, out.String(), errOut.String()}
}

// mustRun runs a verb that has to succeed and gives its standard output.
func (s *site) mustRun(args ...string) string {
	s.t.Helper()
	r := s.runHelm("", args...)
	if r.code != term.ExitOK {
		s.t.Fatalf("%s: exit %d\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// connectedFlags are the flags that every verb with internet needs here.
func (s *site) connectedFlags(args ...string) []string {
	return append(args,
		"--chart", s.filePath("aistor-operator-5.10.0.tgz"), "--chart", s.filePath("aistor-objectstore-1.0.16.tgz"), "--from", "5.10.0",
		"--platform", "linux/amd64", "--mirror", "quay.io="+s.upstream.Host+"/cache", "--registry-plain-http", s.upstream.Host)
}

// createBundle makes a bundle and gives its path.
func (s *site) createBundle(name string, more ...string) string {
	s.t.Helper()
	s.mustRun(append(s.connectedFlags("bundle", "create", s.filePath(name)), more...)...)
	return s.filePath(name)
}

// toPrivate are the flags that reach the private registry over plain http.
func (s *site) toPrivate(args ...string) []string {
	return append(args, "--registry", s.private.Host, "--registry-plain-http", s.private.Host)
}

// chartArchive makes a chart that asks for one image.
func chartArchive(t *testing.T, name, version, image string) []byte {
	t.Helper()
	return charttest.Archive(t, name, version, map[string]string{
		"values.yaml":        "image: " + image + "\n",
		"templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\nspec:\n  containers:\n  - name: c\n    image: {{ .Values.image }}\n",
	})
}
