package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle/bundletest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
)

func TestBundleCreateWritesTheSameBytesWholeAndInParts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	whole := s.createBundle("a.bundle")
	s.createBundle("b.bundle", "--part-size", "64KiB")
	parts, err := filepath.Glob(s.filePath("b.bundle.part*"))
	if err != nil || len(parts) < 2 {
		t.Fatalf("parts: %v, %v", parts, err)
	}
	for _, name := range parts {
		if st, err := os.Stat(name); err != nil || st.Size() > 64<<10 {
			t.Errorf("%s is larger than was asked: %v, %v", name, st.Size(), err)
		}
	}
	s.mustRun("bundle", "split", whole, "--part-size", "0.064MB", "--out", s.filePath("c.bundle"))
	want, _, _ := strings.Cut(s.mustRun("bundle", "verify", whole), " ")
	for _, name := range []string{s.filePath("b.bundle"), parts[1], s.filePath("c.bundle")} {
		if got, _, _ := strings.Cut(s.mustRun("bundle", "verify", name), " "); got != want {
			t.Errorf("%s: digest %s, want %s", name, got, want)
		}
	}
	if r := s.runHelm("", "bundle", "split", whole, "--part-size", "64KiB", "--out", s.filePath("c.bundle")); r.code != term.ExitError || !strings.Contains(r.err, "exists") {
		t.Errorf("parts that are there were replaced: %d %s", r.code, r.err)
	}
}

func TestBundleCreateReplacesAFileOnlyWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	r := s.runHelm("", s.connectedFlags("bundle", "create", name)...)
	if r.code != term.ExitError || !strings.Contains(r.err, "hint: --overwrite") {
		t.Errorf("got exit %d\n%s", r.code, r.err)
	}
	s.createBundle("a.bundle", "--overwrite")
}

func TestBundleVerifyNamesImageBlobAndOffset(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := len(b) - 20_000 // inside of the last layer
	b[at] ^= 1
	s.writeFile("a.bundle", string(b))
	r := s.runHelm("", "bundle", "verify", name)
	if r.code != term.ExitCheckFailed {
		t.Errorf("got exit %d, want %d", r.code, term.ExitCheckFailed)
	}
	for _, want := range []string{"damaged: " + name + " at byte ", ": blob sha256:", " of quay.io/minio/aistor/", "hint: copy the file again"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("the error lacks %q:\n%s", want, r.err)
		}
	}
	if r := s.runHelm("", "bundle", "verify", s.filePath("none")); r.code != term.ExitError {
		t.Errorf("a file that is not there: exit %d", r.code)
	}
}

// A digest proves who wrote the bytes, not that they are the chart they are
// said to be.
func TestNoVerbTakesAChartForAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for what, tc := range map[string]struct {
		edit func([]byte) []byte
		want string
	}{
		"another version": {func(b []byte) []byte {
			if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
				return b
			}
			return bytes.ReplaceAll(b, []byte("5.10.0"), []byte("5.11.0"))
		}, `error: reading chart "aistor-operator-5.11.0" of bundle "FILE": its Chart.yaml names another chart
received: aistor-operator-5.10.0
expected: aistor-operator-5.11.0
hint: don't use this bundle; create a new one with: helm aistor bundle create FILE
`},
		"no gzip": {func(b []byte) []byte {
			if bytes.Equal(b, chartArchive(t, "aistor-operator", "5.10.0", operatorImage)) {
				return bytes.Repeat([]byte("x"), len(b))
			}
			return b
		}, `error: reading chart "aistor-operator-5.10.0" of bundle "FILE": reading chart archive: gzip: invalid header
received: an archive that Helm cannot load
expected: aistor-operator-5.10.0
hint: don't use this bundle; create a new one with: helm aistor bundle create FILE
`},
	} {
		name := s.createBundle(strings.ReplaceAll(what, " ", "-") + ".bundle")
		bundletest.Edit(t, name, tc.edit)
		for _, c := range []struct {
			args []string
			code int
		}{
			{[]string{"bundle", "verify", name}, term.ExitCheckFailed},
			{[]string{"bundle", "export", name, "aistor-operator", "--out", s.filePath("x.tgz")}, term.ExitError},
			{[]string{"bundle", "inspect", name}, term.ExitError},
			{s.toPrivate("push", name), term.ExitError},
			{[]string{"values", "--operator", "--bundle", name}, term.ExitError},
		} {
			r := s.runHelm("", c.args...)
			if diff := cmp.Diff(strings.Replace(tc.want, "FILE", name, 1), r.err); r.code != c.code || r.out != "" || diff != "" {
				t.Errorf("%s: %v: exit %d, want %d\n%s\n(-want +got):\n%s", what, c.args, r.code, c.code, r.out, diff)
			}
		}
	}
	if s.private.CountRequests("^(PUT|PATCH|POST)") > 0 {
		t.Error("something was pushed")
	}
}

func TestBundleSignAndVerify(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := private.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	s.writeFile("key", string(key))
	line, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	s.writeFile("key.pub", string(line))
	if r := s.runHelm("", "bundle", "verify", name, "--public-key", s.filePath("key.pub")); r.code != term.ExitCheckFailed || !strings.Contains(r.err, "create one with: helm aistor bundle sign") {
		t.Errorf("without a signature: exit %d\n%s", r.code, r.err)
	}
	s.mustRun("bundle", "sign", name, "--key", s.filePath("key"))
	for _, key := range []string{s.filePath("key.pub"), public.String()} {
		if out := s.mustRun("bundle", "verify", name, "--public-key", key); !strings.Contains(out, "signature too") {
			t.Errorf("got %s", out)
		}
	}
	other, _, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.runHelm("", "bundle", "verify", name, "--public-key", other.String()); r.code != term.ExitCheckFailed {
		t.Errorf("another key: exit %d\n%s", r.code, r.err)
	}
}

func TestBundleExport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	name := s.createBundle("a.bundle")
	for what, out := range map[string]string{
		operatorImage: "1.tar", "operator": "2.tar", "minio/aistor/operator:v1": "3.tar", "aistor-operator-5.10.0": "4.tgz", "aistor-operator": "5.tgz",
	} {
		s.mustRun("bundle", "export", name, what, "--out", s.filePath(out))
	}
	for _, pair := range [][2]string{{"1.tar", "2.tar"}, {"1.tar", "3.tar"}, {"4.tgz", "aistor-operator-5.10.0.tgz"}, {"5.tgz", "4.tgz"}} {
		a, errA := os.ReadFile(s.filePath(pair[0]))
		b, errB := os.ReadFile(s.filePath(pair[1]))
		if errA != nil || errB != nil || !cmp.Equal(a, b) {
			t.Errorf("%s and %s differ (%v, %v)", pair[0], pair[1], errA, errB)
		}
	}
	offered := s.mustRun("__complete", "bundle", "export", name, "")
	for _, want := range []string{"aistor-operator-5.10.0\tchart\n", operatorImage + "\timage\n"} {
		if !strings.Contains(offered, want) {
			t.Errorf("Tab offers %q, want %q", offered, want)
		}
	}
	r := s.runHelm("", "bundle", "export", name, "nothing")
	if r.code != term.ExitError || !strings.Contains(r.err, "bundle inspect") {
		t.Errorf("got exit %d\n%s", r.code, r.err)
	}
}

func TestBundleCreateListsHosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out := s.mustRun(append(s.connectedFlags("bundle", "create"), "--list-hosts", "--image", "nowhere.invalid/x:v1")...)
	if diff := cmp.Diff("nowhere.invalid\n", strings.TrimPrefix(out, s.upstream.Host+"\n")); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if files, _ := filepath.Glob(s.filePath("*.bundle*")); len(files) > 0 {
		t.Errorf("files were written: %v", files)
	}
}

// The archive of a chart may be elsewhere than the index that names it, and
// redirected from there.
func TestBundleCreateListsTheHostsOfCharts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	charts := chartRepository(t, s)
	out := s.mustRun("bundle", "create", "--list-hosts", "--repo", charts.url, "--ca", charts.ca, "--from", "5.10.0", "--platform", "linux/amd64",
		"--mirror", "quay.io="+s.upstream.Host+"/cache", "--registry-plain-http", s.upstream.Host)
	want := []string{s.upstream.Host, charts.host, charts.archives, charts.storage}
	slices.Sort(want)
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", out); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestDifferenceBundleLacksWhatTheSiteHasAndCompletesIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.upstream.AddImage(t, "cache/minio/aistor/operator", "v0", "linux/amd64", registrytest.NewLayer(1, layerSize))
	s.private.AddImage(t, "aistor/operator", "v0", "linux/amd64", registrytest.NewLayer(1, layerSize))
	file := s.writeFile("site.yaml", "apiVersion: upgrade.aistor.dev/v1alpha1\nkind: Site\nregistry:\n  registry: "+s.private.Host+
		"\nplatforms: [linux/amd64]\noperator: {namespace: aistor, release: aistor, chart: aistor-operator, version: 5.10.0}\nimages:\n- "+
		s.private.Host+"/aistor/operator:v0\n- elsewhere.example.com/x:v1\n")
	whole := s.createBundle("whole.bundle", "--for", file)
	part := s.createBundle("part.bundle", "--for", file, "--difference")
	a, errA := os.Stat(whole)
	b, errB := os.Stat(part)
	if errA != nil || errB != nil || a.Size()-b.Size() < layerSize {
		t.Fatalf("sizes %d and %d (%v, %v)", a.Size(), b.Size(), errA, errB)
	}
	if out := s.mustRun("bundle", "inspect", part); !strings.Contains(out, "difference bundle:") {
		t.Errorf("inspect does not say what it is:\n%s", out)
	}
	s.mustRun(s.toPrivate("push", part)...)
	if out := s.mustRun(s.toPrivate("push", whole, "--charts", "none", "--dry-run")...); !strings.Contains(out, "0 of 2 are missing") {
		t.Errorf("after the difference bundle:\n%s", out)
	}
	empty := newSite(t)
	if r := empty.runHelm("", empty.toPrivate("push", part)...); r.code != term.ExitError || !strings.Contains(r.err, "is neither in the bundle nor in the registry") || empty.private.CountRequests("^(PUT|PATCH)") > 0 {
		t.Errorf("a site that has nothing took it: %d\n%s", r.code, r.err)
	}
}

func TestFetchErrorsNameTheMirror(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.runHelm("", append(s.connectedFlags("bundle", "create", s.filePath("a.bundle")), "--image", "quay.io/minio/absent:v1")...)
	if want := "at its mirror \"" + s.upstream.Host + "/cache/minio/absent:v1\""; r.code != term.ExitError || !strings.Contains(r.err, want) {
		t.Errorf("got exit %d, the error lacks %s:\n%s", r.code, want, r.err)
	}
}
