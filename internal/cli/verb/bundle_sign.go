package verb

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// bundleSignOptions sign a bundle.
type bundleSignOptions struct {
	*term.Program
	key           string
	passwordStdin bool
}

func newBundleSign(p *term.Program) *cobra.Command {
	o := &bundleSignOptions{Program: p}
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a bundle with a minisign key",
		Long: "Write a signature next to the bundle, as FILE" + bundle.SignatureSuffix + ". It covers index.json, which\n" +
			"refers to everything else by digest. minisign can verify it, too:\n" +
			"  tar -xOf FILE index.json > index.json && minisign -Vm index.json -x FILE" + bundle.SignatureSuffix + " -p minisign.pub",
		Example: "  helm aistor bundle sign aistor.bundle --key minisign.key --password-stdin < password",
		Args:    term.ExactArgs(1, "the bundle's file"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.key, "key", "", "minisign secret key file")
	fs.BoolVar(&o.passwordStdin, "password-stdin", false, "read the key's password from standard input")
	return cmd
}

func (o *bundleSignOptions) run(file string) error {
	if o.key == "" {
		return term.WithHint(fmt.Errorf("signing bundle %q: --key is required", file), "create a key pair with: minisign -G")
	}
	key, err := os.ReadFile(o.key)
	if err != nil {
		return fmt.Errorf("reading signing key: %w", err)
	}
	password := ""
	if o.passwordStdin {
		if password, err = o.ReadPassword(o.key); err != nil {
			return fmt.Errorf("reading the password of %q: %w", o.key, err)
		}
		o.Redactor().AddValue(password)
	}
	b, err := workflow.OpenBundleFile(file)
	if err != nil {
		return err
	}
	defer b.Close()
	signature, err := bundle.Sign(b, key, password)
	if err != nil {
		return signingError(o.key, err, o.passwordStdin, "--password-stdin")
	}
	name := option.SignatureFile(file)
	if err := safefile.Write(name, signature, 0o644); err != nil {
		return fmt.Errorf("writing signature: %w", err)
	}
	term.PrintLine(o.Out, "%s %s", b.Digest(), name)
	return nil
}

// signingError says why a key file did not sign; flag is how its password is given.
func signingError(key string, err error, password bool, flag string) error {
	hint := "an encrypted key requires " + flag
	if password {
		hint = "check the password of the key"
	}
	return term.WithHint(fmt.Errorf("signing with %q: %w", key, err), hint)
}
