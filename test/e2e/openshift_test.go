package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openshiftAPI is the module in which OpenShift publishes its definitions; the
// module's checksum is in Go's database, so that it is what was published.
const openshiftAPI = "github.com/openshift/api@v0.0.0-20240124164020-e2ce40831f2e"

// What -o ImageTagMirrorSet writes is taken by a real API server that has
// OpenShift's own definitions, strictly: a field it does not know is an error.
func TestOpenShiftTakesTheMirrorSets(t *testing.T) {
	t.Parallel()
	crds := openshiftCRDs(t)
	s := newSite(t)
	for _, file := range []string{"imagetagmirrorset", "imagedigestmirrorset"} {
		crd := filepath.Join(crds, "0000_10_config-operator_01_"+file+".crd.yaml")
		s.run("kubectl", "apply", "-f", crd)
		s.run("kubectl", "wait", "--for=condition=Established", "--timeout=2m", "-f", crd)
	}
	values := s.write("operator.yaml", `images:
  mc: {repository: aistor, image: "mc@sha256:`+strings.Repeat("a", 64)+`"}
operators:
  object-store: {image: "quay.io:443/acme.corp/ai_stor/op-erator:RELEASE.2026-07-21T22-41-48Z"}
`)
	for _, place := range [][]string{
		{"--registry", "registry.example.com:5000"},
		{"--registry", "registry.example.com", "--prefix", "a/b_c.d"},
		{"--registry", "127.0.0.1:5000", "--map", "quay.io/minio/aistor/operator=op", "--map", "quay.io=q"},
	} {
		args := append([]string{"values", "--operator", "-f", values, "--chart", filepath.Join(s.charts, "aistor-operator-5.10.0.tgz"),
			"--references", "keep", "-o", "ImageTagMirrorSet"}, place...)
		file := s.write("mirrors.yaml", s.run("helm-aistor", args...))
		s.run("kubectl", "apply", "--server-side", "--validate=strict", "-f", file)
		for _, set := range []struct{ resource, field string }{{"imagetagmirrorsets", "imageTagMirrors"}, {"imagedigestmirrorsets", "imageDigestMirrors"}} {
			o := s.api(http.MethodGet, "/apis/config.openshift.io/v1/"+set.resource+"/aistor", "")
			list, _ := o.at("spec", set.field).([]any)
			if len(list) == 0 {
				t.Errorf("%v: %s has no mirrors", place, set.resource)
			}
			for _, e := range list {
				pair, _ := e.(map[string]any)
				if pair["source"] == "" || pair["mirrorSourcePolicy"] != "NeverContactSource" {
					t.Errorf("%v: %s was stored as %v", place, set.resource, e)
				}
			}
		}
		s.run("kubectl", "delete", "-f", file)
	}
	// The same server refuses what is wrong, so that it looked.
	for what, spec := range map[string]string{
		"a field it does not know": `{"imageTagMirror":[]}`,
		"another policy":           `{"imageTagMirrors":[{"source":"quay.io","mirrors":["r"],"mirrorSourcePolicy":"Never"}]}`,
		"a mirror with a tag":      `{"imageTagMirrors":[{"source":"quay.io","mirrors":["r/x:tag"]}]}`,
	} {
		body := `{"apiVersion":"config.openshift.io/v1","kind":"ImageTagMirrorSet","metadata":{"name":"wrong"},"spec":` + spec + `}`
		if _, code := s.request(http.MethodPost, "/apis/config.openshift.io/v1/imagetagmirrorsets?fieldValidation=Strict", body); code < 400 {
			t.Errorf("%s was taken", what)
		}
	}
}

// openshiftCRDs is the directory with the definitions, out of the module's
// archive.
func openshiftCRDs(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", openshiftAPI)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if json.Unmarshal(out, &module) != nil || err != nil || module.Dir == "" {
		t.Skipf("%s can't be had: %v %s", openshiftAPI, err, module.Error)
	}
	return filepath.Join(module.Dir, "config/v1")
}
