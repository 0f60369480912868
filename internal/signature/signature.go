package signature

import (
	"errors"
	"fmt"

	"aead.dev/minisign"
)

// Suffix is put behind a file's name for its signature.
const Suffix = ".minisig"

// ErrMismatch says that a signature is not that of these bytes by this key.
var ErrMismatch = errors.New("it was not made for these bytes by this key")

// Sign signs a message with the content of a minisign secret key file. password
// is ignored for keys that have none. trusted is covered by the signature,
// untrusted is not; both are for people.
func Sign(message, key []byte, password, trusted, untrusted string) ([]byte, error) {
	var (
		private minisign.PrivateKey
		err     error
	)
	if minisign.IsEncrypted(key) {
		private, err = minisign.DecryptKey(password, key)
	} else {
		err = private.UnmarshalText(key)
	}
	if err != nil {
		return nil, fmt.Errorf("reading signing key: %w", err)
	}
	return minisign.SignWithComments(private, message, trusted, untrusted), nil
}

// Verify checks a signature against a minisign public key: a file's content or
// the bare line. It returns the bare line, which names the key, or
// [ErrMismatch] and errors of reading.
func Verify(message, publicKey, signature []byte) (string, error) {
	var key minisign.PublicKey
	if err := key.UnmarshalText(publicKey); err != nil {
		return "", fmt.Errorf("reading public key: %w", err)
	}
	var sig minisign.Signature
	if err := sig.UnmarshalText(signature); err != nil {
		return "", fmt.Errorf("reading signature: %w", err)
	}
	if !minisign.Verify(key, message, signature) {
		return "", ErrMismatch
	}
	return key.String(), nil
}
