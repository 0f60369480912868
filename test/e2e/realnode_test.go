package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What containerd reports is compared with the registry: for an image of
// several platforms, and for one of them under another name, which the node
// reports by the name it pulled first.
func TestImageIDsOfARealNode(t *testing.T) {
	if os.Getenv("AISTOR_TEST_REAL_NODE") == "" {
		t.Skip("starts containerd and a kubelet: only with AISTOR_TEST_REAL_NODE=1, as root on Debian")
	}
	s := newRealSite(t)
	registry := s.env["PRIVATE_REGISTRY"]
	multi, single := registry+"/aistor/minio:"+minioTag, registry+"/aistor/single:1"
	s.run("aistor-fixtures", "push", "--registry", registry, "--mapped", "--ca", s.env["PRIVATE_CA"],
		"--user", s.env["PRIVATE_USER"], "--password-file", s.env["PRIVATE_PASSWORD_FILE"], "--only", "5.8.0")
	password, err := os.ReadFile(s.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	s.vars = append(s.vars, "SSL_CERT_FILE="+s.env["PRIVATE_CA"], "DOCKER_CONFIG="+s.dir)
	s.run("crane", "auth", "login", registry, "-u", s.env["PRIVATE_USER"], "-p", strings.TrimSpace(string(password)))
	s.run("crane", "copy", "--platform", "linux/amd64", multi, single)
	s.run("kubectl", "create", "namespace", "aistor")
	s.run("kubectl", "create", "secret", "docker-registry", "pull", "-n", "aistor", "--docker-server="+registry,
		"--docker-username="+s.env["PRIVATE_USER"], "--docker-password="+strings.TrimSpace(string(password)))
	doc := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"object-store-operator","namespace":"aistor"},"spec":{
"selector":{"matchLabels":{"aistor.min.io/name":"object-store-operator"}},"template":{"metadata":{"labels":{"aistor.min.io/name":"object-store-operator"}},
"spec":{"imagePullSecrets":[{"name":"pull"}],"containers":[{"name":"multi","image":"` + multi + `"},{"name":"single","image":"` + single + `"}]}}}}`
	if err := os.WriteFile(filepath.Join(s.dir, "deployment.json"), []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("kubectl", "apply", "-f", "deployment.json")
	s.run("kubectl", "wait", "deployment/object-store-operator", "-n", "aistor", "--for=condition=Available", "--timeout=3m")
	var v validated
	out := s.run("kubectl", "aistor-upgrade", "validate", "-n", "aistor", "--registry", registry, "--ca", s.env["PRIVATE_CA"], "--only", "image-ids", "-o", "json")
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	if r := v.Results[0]; r.Status != "pass" || r.Message != "the digests of 2 running containers belong to their images" {
		t.Errorf("%s: %s\n%s", r.Status, r.Message, strings.Join(r.Details, "\n"))
	}
}

// newRealSite is a site whose only node really pulls and runs.
func newRealSite(t *testing.T) *site {
	t.Helper()
	return newBareSite(t, []string{"--nodes", "0", "--real-node"})
}
