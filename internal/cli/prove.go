package cli

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// proof reads a bundle's file from end to end for the checks. It is not safe
// for concurrent use of one file, which nobody needs.
type proof struct {
	*Program
	file      string
	reader    bundle.Reader
	publicKey string
	signature string
	// whole reads every byte; else only the signature is looked at.
	whole bool
}

// proofAsRead proves no more than the signature. It is for verbs that use the
// bundle: whatever they read of it is held against its digest, and what they
// don't need is not worth minutes of reading. It is nil without a bundle.
func proofAsRead(t *target, p *Program, file, publicKey, signature string) preflight.Prover {
	if t.bundle == nil {
		return nil
	}
	return proof{Program: p, file: file, reader: t.bundle, publicKey: publicKey, signature: signature}
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
	if !p.whole {
		return p.asRead(), nil
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

// asRead says what is proved without reading everything; nothing where there is
// no signature to look at.
func (p proof) asRead() string {
	if p.publicKey == "" {
		return ""
	}
	return fmt.Sprintf("%s is signed, and what is used of it is held against its digests as it is read", p.file)
}
