package sign

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
)

// Minisign signs any file so that the stock minisign verifies it.
type Minisign struct{ key minisign.PrivateKey }

// LoadMinisign reads a secret key as `minisign -G` writes it. A protected key
// is opened with the first line of passwordFile, which is empty for other keys.
func LoadMinisign(file, passwordFile string) (*Minisign, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading signing key: %w", err)
	}
	m := &Minisign{}
	if !minisign.IsEncrypted(text) {
		if err := m.key.UnmarshalText(text); err != nil {
			return nil, fmt.Errorf("reading signing key %q: %w", file, err)
		}
		return m, nil
	}
	if passwordFile == "" {
		return nil, fmt.Errorf("opening signing key %q: it is protected, and no file with its password is named", file)
	}
	secret, err := os.ReadFile(passwordFile)
	if err != nil {
		return nil, fmt.Errorf("reading password: %w", err)
	}
	first, _, _ := strings.Cut(string(secret), "\n")
	if m.key, err = minisign.DecryptKey(strings.TrimSuffix(first, "\r"), text); err != nil {
		return nil, fmt.Errorf("opening signing key %q: %w", file, err)
	}
	return m, nil
}

// File writes name.minisig. The trusted comment, which minisign shows, is the
// file's own name and about; no clock is in it, so that the same file gives
// the same signature.
func (m *Minisign) File(name, about string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r := minisign.NewReader(f)
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("signing %q: %w", name, err)
	}
	signature := r.SignWithComments(m.key, filepath.Base(name)+" of "+about, "signature of a release of "+about)
	return os.WriteFile(name+".minisig", append(bytes.TrimSpace(signature), '\n'), 0o644)
}
