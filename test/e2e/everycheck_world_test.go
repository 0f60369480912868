package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// world is one installation, first healthy and then in disorder.
type world struct {
	*findings
	good string // a bundle that is as expected
}

// newWorld installs an operator, a store of two servers with KES and one of a
// single server, and pushes what the good bundle holds.
func newWorld(t *testing.T) *world {
	t.Helper()
	s := newSite(t)
	w := &world{findings: &findings{site: s, registry: s.env["PRIVATE_REGISTRY"]}}
	w.run("install-aistor", "--charts", w.charts, "--operator", "5.8.0", "--store", "1.0.13", "team-a/primary=2", "team-b/logs=1")
	// What this operator's chart does not know any more is no good example.
	w.run("helm", "upgrade", "aistor", w.chart("aistor-operator-5.8.0"), "-n", "aistor", "--reuse-values", "--set", "repositories.minio=null")
	w.kubectl("patch", "objectstores.aistor.min.io", "primary", "-n", "team-a", "--type=merge", "-p", `{"spec":{"kes":{"kesSecret":{"name":"kes-configuration"},"replicas":1}}}`)
	w.run("aistor-fixtures", "push", "--registry", s.env["UPSTREAM_REGISTRY"], "--plain-http", "--only", "5.1.0,5.10.0")
	w.run("aistor-fixtures", "push", "--registry", w.registry, "--mapped", "--ca", s.env["PRIVATE_CA"],
		"--user", s.env["PRIVATE_USER"], "--password-file", s.env["PRIVATE_PASSWORD_FILE"], "--only", "5.10.0")
	w.good = w.bundle("good.bundle", w.chart("aistor-operator-5.10.0"), w.chart("aistor-objectstore-1.0.16"), "--with", "kes")
	w.site.until("KES is ready", func() bool {
		return strings.Contains(w.kubectl("get", "pods", "-n", "team-a", "-l", "v1.min.io/kes", "-o", "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}"), "True")
	})
	w.until("team-a", "team-b")
	return w
}

func (w *world) chart(name string) string { return filepath.Join(w.charts, name+".tgz") }

func (w *world) bundle(name, operator, store string, more ...string) string {
	w.t.Helper()
	up := w.env["UPSTREAM_REGISTRY"]
	w.run("helm-aistor", append([]string{"bundle", "create", name, "--from", "5.10.0", "--platform", "linux/amd64", "--chart", operator, "--chart", store,
		"--mirror", "quay.io=" + up + "/quay.io", "--registry-plain-http", up}, more...)...)
	return filepath.Join(w.dir, name)
}

// check runs one preflight, with the registry owner's password or another.
func (w *world) check(password string, vars []string, flags ...string) map[string]finished {
	w.t.Helper()
	var out, errs bytes.Buffer
	cmd := w.command("kubectl-aistor_upgrade", append([]string{"preflight", "-o", "json", "--ca", w.env["PRIVATE_CA"],
		"--registry-user", w.env["PRIVATE_USER"], "--password-stdin"}, flags...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(password), &out, &errs
	cmd.Env = append(cmd.Env, vars...)
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 3 {
		w.t.Fatalf("preflight %s: %v\n%s", strings.Join(flags, " "), err, errs.String())
	}
	return resultsOf(w.t, out.Bytes())
}

func (w *world) right() string {
	w.t.Helper()
	b, err := os.ReadFile(w.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *world) ready() map[string]finished {
	return w.check(w.right(), nil, "--bundle", w.good, "--pull-test", "--acknowledge", "bucket-export,iam-export,config-export", "--accept-downtime", "team-b/logs")
}

// old is an operator chart of long ago, in a bundle that was damaged, and a
// login that the registry refuses.
func (w *world) old() map[string]finished {
	w.t.Helper()
	file := w.bundle("old.bundle", w.chart("aistor-objectstore-operator-5.1.0"), w.chart("aistor-objectstore-1.0.16"), "--not-image", w.image("5.1.0", "minio-sidecar"))
	b, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	at := len(b) / 2 // among the layers, which come last and are nearly all of it
	for b[at] == 0 {
		at++
	}
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.kubectl("annotate", "secret", "minio-license", "-n", "aistor", "--overwrite", "meta.helm.sh/release-name=other")
	defer w.kubectl("annotate", "secret", "minio-license", "-n", "aistor", "--overwrite", "meta.helm.sh/release-name=aistor")
	expired := base64.RawURLEncoding.EncodeToString([]byte(`{"plan":"ENTERPRISE","exp":1000000000}`))
	return w.check("wrong", nil, "--bundle", file, "--license-file", w.write("license", "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9."+expired+".c2lnbmF0dXJl"))
}

// image is the reference of an image that a chart asks for.
func (w *world) image(version, name string) string {
	w.t.Helper()
	for _, ref := range strings.Fields(w.run("aistor-fixtures", "images", "--only", version)) {
		if strings.Contains(ref, "/"+name+":") {
			return ref
		}
	}
	w.t.Fatalf("chart %s asks for no image %s", version, name)
	return ""
}

func (w *world) looker() map[string]finished {
	w.t.Helper()
	w.kubectl("create", "clusterrole", "looker", "--verb=get,list,watch", "--resource=*.*")
	w.kubectl("create", "clusterrolebinding", "looker", "--clusterrole=looker", "--user=looker")
	w.kubectl("create", "clusterrole", "looker-core", "--verb=get,list,watch", "--resource=nodes,namespaces,pods,services,secrets,configmaps,persistentvolumeclaims,serviceaccounts,events")
	w.kubectl("create", "clusterrolebinding", "looker-core", "--clusterrole=looker-core", "--user=looker")
	return w.check(w.right(), nil, "--bundle", w.good, "--only", "permissions", "--as", "looker")
}

// far checks this cluster through a server of another version, with a plan
// that was made for another one.
func (w *world) far() map[string]finished {
	w.t.Helper()
	w.run("helm-aistor", "plan", "--bundle", w.good, "--out", "plan.yaml")
	b, err := os.ReadFile(filepath.Join(w.dir, "plan.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	foreign := regexp.MustCompile(`uid: \S+`).ReplaceAllString(string(b), "uid: 00000000-0000-0000-0000-000000000000")
	foreign = regexp.MustCompile(`data0-primary-pool-0-0: \S+`).ReplaceAllString(foreign, "data0-primary-pool-0-0: 00000000-0000-0000-0000-000000000000")
	file := w.write("foreign.yaml", foreign)
	return w.check(w.right(), w.through(func(rw http.ResponseWriter) { fmt.Fprint(rw, `{"major":"1","minor":"20","gitVersion":"v1.20.0"}`) }),
		"--bundle", w.good, "--plan", file, "--only", "cluster-version,cluster-same,volumes-kept")
}

func (w *world) silent() map[string]finished {
	w.t.Helper()
	return w.check(w.right(), w.through(func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusForbidden) }), "--only", "cluster-reachable")
}

// through is the environment of a program that reaches the API server through
// one that answers /version itself.
func (w *world) through(version func(http.ResponseWriter)) []string {
	w.t.Helper()
	to, err := url.Parse(w.env["LAB_APISERVER"])
	if err != nil {
		w.t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			rw.Header().Set("Content-Type", "application/json")
			version(rw)
			return
		}
		forward.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	file := w.write(fmt.Sprintf("through-%d.kubeconfig", rand.Int()), fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: lab, user: lab}}]\n"+
		"clusters: [{name: lab, cluster: {server: %q, insecure-skip-tls-verify: true}}]\nusers: [{name: lab, user: {token: %q}}]\n", server.URL, w.env["LAB_TOKEN"]))
	return []string{"KUBECONFIG=" + file}
}

// nothing takes the operator's records away, so that nobody knows its release.
func (w *world) nothing() map[string]finished {
	w.t.Helper()
	w.kubectl("delete", "secrets", "-n", "aistor", "-l", "owner=helm,name=aistor")
	return w.check(w.right(), nil, "--only", "releases-found")
}

// record rewrites the newest record of a release.
func (w *world) record(namespace, release string, change func(object)) {
	w.t.Helper()
	path := "/api/v1/namespaces/" + namespace + "/secrets/sh.helm.release.v1." + release + ".v1"
	secret := w.api(http.MethodGet, path, "")
	rec := releaseIn(w.t, secret)
	change(rec)
	raw, err := json.Marshal(rec)
	if err != nil {
		w.t.Fatal(err)
	}
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write(raw); err != nil {
		w.t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		w.t.Fatal(err)
	}
	twice := base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(zipped.Bytes())))
	secret["data"] = map[string]any{"release": twice}
	body, err := json.Marshal(secret)
	if err != nil {
		w.t.Fatal(err)
	}
	w.api(http.MethodPut, path, string(body))
}

// pending is a record that some Helm began a minute ago, in the way of Helm 4.
func pending(rec object) {
	info, _ := rec["info"].(map[string]any)
	info["status"], info["last_deployed"] = "pending-upgrade", time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
	rec["apply_method"] = "ssa"
}

// withStray is a chart's archive with a large file in it that nobody needs.
func (w *world) withStray(file string) string {
	w.t.Helper()
	in, err := os.Open(file)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	zr, err := gzip.NewReader(in)
	if err != nil {
		w.t.Fatal(err)
	}
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	tr, tw := tar.NewReader(zr), tar.NewWriter(zw)
	add := func(h *tar.Header, data []byte) {
		h.Size = int64(len(data))
		if err := tw.WriteHeader(h); err != nil {
			w.t.Fatal(err)
		}
		if _, err := tw.Write(data); err != nil {
			w.t.Fatal(err)
		}
	}
	folder := ""
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			w.t.Fatal(err)
		}
		folder, _, _ = strings.Cut(h.Name, "/")
		add(h, data)
	}
	noise := make([]byte, 900<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	add(&tar.Header{Name: folder + "/stray.bin", Mode: 0o644}, noise)
	if err := tw.Close(); err != nil {
		w.t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		w.t.Fatal(err)
	}
	return w.write(filepath.Base(file), out.String())
}
