package sign

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"
)

func TestMinisignVerifiesWhatWasSigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := private.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	locked, err := minisign.EncryptKey("planted", private)
	if err != nil {
		t.Fatal(err)
	}
	password := put(t, dir, "password", []byte("planted\n"))
	for name, c := range map[string]struct{ key, password string }{
		"a plain key":     {put(t, dir, "plain.key", plain), ""},
		"a protected key": {put(t, dir, "locked.key", locked), password},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := LoadMinisign(c.key, c.password)
			if err != nil {
				t.Fatal(err)
			}
			file := put(t, t.TempDir(), "SHA256SUMS", []byte("00  x\n"))
			if err := m.File(file, "aistor-upgrade 1.2.3"); err != nil {
				t.Fatal(err)
			}
			verify(t, public, file)
			first := string(get(t, file+".minisig"))
			if err := m.File(file, "aistor-upgrade 1.2.3"); err != nil || string(get(t, file+".minisig")) != first {
				t.Errorf("signing again gives another signature, error %v", err)
			}
		})
	}
	for name, c := range map[string]struct{ key, password, want string }{
		"no password": {put(t, dir, "a.key", locked), "", "no file with its password"},
		"no key":      {put(t, dir, "b.key", []byte("hello\n")), "", "reading signing key"},
		"no file":     {filepath.Join(dir, "none"), "", "reading signing key"},
	} {
		if _, err := LoadMinisign(c.key, c.password); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// verify asks the library, and the stock program where the machine has it.
func verify(t *testing.T, public minisign.PublicKey, file string) {
	t.Helper()
	signature := get(t, file+".minisig")
	r := minisign.NewReader(bytes.NewReader(get(t, file)))
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if !r.Verify(public, signature) {
		t.Errorf("the signature is not that of the file:\n%s", signature)
	}
	program, err := exec.LookPath("minisign")
	if err != nil {
		return
	}
	out, err := exec.CommandContext(t.Context(), program, "-V", "-P", public.String(), "-m", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SHA256SUMS of aistor-upgrade 1.2.3") {
		t.Errorf("minisign says: %v\n%s", err, out)
	}
}

func put(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func get(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
