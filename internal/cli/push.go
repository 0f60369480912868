package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// pushOptions move a bundle into the private registry.
type pushOptions struct {
	*Program
	registryOptions
	mirrorOptions
	site siteOptions
	outputOptions

	dryRun       bool
	repositories bool
	overwrite    bool
	charts       string
	receipt      string
}

func newPush(p *Program) *cobra.Command {
	o := &pushOptions{Program: p, outputOptions: newOutputOptions()}
	cmd := &cobra.Command{
		Use:   "push FILE",
		Short: "Push a bundle into the private registry",
		Long: "Push what a bundle carries into the private registry. What is there already is\n" +
			"not sent again; tags and digests stay what they are. No cluster is needed.",
		Example: `  helm aistor push aistor.bundle --registry registry.example.com:5000

  # What must the registry's owner create?
  helm aistor push aistor.bundle --registry registry.example.com:5000 --print-repositories

  # With a password from a file, and evidence
  helm aistor push aistor.bundle --site site.yaml --registry-user robot --password-stdin --receipt receipt.json < password`,
		Args: exactArgs(1, "the bundle's file"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file that names the registry; flags win over it")
	o.outputOptions.addFlags(fs)
	fs.BoolVar(&o.dryRun, "dry-run", false, "only say what is missing")
	fs.BoolVar(&o.repositories, "print-repositories", false, "only list the repositories a push needs")
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "move tags that point elsewhere")
	fs.StringVar(&o.charts, "charts", "", "path for the charts in the registry, or none (default: charts below the prefix)")
	fs.StringVar(&o.receipt, "receipt", "", "write what went where as JSON to this file")
	return cmd
}

func (o *pushOptions) run(ctx context.Context, file string) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	site, err := o.site.read(o.Program)
	if err != nil {
		return err
	}
	target, err := registryOf(o.mirrorOptions, site, nil)
	if err != nil {
		return err
	}
	b, err := openBundle(file)
	if err != nil {
		return err
	}
	defer b.Close()
	opts := images.PushOptions{
		Concurrency: o.concurrency, OverwriteTags: o.overwrite, DryRun: o.dryRun,
		NoCharts: o.charts == "none", ChartsPath: o.charts,
	}
	if opts.NoCharts {
		opts.ChartsPath = ""
	}
	if o.repositories {
		for _, r := range images.Repositories(b.Source(), target.Mirror, opts) {
			line(o.Out, "%s", r)
		}
		return nil
	}
	client, err := o.client(o.Program, target.MapPushHost())
	if err != nil {
		return err
	}
	events, end := o.progress("pushing")
	opts.Progress = events
	receipt, err := images.Push(ctx, b.Source(), client, target.Mirror, opts)
	end()
	if saved := o.save(receipt); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	return o.print(o.Out, receipt, func(w io.Writer) { printReceipt(w, receipt) })
}

// save keeps the receipt also of a push that failed: it says what was done.
func (o *pushOptions) save(r images.Receipt) error {
	if o.receipt == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	if err := os.WriteFile(o.receipt, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	return nil
}

func printReceipt(w io.Writer, r images.Receipt) {
	var rows [][]string
	for _, a := range r.Artifacts {
		rows = append(rows, []string{string(a.Outcome), a.Destination, shortDigest(a.Digest)})
	}
	writeTable(w, []string{"OUTCOME", "DESTINATION", "DIGEST"}, rows)
	line(w, "\n%d of %d were not there before, %s sent", r.Pushed(), len(r.Artifacts), bytesText(r.Sent()))
}
