package workflow

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// BundleVerifier reads a bundle's file from end to end for the checks. It is not safe
// for concurrent use of one file, which nobody needs.
type BundleVerifier struct {
	*term.Program
	File      string
	Reader    bundle.Reader
	PublicKey string
	Signature string
	// FullRead reads every byte; else only the signature is verified.
	FullRead bool
}

// SignatureVerifier proves no more than the signature. It is for verbs that use the
// bundle: whatever they read of it is held against its digest, and what they
// don't need is not worth minutes of reading. It is nil without a bundle.
func SignatureVerifier(t *Target, p *term.Program, file, publicKey, signature string) preflight.BundleVerifier {
	if t.Bundle == nil {
		return nil
	}
	return BundleVerifier{Program: p, File: file, Reader: t.Bundle, PublicKey: publicKey, Signature: signature}
}

// VerifyBundle says that every byte is as it was made, and signed where a key says by
// whom.
func (p BundleVerifier) VerifyBundle(ctx context.Context) (string, error) {
	b, ok := p.Reader.(*bundle.Bundle)
	if !ok {
		if p.PublicKey != "" {
			return "", term.WithHint(fmt.Errorf("verifying the signature of %q: only bundle files are signed", p.File), "extract a file with: helm aistor bundle export")
		}
		return "", nil
	}
	verify := option.Signature{PublicKey: p.PublicKey, Signature: p.Signature}
	if err := verify.CheckSignature(b); err != nil {
		return "", err
	}
	if !p.FullRead {
		return p.signatureResult(), nil
	}
	problems, err := b.Verify(ctx, nil)
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", fmt.Errorf("bundle %s: %s, the first at byte %d: %s", p.File, plural.Count(len(problems), "corrupt range"), problems[0].Offset, problems[0].Reason)
	}
	return fmt.Sprintf("every byte of %s verified%s", p.File, verify.SignatureText()), nil
}

// signatureResult says what is proved without reading everything; nothing where there is
// no signature to verify.
func (p BundleVerifier) signatureResult() string {
	if p.PublicKey == "" {
		return ""
	}
	return fmt.Sprintf("signature of %s verified; contents are verified against digests when read", p.File)
}
