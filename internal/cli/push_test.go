package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestPushTwiceSendsOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	repositories := s.mustRun(s.toPrivate("push", name, "--print-repositories")...)
	want := strings.NewReplacer("HOST", s.private.Host).Replace("HOST/aistor/minio\nHOST/aistor/operator\nHOST/charts/aistor-bundle\nHOST/charts/aistor-objectstore\nHOST/charts/aistor-operator\n")
	if diff := cmp.Diff(want, repositories); diff != "" {
		t.Errorf("repositories (-want +got):\n%s", diff)
	}
	if out := s.mustRun(s.toPrivate("push", name, "--dry-run")...); !strings.Contains(out, "5 of 5 are missing") {
		t.Errorf("dry run:\n%s", out)
	}
	if n := s.private.CountRequests("^(PUT|POST|PATCH)"); n != 0 {
		t.Errorf("a dry run wrote %d times", n)
	}
	s.mustRun(s.toPrivate("push", name, "--receipt", s.filePath("r.json"))...)
	var r images.Receipt
	b, err := os.ReadFile(s.filePath("r.json"))
	if err != nil || json.Unmarshal(b, &r) != nil || r.PushedCount() != 5 || r.BytesSent() < 2*layerSize {
		t.Errorf("receipt: %v\n%s", err, b)
	}
	s.private.ResetLog()
	if out := s.mustRun(s.toPrivate("push", name)...); !strings.Contains(out, "0 of 5 pushed, 0 B uploaded") {
		t.Errorf("again:\n%s", out)
	}
	if n := s.private.CountRequests("^HEAD .*manifests"); n != 5 || len(s.private.RequestLog()) > 6 {
		t.Errorf("a push with nothing to do asked\n%s", strings.Join(s.private.RequestLog(), "\n"))
	}
}

func TestPushedBundleIsReadWithoutTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	r := s.runHelm("", s.toPrivate("push", name, "--prefix", "team/aistor")...)
	_, address, ok := strings.Cut(strings.TrimSpace(r.err), "--bundle ")
	if r.code != term.ExitOK || !ok {
		t.Fatalf("exit %d\n%s", r.code, r.err)
	}
	fromFile := s.mustRun("bundle", "inspect", name, "-o", "json")
	fromRegistry := s.mustRun("bundle", "inspect", address, "-o", "json", "--registry-plain-http", s.private.Host)
	if diff := cmp.Diff(fromFile, fromRegistry); diff != "" {
		t.Errorf("file and registry (-file +registry):\n%s", diff)
	}
	// On to the next registry, without the file.
	next := registrytest.NewServer(t)
	for _, verb := range [][]string{{"push", address}, {"copy", "--bundle", address}} {
		out := s.mustRun(append(verb, "--registry", next.Host, "--registry-plain-http", s.private.Host, "--registry-plain-http", next.Host)...)
		if !strings.Contains(out, " aistor/minio:RELEASE.2026-06-06T02-44-06Z") {
			t.Errorf("%v:\n%s", verb, out)
		}
	}
	if out := s.mustRun("push", name, "--registry", next.Host, "--registry-plain-http", next.Host); !strings.Contains(out, "0 of 5 pushed") {
		t.Errorf("the file has what was copied lacks:\n%s", out)
	}
}

func TestCopyPutsWhatCreateAndPushWouldPut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.mustRun(s.toPrivate(s.connectedFlags("copy")...)...)
	if out := s.mustRun(s.toPrivate("push", s.createBundle("a.bundle"))...); !strings.Contains(out, "0 of 5 pushed") {
		t.Errorf("a push after the copy:\n%s", out)
	}
	r := s.runHelm("", s.toPrivate("copy", "--bundle", s.filePath("a.bundle"))...)
	if r.code != term.ExitError || !strings.Contains(r.err, "hint: helm aistor push") {
		t.Errorf("copy of a file: exit %d\n%s", r.code, r.err)
	}
}

func TestPushNamesBothDigestsOfATagThatPointsElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	old := s.private.AddImage(t, "aistor/operator", "v1", "linux/amd64", registrytest.NewLayer(9, layerSize))
	r := s.runHelm("", s.toPrivate("push", name)...)
	var ours, previous string
	for _, l := range strings.Split(s.mustRun("bundle", "inspect", name), "\n") {
		if f := strings.Fields(l); previous == operatorImage && len(f) > 1 {
			ours = f[0]
		}
		previous = l
	}
	if r.code != term.ExitError || !strings.Contains(r.err, old.Digest) || ours == "" || !strings.Contains(r.err, ours) {
		t.Errorf("got exit %d, want %s and %s named:\n%s", r.code, old.Digest, ours, r.err)
	}
	if n := s.private.CountRequests("^(PUT|POST|PATCH)"); n != 0 {
		t.Errorf("it wrote %d times all the same", n)
	}
	s.mustRun(s.toPrivate("push", name, "--overwrite-tag")...)
}

// The password is for the private registry: the public ones and a mirror never
// see it, and standard input is read once for all clients.
func TestPasswordGoesToThePrivateRegistryOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, registrytest.WithBasicAuth("robot", "hunter2"))
	login := []string{"--registry-user", "robot", "--password-stdin"}
	if r := s.runHelm("hunter2\n", append(s.toPrivate(s.connectedFlags("copy")...), login...)...); r.code != term.ExitOK {
		t.Errorf("copy: exit %d\n%s", r.code, r.err)
	}
	name := s.createBundle("a.bundle")
	if r := s.runHelm("hunter2\n", append(s.toPrivate("push", name), login...)...); r.code != term.ExitOK {
		t.Errorf("push: exit %d\n%s", r.code, r.err)
	}
	r := s.runHelm("wrong\n", append(s.toPrivate("push", name), login...)...)
	if r.code != term.ExitError || !strings.Contains(r.err, "401") || !strings.Contains(r.err, "hint: ") || strings.Contains(r.err, "wrong") {
		t.Errorf("a wrong password: exit %d\n%s", r.code, r.err)
	}
	if r := s.runHelm("", append(s.toPrivate("push", name), "--registry-user", "robot")...); !strings.Contains(r.err, "--password-stdin") {
		t.Errorf("without a password: %s", r.err)
	}
}

func TestPushOfAFolderThatWasSavedByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	folder := dockerArchive(t, "aistor-minio-RELEASE.2026-06-06T02-44-06Z.tar", "sidecar.tar")
	r := s.runHelm("", s.toPrivate("push", folder)...)
	if r.code != term.ExitError || !strings.Contains(r.err, "--as sidecar.tar=REF") {
		t.Errorf("a file nobody named: exit %d\n%s", r.code, r.err)
	}
	named := s.toPrivate("push", folder, "--as", "sidecar.tar=quay.io/minio/aistor/minio-sidecar:v2")
	if out := s.mustRun(named...); !strings.Contains(out, " aistor/minio:RELEASE.2026-06-06T02-44-06Z") || !strings.Contains(out, " aistor/minio-sidecar:v2") {
		t.Errorf("got\n%s", out)
	}
	if out := s.mustRun(named...); !strings.Contains(out, "0 of 2 pushed") {
		t.Errorf("again:\n%s", out)
	}
	if out := s.mustRun("bundle", "inspect", dockerArchive(t, "aistor-minio-v7.tar")); !strings.Contains(out, "quay.io/minio/aistor/minio:v7") {
		t.Errorf("inspect:\n%s", out)
	}
}

// Several CA files all count, for charts from a repository over https too.
func TestSeveralCAFilesAreTrustedForCharts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	other, charts := otherCA(t, s), chartRepository(t, s)
	args := []string{
		"bundle", "create", s.filePath("a.bundle"), "--repo", charts.url, "--operator-version", "5.10.0", "--object-store-version", "1.0.16", "--from", "5.10.0",
		"--platform", "linux/amd64", "--mirror", "quay.io=" + s.upstream.Host + "/cache", "--registry-plain-http", s.upstream.Host,
	}
	if r := s.runHelm("", append(args, "--ca", other)...); r.code != term.ExitError || !strings.Contains(r.err, "certificate") {
		t.Errorf("a CA that is not the repository's: exit %d\n%s", r.code, r.err)
	}
	s.mustRun(append(args, "--ca", other, "--ca", charts.ca)...)
}

// What would be said too late, or not at all, is said before anything is sent.
func TestPushRefusesBeforeItSends(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := s.createBundle("b.tar")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a receipt that can't be kept":    {[]string{"--receipt", s.filePath("nowhere/r.json")}, "writing receipt"},
		"a receipt that is a folder":      {[]string{"--receipt", s.dir}, "writing receipt"},
		"a password without a user":       {[]string{"--password-stdin"}, "--password-stdin requires --registry-user"},
		"credentials that are not there":  {[]string{"--registry-config", s.filePath("none.json")}, "reading --registry-config"},
		"charts that climb":               {[]string{"--charts", "../../x"}, "invalid repository name or tag"},
		"a prefix no registry has":        {[]string{"--prefix", "Team"}, "invalid repository name or tag"},
		"an image that climbs":            {[]string{"--map", "quay.io/minio/aistor=../../etc"}, "invalid repository name or tag"},
		"a password in the address":       {[]string{"--registry", "u:pa55word@" + s.private.Host}, "--registry-user"},
		"a password in another's address": {[]string{"--push-registry", "https://u:pa55word@" + s.private.Host}, "--registry-user"},
	} {
		r := s.runHelm("pw\n", append(s.toPrivate("push", file), tt.args...)...)
		if r.code != term.ExitError || !strings.Contains(r.err, tt.want) || strings.Contains(r.err, "pa55word") {
			t.Errorf("%s: exit %d\n%s", name, r.code, r.err)
		}
	}
	if n := s.private.CountRequests("POST|PUT|PATCH"); n > 0 {
		t.Errorf("%d requests would have changed something", n)
	}
	r := s.runHelm("pw\n", s.connectedFlags("bundle", "create", s.filePath("c.tar"), "--registry-user", "u", "--password-stdin", "--mirror", "docker.io=https://u:pa55word@host")...)
	if r.code != term.ExitError || !strings.Contains(r.err, "reading --mirror") || strings.Contains(r.err, "pa55word") {
		t.Errorf("a mirror with a password: exit %d\n%s", r.code, r.err)
	}
	r = s.runHelm("pw\n", "bundle", "create", s.filePath("c.tar"), "--registry-user", "u", "--password-stdin")
	if r.code != term.ExitError || !strings.Contains(r.err, "--registry-user requires --mirror") {
		t.Errorf("a user for nobody: exit %d\n%s", r.code, r.err)
	}
	if r = s.runHelm("", "bundle", "create", "-"); r.code != term.ExitError || !strings.Contains(r.err, "standard output") {
		t.Errorf("to standard output: exit %d\n%s", r.code, r.err)
	}
}
