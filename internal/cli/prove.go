package cli

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
)

// proof reads a bundle's file from end to end for the checks. It is not safe
// for concurrent use of one file, which nobody needs.
type proof struct {
	*Program
	file      string
	reader    bundle.Reader
	publicKey string
	signature string
}

// Prove says that every byte is as it was made, and signed where a key says by
// whom.
func (p proof) Prove(ctx context.Context) (string, error) {
	b, ok := p.reader.(*bundle.Bundle)
	if !ok {
		if p.publicKey != "" {
			return "", withHint(fmt.Errorf("checking the signature of %q: only a bundle's file has one", p.file), "helm aistor bundle export writes a file")
		}
		return "", nil
	}
	verify := bundleVerifyOptions{Program: p.Program, publicKey: p.publicKey, signature: p.signature}
	if err := verify.checkSignature(b); err != nil {
		return "", err
	}
	problems, err := b.Verify(ctx, nil)
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", fmt.Errorf("bundle %s: %d places are damaged, the first at byte %d: %s", p.file, len(problems), problems[0].Offset, problems[0].Reason)
	}
	return fmt.Sprintf("every byte of %s is as it was made%s", p.file, verify.signed()), nil
}
