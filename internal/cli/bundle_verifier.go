package cli

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// bundleVerifier reads a bundle's file from end to end for the checks. It is not safe
// for concurrent use of one file, which nobody needs.
type bundleVerifier struct {
	*Program
	file      string
	reader    bundle.Reader
	publicKey string
	signature string
	// fullRead reads every byte; else only the signature is verified.
	fullRead bool
}

// signatureVerifier proves no more than the signature. It is for verbs that use the
// bundle: whatever they read of it is held against its digest, and what they
// don't need is not worth minutes of reading. It is nil without a bundle.
func signatureVerifier(t *target, p *Program, file, publicKey, signature string) preflight.BundleVerifier {
	if t.bundle == nil {
		return nil
	}
	return bundleVerifier{Program: p, file: file, reader: t.bundle, publicKey: publicKey, signature: signature}
}

// VerifyBundle says that every byte is as it was made, and signed where a key says by
// whom.
func (p bundleVerifier) VerifyBundle(ctx context.Context) (string, error) {
	b, ok := p.reader.(*bundle.Bundle)
	if !ok {
		if p.publicKey != "" {
			return "", withHint(fmt.Errorf("verifying the signature of %q: only bundle files are signed", p.file), "extract a file with: helm aistor bundle export")
		}
		return "", nil
	}
	verify := signatureOptions{publicKey: p.publicKey, signature: p.signature}
	if err := verify.checkSignature(b); err != nil {
		return "", err
	}
	if !p.fullRead {
		return p.signatureResult(), nil
	}
	problems, err := b.Verify(ctx, nil)
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", fmt.Errorf("bundle %s: %d corrupt ranges, the first at byte %d: %s", p.file, len(problems), problems[0].Offset, problems[0].Reason)
	}
	return fmt.Sprintf("every byte of %s verified%s", p.file, verify.signatureText()), nil
}

// signatureResult says what is proved without reading everything; nothing where there is
// no signature to verify.
func (p bundleVerifier) signatureResult() string {
	if p.publicKey == "" {
		return ""
	}
	return fmt.Sprintf("signature of %s verified; contents are verified against digests when read", p.file)
}
