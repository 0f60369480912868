package bundle

import (
	"errors"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/signature"
)

// SignatureSuffix is put behind a bundle's name for its signature.
const SignatureSuffix = signature.Suffix

// IndexJSON returns the bytes a signature is over. Everything else in the
// bundle follows from them by digest. It is what "tar -xOf F index.json"
// prints, so that the stock minisign can verify it.
func (b *Bundle) IndexJSON() ([]byte, error) {
	return b.readEntry(b.layout.entries[1], maxIndexSize)
}

// Sign signs the bundle with a minisign secret key file's content. The
// signature is what minisign writes; its trusted comment names the bundle.
func Sign(b *Bundle, key []byte, password string) ([]byte, error) {
	index, err := b.IndexJSON()
	if err != nil {
		return nil, err
	}
	return signature.Sign(index, key, password, "aistor-bundle "+b.digest, "signature of index.json in an AIStor bundle")
}

// SignatureError says that a signature is not that of the bundle by the key.
type SignatureError struct{ Path string }

// Error implements error.
func (e *SignatureError) Error() string {
	return fmt.Sprintf("verifying the signature of bundle %q: it was not made for these bytes by this key", e.Path)
}

// VerifySignature checks a signature against a minisign public key: a file's
// content or the bare line. That the bundle's other bytes are those that
// index.json names is what [Bundle.Verify] shows.
func VerifySignature(b *Bundle, publicKey, sig []byte) error {
	index, err := b.IndexJSON()
	if err != nil {
		return err
	}
	if _, err := signature.Verify(index, publicKey, sig); errors.Is(err, signature.ErrMismatch) {
		return &SignatureError{Path: b.path}
	} else if err != nil {
		return err
	}
	return nil
}
