package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sumsName is the file with the checksums of all files beside and below it.
const sumsName = "SHA256SUMS"

// seal writes the sums of a directory, and signs them and every archive where
// there is a key.
func (r Release) seal(dir string) error {
	if err := writeSums(dir); err != nil || r.Sign == nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch ending := filepath.Ext(path); {
		case d.Name() == sumsName, ending == ".tgz", ending == ".gz", ending == ".zip":
			return r.Sign(path, krewPlugin+" "+r.Version)
		}
		return nil
	})
}

// writeSums writes SHA256SUMS into a directory, as sha256sum -c reads it, sorted
// by name. Signatures are left out: they hold the time and prove themselves,
// and the sums of two builders can be compared.
func writeSums(dir string) error {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == sumsName || isSignature(path) {
			return err
		}
		sum, err := sumOf(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s  %s\n", sum, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return fmt.Errorf("writing checksums of %q: %w", dir, err)
	}
	return os.WriteFile(filepath.Join(dir, sumsName), []byte(b.String()), 0o644)
}

func isSignature(path string) bool {
	ending := filepath.Ext(path)
	return ending == ".prov" || ending == ".minisig"
}

func sumOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
