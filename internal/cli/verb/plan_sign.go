package verb

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/internal/signature"
)

// signPlan writes a signature of a plan's file beside it.
func (o *planOptions) signPlan(content []byte) error {
	key, err := os.ReadFile(o.signKey)
	if err != nil {
		return fmt.Errorf("reading signing key: %w", err)
	}
	password := ""
	if o.signPassword != "" {
		if password, err = o.signingPassword(); err != nil {
			return fmt.Errorf("reading the signing key's password: %w", err)
		}
		o.Redactor().AddValue(password)
	}
	sig, err := signature.Sign(content, key, password, "aistor-plan", "signature of an AIStor upgrade plan")
	if err != nil {
		return signingError(o.signKey, err, o.signPassword != "", "--sign-password-file")
	}
	if err := safefile.Write(o.out+signature.Suffix, sig, 0o644); err != nil {
		return fmt.Errorf("writing signature: %w", err)
	}
	term.PrintLine(o.ErrOut, "signature: %s", o.out+signature.Suffix)
	return nil
}

// signingPassword reads what --sign-password-file names.
func (o *planOptions) signingPassword() (string, error) {
	if o.signPassword == "-" {
		return o.ReadPassword(o.signKey)
	}
	b, err := os.ReadFile(o.signPassword)
	return strings.TrimRight(string(b), "\r\n"), err
}

// verifyPlan refuses a plan's file without a valid signature, and returns the
// key that made it.
func verifyPlan(file string, content []byte, keyFile string) (string, error) {
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return "", fmt.Errorf("reading public key: %w", err)
	}
	sig, err := os.ReadFile(file + signature.Suffix)
	if err != nil {
		return "", term.WithHint(fmt.Errorf("verifying the signature of plan %q: %w", file, err),
			"create one with: helm aistor plan --out FILE --sign KEY; copy both files")
	}
	by, err := signature.Verify(content, key, sig)
	if errors.Is(err, signature.ErrMismatch) {
		return "", term.WithHint(fmt.Errorf("verifying the signature of plan %q: %w", file, err),
			"the plan changed after signing, or was signed with another key; review and sign it again")
	}
	if err != nil {
		return "", fmt.Errorf("verifying the signature of plan %q: %w", file, err)
	}
	return by, nil
}
