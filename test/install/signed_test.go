package install

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// keys makes a key pair: a file with the secret part, and a keyring for Helm.
func keys(t *testing.T) (secret, keyring string) {
	t.Helper()
	e, err := openpgp.NewEntity("Releases", "", "releases@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var private, public bytes.Buffer
	if err := e.SerializePrivate(&private, nil); err != nil {
		t.Fatal(err)
	}
	if err := e.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secret, keyring = filepath.Join(dir, "secret.gpg"), filepath.Join(dir, "public.gpg")
	for name, b := range map[string][]byte{secret: private.Bytes(), keyring: public.Bytes()} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return secret, keyring
}

// Helm 4 verifies what a key has signed, as a file and over http, and refuses
// what another client signed.
func TestHelm4VerifiesSignedArchives(t *testing.T) {
	t.Parallel()
	secret, keyring := keys(t)
	_, stranger := keys(t)
	m := newMirror(t.TempDir(), "application/gzip")
	t.Cleanup(m.server.Close)
	if err := m.publish(t.Context(), version, stubs(t, version), "--helm-key", secret); err != nil {
		t.Fatal(err)
	}
	name := "aistor-" + version + "-" + platform("-") + ".tgz"
	for way, source := range map[string]string{
		"file": m.folder() + "/v" + version + "/" + name,
		"http": m.url + "/v" + version + "/http/" + name,
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, "helm4", m.folder())
			if said, code := h.run(t, "helm plugin install --keyring "+stranger+" "+source); code == 0 || !strings.Contains(said, "verification failed") {
				t.Errorf("with a stranger's key exit %d:\n%s", code, said)
			}
			said := h.must(t, "helm plugin install --keyring "+keyring+" "+source+"; helm plugin list")
			if !strings.Contains(said, "Releases") {
				t.Errorf("Helm does not say who signed:\n%s", said)
			}
			if got := h.must(t, "helm aistor version"); got != "v"+version+"\n" {
				t.Errorf("installed %q", got)
			}
		})
	}
	// Sums hold archives, not signatures.
	first, _ := page(t, filepath.Join(m.folder(), "INSTALL.md"))
	if said := newHost(t, "helm4", m.folder()).must(t, first); strings.Contains(said, ".prov") {
		t.Errorf("signatures are summed:\n%s", said)
	}
}
