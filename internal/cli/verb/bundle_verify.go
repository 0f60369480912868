package verb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// bundleVerifyOptions prove a bundle.
type bundleVerifyOptions struct {
	*term.Program
	option.Signature
}

func newBundleVerify(p *term.Program) *cobra.Command {
	o := &bundleVerifyOptions{Program: p}
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify every byte of a bundle",
		Long: "Verify every byte of a bundle with the recorded digests.\n" +
			"With a public key, check the signature first. Exit code 3 means damage.",
		Example: `  helm aistor bundle verify aistor.bundle

  # Also verify the signature
  helm aistor bundle verify aistor.bundle --public-key minisign.pub`,
		Args: term.ExactArgs(1, "the bundle's file"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.Signature.AddFlags(fs)
	return cmd
}

func (o *bundleVerifyOptions) run(ctx context.Context, file string) error {
	if strings.HasPrefix(file, option.OCIScheme) {
		return term.WithHint(fmt.Errorf("verifying bundle %q: bundles in a registry need no verification: every read is checked against its digest", file),
			"helm aistor bundle inspect "+file+" shows it")
	}
	b, err := workflow.OpenBundleFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
		return term.WithCode(term.ExitCheckFailed, err)
	}
	defer b.Close()
	if err := o.CheckSignature(b); err != nil {
		return term.WithCode(term.ExitCheckFailed, err)
	}
	events, end := o.StartProgress("verifying")
	problems, err := b.Verify(ctx, events)
	end()
	if err != nil {
		return err
	}
	for _, x := range problems {
		printProblem(o.Program, file, x)
	}
	if len(problems) > 0 {
		return term.WithCode(term.ExitCheckFailed, term.WithHint(
			fmt.Errorf("verifying bundle %q: damaged in %s", file, plural.Count(len(problems), "place")), "copy the file again"))
	}
	term.PrintLine(o.Out, "%s %s verified%s", b.Digest(), file, o.SignatureText())
	return nil
}

// printProblem says where the damage is and what it hits.
func printProblem(p *term.Program, file string, x bundle.Problem) {
	if x.File != "" {
		file = x.File
	}
	what := ""
	if x.Digest != "" {
		what = fmt.Sprintf(": blob %s of %s", x.Digest, strings.Join(x.Subject, ", "))
	}
	term.PrintLine(p.ErrOut, "damaged: %s at byte %d%s: %s", file, x.Offset, what, x.Reason)
}
