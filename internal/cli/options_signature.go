package cli

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
)

// signatureOptions name a public key and a signature of a bundle.
type signatureOptions struct {
	publicKey string
	signature string
}

func (o *signatureOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.publicKey, "public-key", "", "minisign public key, or a file with it: the signature is checked as well")
	fs.StringVar(&o.signature, "signature", "", "file with the signature (default: FILE"+bundle.SignatureSuffix+")")
}

func (o *signatureOptions) signatureText() string {
	if o.publicKey == "" {
		return ""
	}
	return ", signature too"
}

// checkSignature does so where a key was given.
func (o *signatureOptions) checkSignature(b *bundle.Bundle) error {
	if o.publicKey == "" {
		return nil
	}
	key := []byte(o.publicKey)
	if read, err := os.ReadFile(o.publicKey); err == nil {
		key = read
	}
	name := o.signature
	if name == "" {
		name = signatureFile(b.Path())
	}
	signature, err := os.ReadFile(name)
	if err != nil {
		return withHint(fmt.Errorf("reading signature: %w", err), "helm aistor bundle sign makes one; --signature names it where it has another name")
	}
	return bundle.VerifySignature(b, key, signature)
}
