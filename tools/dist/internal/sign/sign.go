package sign

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// Key signs archives.
type Key struct{ entity *openpgp.Entity }

// Load reads the first secret key of a file, armored or not, as `gpg
// --export-secret-keys` writes it. A protected key is opened with the first
// line of passphraseFile, which is empty for other keys.
func Load(file, passphraseFile string) (*Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading signing key: %w", err)
	}
	read := openpgp.ReadKeyRing
	if bytes.Contains(b, []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("reading signing key %q: %w", file, err)
	}
	for _, e := range ring {
		if e.PrivateKey != nil {
			return open(e, file, passphraseFile)
		}
	}
	return nil, fmt.Errorf("reading signing key %q: it holds public keys only\nhint: gpg --export-secret-keys --armor ID > FILE", file)
}

func open(e *openpgp.Entity, file, passphraseFile string) (*Key, error) {
	if !e.PrivateKey.Encrypted {
		return &Key{e}, nil
	}
	if passphraseFile == "" {
		return nil, fmt.Errorf("opening signing key %q: it is protected, and no file with its passphrase is named", file)
	}
	b, err := os.ReadFile(passphraseFile)
	if err != nil {
		return nil, fmt.Errorf("reading passphrase: %w", err)
	}
	passphrase, _, _ := strings.Cut(string(b), "\n")
	if err := e.DecryptPrivateKeys([]byte(strings.TrimSuffix(passphrase, "\r"))); err != nil {
		return nil, fmt.Errorf("opening signing key %q: %w", file, err)
	}
	return &Key{e}, nil
}

// Provenance writes archive.prov. What the archive is, its plugin.yaml, comes
// first for people; Helm compares the checksum under the archive's own name, so
// that a renamed archive is refused.
func (k *Key) Provenance(archive string, about []byte) error {
	b, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := clearsign.Encode(&out, k.entity.PrivateKey, nil)
	if err != nil {
		return fmt.Errorf("signing %q: %w", archive, err)
	}
	_, err = fmt.Fprintf(w, "%s\n...\nfiles:\n  %s: sha256:%x\n", bytes.TrimSpace(about), filepath.Base(archive), sha256.Sum256(b))
	if closing := w.Close(); err == nil {
		err = closing // here it is signed
	}
	if err != nil {
		return fmt.Errorf("signing %q: %w", archive, err)
	}
	return os.WriteFile(archive+".prov", out.Bytes(), 0o644)
}
