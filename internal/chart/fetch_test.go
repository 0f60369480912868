package chart_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

// serveRepository serves one chart with TLS and a password.
func serveRepository(t *testing.T, c *chart.Chart, digest string) (url string, trust *http.Transport) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case requests.Add(1)%3 == 1: // it is tried again
			w.WriteHeader(http.StatusServiceUnavailable)
		case user != "me" || password != "secret":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/index.yaml"):
			fmt.Fprintf(w, "apiVersion: v1\nentries:\n  %s:\n  - {apiVersion: v2, name: %s, version: %s, digest: %s, urls: [charts/x.tgz]}\n", c.Name, c.Name, c.Version, digest)
		default:
			_, _ = w.Write(c.Data)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, server.Client().Transport.(*http.Transport)
}

func noWait(context.Context, time.Duration) error { return nil }

func helmSettings(t *testing.T) chart.HelmSettings {
	dir := t.TempDir()
	return chart.HelmSettings{
		RepositoryConfig: filepath.Join(dir, "repositories.yaml"), RepositoryCache: dir, RegistryConfig: filepath.Join(dir, "config.json"),
	}
}

func TestPullFromARepositoryChecksTheIndexsDigest(t *testing.T) {
	t.Parallel()
	c := exampleChart(t)
	url, trust := serveRepository(t, c, c.SHA256)
	o := chart.PullOptions{Ref: c.Name, RepoURL: url, Transport: trust, Wait: noWait, Username: "me", Password: "secret", Helm: helmSettings(t)}
	got, err := chart.Pull(t.Context(), o)
	if err != nil || got.SHA256 != c.SHA256 {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, change := range map[string]func(*chart.PullOptions){
		"a version that is not there": func(o *chart.PullOptions) { o.Version = "1.0.0" },
		"a wrong password":            func(o *chart.PullOptions) { o.Password = "wrong" },
		"no CA":                       func(o *chart.PullOptions) { o.Transport = nil },
	} {
		other := o
		change(&other)
		if _, err := chart.Pull(t.Context(), other); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	o.RepoURL, o.Transport = serveRepository(t, c, fmt.Sprintf("%x", sha256.Sum256(nil)))
	if _, err := chart.Pull(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.SHA256) {
		t.Errorf("other bytes than the index says: error %v", err)
	}
}

func TestPullFromARegistry(t *testing.T) {
	t.Parallel()
	c := exampleChart(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	client, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Push(c.Data, host+"/charts/"+c.Name+":"+c.Version); err != nil {
		t.Fatal(err)
	}
	got, err := chart.Pull(t.Context(), chart.PullOptions{
		Ref: "oci://" + host + "/charts/" + c.Name, Version: c.Version, PlainHTTP: true, Helm: helmSettings(t),
		Check: func(*http.Request) error { return nil }})
	if err != nil || got.SHA256 != c.SHA256 {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestPullOfAPathNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	got, err := chart.Pull(t.Context(), chart.PullOptions{Ref: "testdata/example"})
	if err != nil || got.Name != "aistor-operator" {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := chart.Pull(t.Context(), chart.PullOptions{Ref: "./none.tgz"}); err == nil {
		t.Error("a missing path was pulled")
	}
}

func TestPullReturnsWhenItsContextIsDone(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chart.Pull(ctx, chart.PullOptions{Ref: "x", RepoURL: server.URL, Helm: helmSettings(t)}); err == nil {
		t.Error("no error")
	}
}

func TestPullOfTheOldNameTellsTheNewOne(t *testing.T) {
	t.Parallel()
	c := exampleChart(t)
	url, trust := serveRepository(t, c, c.SHA256)
	_, err := chart.Pull(t.Context(), chart.PullOptions{Ref: "aistor-objectstore-operator", RepoURL: url, Transport: trust, Wait: noWait, Username: "me", Password: "secret", Helm: helmSettings(t)})
	if err == nil || !strings.Contains(err.Error(), "hint: since 5.2.0 the chart is called aistor-operator") {
		t.Errorf("error %v", err)
	}
}

// A chart comes over plain http only where somebody allows it, also where a
// repository sends on to it, names it in its index, or is known to Helm by name.
func TestPullOverPlainHTTPIsRefused(t *testing.T) {
	t.Parallel()
	c := exampleChart(t)
	var plainRequests atomic.Int32
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plainRequests.Add(1)
		if strings.HasSuffix(r.URL.Path, "/index.yaml") {
			fmt.Fprintf(w, "apiVersion: v1\nentries:\n  %s:\n  - {apiVersion: v2, name: %s, version: %s, urls: [x.tgz]}\n", c.Name, c.Name, c.Version)
			return
		}
		_, _ = w.Write(c.Data)
	}))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/index.yaml") && !strings.HasPrefix(r.URL.Path, "/moved") {
			fmt.Fprintf(w, "apiVersion: v1\nentries:\n  %s:\n  - {apiVersion: v2, name: %s, version: %s, urls: [%q]}\n", c.Name, c.Name, c.Version, plain.URL+"/x.tgz")
			return
		}
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	trust := secure.Client().Transport.(*http.Transport)
	known := helmSettings(t)
	if err := os.WriteFile(known.RepositoryConfig, fmt.Appendf(nil, "apiVersion: v1\nrepositories:\n- {name: known, url: %s}\n", plain.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(known.RepositoryCache, "known-index.yaml"),
		fmt.Appendf(nil, "apiVersion: v1\nentries:\n  %s:\n  - {apiVersion: v2, name: %s, version: %s, urls: [x.tgz]}\n", c.Name, c.Name, c.Version), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]chart.PullOptions{
		"a URL":                    {Ref: plain.URL + "/x.tgz"},
		"a repository":             {Ref: c.Name, RepoURL: plain.URL},
		"a repository of Helm's":   {Ref: "known/" + c.Name, Helm: known},
		"a redirect of an archive": {Ref: secure.URL + "/x.tgz", Transport: trust},
		"a redirect of an index":   {Ref: c.Name, RepoURL: secure.URL + "/moved", Transport: trust},
		"an index that names http": {Ref: c.Name, RepoURL: secure.URL, Transport: trust},
		"a registry in plain http": {Ref: "oci://" + strings.TrimPrefix(plain.URL, "http://") + "/charts/x", Version: "1.0.0", PlainHTTP: true},
	} {
		t.Run(name, func(t *testing.T) {
			if o.Helm == (chart.HelmSettings{}) {
				o.Helm = helmSettings(t)
			}
			o.Wait = noWait
			if _, err := chart.Pull(t.Context(), o); err == nil || !strings.Contains(err.Error(), "plain HTTP to") {
				t.Errorf("error %v", err)
			}
			if n := plainRequests.Load(); n != 0 {
				t.Errorf("%d requests went out over plain http", n)
			}
		})
	}
}
