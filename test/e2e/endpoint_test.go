package e2e

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// A store is asked where its clients reach it, here at an address that fails a
// while: what the upgrade says of its availability is what was answered there,
// with a certificate that is checked. The API server of this cluster has no way
// to its pods.
func TestAvailabilityIsAskedAtTheEndpoint(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.8.0", "--store", "1.0.13", "team-a/primary=4")
	newer := s.env["PRIVATE_REGISTRY"] + "/aistor/minio:RELEASE.2026-07-01T00-00-00Z"
	s.withPassword("crane", "auth", "login", s.env["PRIVATE_REGISTRY"], "--insecure", "-u", s.env["PRIVATE_USER"], "--password-stdin")
	s.run("crane", "mutate", "--insecure", strings.Replace(newer, "07-01T00-00-00Z", "06-06T02-44-06Z", 1), "-l", "newer=yes", "-t", newer)

	var asked atomic.Int64
	var down atomic.Bool
	store := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/minio/health/cluster" {
			w.WriteHeader(http.StatusForbidden) // as a store does
			return
		}
		// Once before the upgrade, once while it runs, and then two probes in
		// vain, of three questions each.
		if n := asked.Add(1); down.Load() || n >= 3 && n <= 8 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer store.Close()
	login := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer login.Close()
	ca := filepath.Join(s.dir, "store.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: store.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	upgrade := func(endpoint string, more ...string) (string, error) {
		cmd := s.command("helm-aistor", append([]string{"upgrade", "--yes", "--image-only", "RELEASE.2026-07-01T00-00-00Z", "--ca", s.env["PRIVATE_CA"],
			"--registry-user", s.env["PRIVATE_USER"], "--password-stdin", "--endpoint", endpoint}, more...)...)
		cmd.Stdin = s.password()
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for endpoint, want := range map[string]string{
		"team-b/other=" + store.URL:          `"team-b/other"`,
		"team-a/primary=" + store.URL:        "certificate signed by unknown authority",
		"team-a/primary=https://127.0.0.1:1": "connection refused",
		"team-a/primary=127.0.0.1:9000":      "is not http[s]://HOST",
		"team-a/primary=" + login.URL:        "which no object store serves",
	} {
		if out, err := upgrade(endpoint); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, expected %q in\n%s", endpoint, err, want, out)
		}
	}
	asked.Store(0)
	report := filepath.Join(s.dir, "report.html")
	out, err := upgrade("team-a/primary="+store.URL, "--ca", ca, "--report", report)
	if err != nil {
		t.Fatalf("upgrading: %v\n%s", err, out)
	}
	if !regexp.MustCompile(`Availability team-a/primary: at least [34] of 4 pods ready; 2 of \d+ probes\s+at\s+` +
		regexp.QuoteMeta(store.URL) + `/minio/health/cluster\s+failed`).MatchString(out) {
		t.Errorf("availability in\n%s", out)
	}
	if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "queried at "+store.URL) {
		t.Errorf("report: %v, the address asked is not in it", err)
	}
	if strings.Contains(out, "skip   stores-answer") || !strings.Contains(out, "1 object store answers with write quorum") {
		t.Errorf("validation in\n%s", out)
	}
	down.Store(true)
	cmd := s.command("kubectl-aistor_upgrade", "validate", "--only", "stores-answer", "--endpoint", "team-a/primary="+store.URL, "--ca", ca)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "returned 503") || !strings.Contains(string(out), "200 from "+store.URL) {
		t.Errorf("validating: %v\n%s", err, out)
	}
}
