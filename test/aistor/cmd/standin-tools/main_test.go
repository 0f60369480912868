package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestChartsCanBeServed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"charts", "--out", dir}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		digest, file, _ := strings.Cut(line, "  ")
		if !bytes.Contains(index, []byte(digest)) || !bytes.Contains(index, []byte(file)) {
			t.Errorf("the index lacks %s", line)
		}
	}
}

func TestUnpackedChartsAreFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run(t.Context(), []string{"charts", "--out", dir, "--unpacked"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "aistor-operator-5.8.0", "templates", "_helpers.tpl")); err != nil {
		t.Error(err)
	}
}

// TestPushWithCredentials pushes to a registry that wants a password to write.
func TestPushWithCredentials(t *testing.T) {
	t.Parallel()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); r.Method != http.MethodGet && (user != "robot" || password != "secret") {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	password := filepath.Join(t.TempDir(), "password")
	push := func(text string) error {
		if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return run(t.Context(), []string{"push", "--registry", host, "--plain-http", "--user", "robot", "--password-file", password,
			"--mapped", "--prefix", "team", "--only", "5.8.0"}, io.Discard, io.Discard)
	}
	if err := push("wrong"); err == nil {
		t.Error("pushed with a wrong password")
	}
	if err := push("secret\n"); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host+"/team/aistor/minwall:RELEASE.2026-05-21T06-25-56Z", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Index(ref); err != nil {
		t.Error(err)
	}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{name: "no verb", want: "flag: help requested"},
		{name: "unknown verb", args: []string{"sing"}, want: `reading arguments: no such verb "sing"`},
		{name: "nowhere to write", args: []string{"charts"}, want: "writing charts: --out is required"},
		{name: "nowhere to push", args: []string{"push"}, want: "pushing images: --registry is required"},
		{name: "unknown version", args: []string{"images", "--only", "4.2"}, want: `listing images of operator chart "4.2": no such fixture version`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), test.args, io.Discard, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImagesOfOneVersion(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"images", "--only", "5.10.0", "--fips"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "quay.io/minio/aistor/minwall:RELEASE.2026-05-21T06-25-56Z.fips\n") || strings.Count(out.String(), "\n") != 10 {
		t.Errorf("printed\n%s", out.String())
	}
}
