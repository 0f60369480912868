package option

import (
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// SignatureFile is where a bundle's signature is, also where the bundle was
// named by one of its parts.
func SignatureFile(path string) string {
	return regexp.MustCompile(`\.part\d{3}$`).ReplaceAllString(path, "") + bundle.SignatureSuffix
}

// Signature names a public key and a signature of a bundle.
type Signature struct {
	PublicKey string
	Signature string
}

// AddFlags registers the flags of the group.
func (o *Signature) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.PublicKey, "public-key", "", "minisign public key, or a file with it: the signature is checked as well")
	fs.StringVar(&o.Signature, "signature", "", "file with the signature (default: FILE"+bundle.SignatureSuffix+")")
}

// SignatureText says that the signature was checked too, for the end of a
// message; empty without a key.
func (o *Signature) SignatureText() string {
	if o.PublicKey == "" {
		return ""
	}
	return ", signature too"
}

// CheckSignature does so where a key was given.
func (o *Signature) CheckSignature(b *bundle.Bundle) error {
	if o.PublicKey == "" {
		return nil
	}
	key := []byte(o.PublicKey)
	if read, err := os.ReadFile(o.PublicKey); err == nil {
		key = read
	}
	name := o.Signature
	if name == "" {
		name = SignatureFile(b.Path())
	}
	signature, err := os.ReadFile(name)
	if err != nil {
		return term.WithHint(fmt.Errorf("reading signature: %w", err), "create one with: helm aistor bundle sign; or name the file with --signature")
	}
	return bundle.VerifySignature(b, key, signature)
}
