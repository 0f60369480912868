package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// validateOptions look after an upgrade.
type validateOptions struct {
	preflightOptions
	planFile string
	expect   []string
}

func newValidate(p *Program, kube kubeOptions) *cobra.Command {
	o := &validateOptions{preflightOptions: preflightOptions{targetOptions: newTargetOptions(p, kube), outputOptions: newViewOptions()}}
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check that everything runs what it should",
		Long: "Check images, roll-outs, health and releases after an upgrade. Nothing is\n" +
			"changed. What should run comes from --plan, --bundle or --expect, else from\n" +
			"the releases themselves.",
		Example: `  kubectl aistor-upgrade validate

  # Against the plan that was carried out
  kubectl aistor-upgrade validate --plan plan.yaml

  # Against one version
  kubectl aistor-upgrade validate --expect minio=RELEASE.2026-06-06T02-44-06Z`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	o.checks.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.planFile, "plan", "", "plan file that was carried out")
	cmd.Flags().StringArrayVar(&o.expect, "expect", nil, "what a container must run, as minio=TAG (can be repeated)")
	return cmd
}

func (o *validateOptions) run(ctx context.Context) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	if o.checks.list {
		printChecks(o.Out, preflight.After())
		return nil
	}
	subject, t, err := o.subject(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := o.expectations(subject); err != nil {
		return err
	}
	opts, err := o.checks.options(t.site)
	if err != nil {
		return err
	}
	report := o.report(ctx, preflight.After(), subject, opts)
	if err := o.print(o.Out, report, func(w io.Writer) {
		printImages(w, subject.Facts)
		printReport(w, report)
	}); err != nil {
		return err
	}
	return verdict(report)
}

func (o *validateOptions) expectations(s *preflight.Subject) error {
	var err error
	if s.Expect, err = pairs("expect", o.expect); err != nil || o.planFile == "" {
		return err
	}
	s.Plan, err = readPlan(o.planFile)
	return err
}

// printImages shows the image of every minio container, the way the documented
// check does:
//
//	kubectl get pods -o jsonpath='{.items[*].spec.containers[?(@.name=="minio")].image}'
func printImages(w io.Writer, f *plan.Facts) {
	line(w, `%s`, "\nImages of the containers named minio, as in")
	line(w, `%s`, `  kubectl get pods -o jsonpath='{.items[*].spec.containers[?(@.name=="minio")].image}'`)
	counts := map[string]int{}
	var order []string
	for _, p := range f.Pods {
		for _, c := range p.Containers {
			if c.Name != "minio" || c.Init {
				continue
			}
			key := p.Store + "\x00" + c.Image
			if counts[key] == 0 {
				order = append(order, key)
			}
			counts[key]++
		}
	}
	var rows [][]string
	for _, key := range order {
		store, image, _ := strings.Cut(key, "\x00")
		rows = append(rows, []string{orDash(store), fmt.Sprint(counts[key]), image})
	}
	writeTable(w, []string{"OBJECT STORE", "PODS", "IMAGE"}, rows)
}
