package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
)

// source is this repository: its own manifests and license are packed.
const source = "../../../.."

// sample is a release whose programs are small.
func sample(t *testing.T, version string) Release {
	t.Helper()
	programs := t.TempDir()
	r := Release{
		Version: version, Source: source,
		Platforms: []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "windows", Arch: "amd64"}},
		Programs:  func(p build.Platform) string { return filepath.Join(programs, p.OS) },
	}
	for _, p := range r.Platforms {
		if err := os.MkdirAll(r.Programs(p), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range build.Programs() {
			text := fmt.Sprintf("%s for %s", name, p)
			if err := os.WriteFile(filepath.Join(r.Programs(p), p.Program(name)), []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

func TestArchivesHoldWhatKrewAndHelmWant(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := sample(t, "1.2.3").WriteArchives(out, "https://files.example/x/"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"SHA256SUMS", "aistor-1.2.3-linux-amd64.tgz", "aistor-1.2.3-windows-amd64.tgz", "krew-manifest.yaml",
		"kubectl-aistor_upgrade_linux_amd64.tar.gz", "kubectl-aistor_upgrade_windows_amd64.zip",
	}
	if got := files(t, out); !slices.Equal(got, want) {
		t.Errorf("wrote %v", got)
	}
	if got := string(untar(t, filepath.Join(out, "aistor-1.2.3-windows-amd64.tgz"))["aistor/bin/helm-aistor.exe"]); got != "helm-aistor for windows/amd64" {
		t.Errorf("the Helm plugin's program is %q", got)
	}
	plugin := untar(t, filepath.Join(out, "aistor-1.2.3-linux-amd64.tgz"))
	for name, part := range map[string]string{
		"aistor/plugin.yaml": "\nversion: 1.2.3\n", "aistor/plugin.complete": "__complete",
		"aistor/LICENSE": "Apache License", "aistor/bin/helm-aistor": "helm-aistor for linux/amd64",
	} {
		if !strings.Contains(string(plugin[name]), part) {
			t.Errorf("%s lacks %q:\n%.300s", name, part, plugin[name])
		}
	}
	if page := string(plugin["aistor/man/man1/helm-aistor-upgrade.1"]); !strings.Contains(page, ".SH EXAMPLE") {
		t.Errorf("the Helm plugin's page on upgrade is %.300q", page)
	}
	krew := untar(t, filepath.Join(out, "kubectl-aistor_upgrade_linux_amd64.tar.gz"))
	if page := string(krew["man/man1/kubectl-aistor-upgrade-preflight.1"]); !strings.Contains(page, ".SH EXAMPLE") {
		t.Errorf("kubectl's plugin's page on preflight is %.300q", page)
	}
	manifest := read(t, filepath.Join(out, "krew-manifest.yaml"))
	for _, part := range []string{
		"  version: v1.2.3\n",
		"          os: windows\n          arch: amd64\n      uri: https://files.example/x/kubectl-aistor_upgrade_windows_amd64.zip\n",
		"      sha256: " + must(sumOf(filepath.Join(out, "kubectl-aistor_upgrade_linux_amd64.tar.gz")))(t) + "\n      bin: kubectl-aistor_upgrade\n",
		"      bin: kubectl-aistor_upgrade.exe\n",
	} {
		if !strings.Contains(manifest, part) {
			t.Errorf("the manifest lacks %q:\n%s", part, manifest)
		}
	}
	check := exec.Command("sha256sum", "-c", "--strict", "SHA256SUMS")
	check.Dir = out
	if text, err := check.CombinedOutput(); err != nil || strings.Count(string(text), ": OK\n") != 5 {
		t.Errorf("checking sums: %v\n%s", err, text)
	}
}

// A key signs the sums and every archive, a bill lies beside each archive, and
// sums hold bills but no signatures.
func TestSumsAreSignedAndHoldBills(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	r := sample(t, "1.2.3")
	r.Platforms = r.Platforms[:1]
	r.Bill = func(file, program, version string) error {
		return os.WriteFile(file, []byte(filepath.Base(program)+" "+version), 0o644)
	}
	r.Sign = func(file, product string) error { return os.WriteFile(file+".minisig", []byte(product), 0o644) }
	if err := r.WriteMirror(t.Context(), out, "https://files.example"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(out, "v1.2.3")
	want := []string{
		"SHA256SUMS", "SHA256SUMS.minisig", "aistor-1.2.3-linux-amd64.cdx.json",
		"aistor-1.2.3-linux-amd64.tgz", "aistor-1.2.3-linux-amd64.tgz.minisig",
		"http/aistor-1.2.3-linux-amd64.tgz", "http/aistor-1.2.3-linux-amd64.tgz.minisig", "krew-manifest.yaml",
		"kubectl-aistor_upgrade_linux_amd64.cdx.json",
		"kubectl-aistor_upgrade_linux_amd64.tar.gz", "kubectl-aistor_upgrade_linux_amd64.tar.gz.minisig",
	}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("wrote %q", got)
	}
	sums := read(t, filepath.Join(dir, "SHA256SUMS"))
	if strings.Contains(sums, "minisig") || strings.Count(sums, "cdx.json") != 2 {
		t.Errorf("the sums are of:\n%s", sums)
	}
	if got := read(t, filepath.Join(dir, "SHA256SUMS.minisig")); got != "aistor-upgrade 1.2.3" {
		t.Errorf("signed as %q", got)
	}
	if page := read(t, filepath.Join(out, "INSTALL.md")); !strings.Contains(page, "minisign -V") {
		t.Error("the page does not tell how to verify the signature")
	}
}

func TestTwoMirrorsAreTheSameBytes(t *testing.T) {
	t.Parallel()
	var mirrors [2]string
	for i := range mirrors {
		mirrors[i] = t.TempDir()
		if err := sample(t, "1.2.3").WriteMirror(t.Context(), mirrors[i], "http://files.example"); err != nil {
			t.Fatal(err)
		}
	}
	first := files(t, mirrors[0])
	if second := files(t, mirrors[1]); !slices.Equal(first, second) {
		t.Fatalf("wrote %v, then %v", first, second)
	}
	for _, name := range first {
		if read(t, filepath.Join(mirrors[0], name)) != read(t, filepath.Join(mirrors[1], name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestMirrorPointsAtItsOwnAddress(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	for _, version := range []string{"1.2.3", "1.3.0-rc.1"} {
		if err := sample(t, version).WriteMirror(t.Context(), out, "https://files.example/aistor/"); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, filepath.Join(out, "INSTALL.md")); !strings.Contains(got, "https://files.example/aistor/v1.3.0-rc.1/http/aistor-1.3.0-rc.1-") {
		t.Errorf("the page says:\n%s", got)
	}
	show := exec.Command("git", "--git-dir", filepath.Join(out, "index.git"), "show", "main:plugins/aistor-upgrade.yaml")
	got, err := show.Output()
	if err != nil || !bytes.Contains(got, []byte("uri: https://files.example/aistor/v1.3.0-rc.1/kubectl-aistor_upgrade_linux_amd64.tar.gz\n")) {
		t.Errorf("the index says, error %v:\n%s", err, got)
	}
	if untar(t, filepath.Join(out, "v1.2.3", "http", "aistor-1.2.3-linux-amd64.tgz"))["plugin.yaml"] == nil {
		t.Error("the older version is gone, or has no plugin.yaml at its root")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "file:///srv", "files.example", "/srv/aistor"} {
		if err := sample(t, "1.2.3").WriteMirror(t.Context(), t.TempDir(), url); err == nil || !strings.Contains(err.Error(), "base URL") {
			t.Errorf("address %q: got %v", url, err)
		}
	}
	for _, version := range []string{"", "v1.2.3", "1.2", "1.2.3/../x"} {
		if (Release{Version: version}).Validate() == nil {
			t.Errorf("version %q is accepted", version)
		}
	}
	if _, err := replaceOnce([]byte("a\nb\n"), "(?m)^version", "", "plugin.yaml"); err == nil {
		t.Error("a manifest without a version is accepted")
	}
}

func must(text string, err error) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// files are all files below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func untar(t *testing.T, name string) map[string][]byte {
	t.Helper()
	plain, err := gzip.NewReader(strings.NewReader(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	held := map[string][]byte{}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return held
		}
		if err != nil {
			t.Fatal(err)
		}
		if held[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// Older releases of Helm 3, 3.14 among them, run no entry that names no system,
// and sites without internet keep theirs for long.
func TestHelmFindsItsCommandOnEverySystemByName(t *testing.T) {
	t.Parallel()
	text := read(t, filepath.Join("..", "..", "..", "..", "plugin.yaml"))
	for system, program := range map[string]string{"linux": "helm-aistor", "darwin": "helm-aistor", "windows": "helm-aistor.exe"} {
		if !strings.Contains(text, "  - os: "+system+"\n    command: $HELM_PLUGIN_DIR/bin/"+program+"\n") {
			t.Errorf("plugin.yaml names no command for %s", system)
		}
	}
}

// A site that copies the index to a git server of its own pushes what is new
// without force; making the same version again gives nothing to push.
func TestTheIndexGoesForward(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	log := func(version string) []string {
		if err := sample(t, version).WriteMirror(t.Context(), out, "https://files.example"); err != nil {
			t.Fatal(err)
		}
		text, err := exec.Command("git", "--git-dir", filepath.Join(out, "index.git"), "log", "--format=%H %s", "main").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	first, second, again := log("1.2.3"), log("1.3.0"), log("1.3.0")
	if len(first) != 1 || len(second) != 2 || second[1] != first[0] {
		t.Errorf("after %q the index has %q", first, second)
	}
	if !slices.Equal(again, second) {
		t.Errorf("the same version again gives %q, had %q", again, second)
	}
}
