package verb

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// exportOptions write down an installation.
type exportOptions struct {
	*term.Program
	kube option.Kube
	option.Mirror
}

// NewExport is the command export, which writes the site file of an installation.
func NewExport(p *term.Program, kube option.Kube) *cobra.Command {
	o := &exportOptions{Program: p, kube: kube}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export the installation as a site file, without secrets",
		Long: "Export versions, registry, platforms, object stores and\n" +
			"images, but no secrets. Review the file, copy it to the connected side and pass it\n" +
			"to helm aistor bundle create --for.",
		Example: "  kubectl aistor-upgrade export > site.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.Mirror.AddFlags(cmd.Flags())
	return cmd
}

func (o *exportOptions) run(ctx context.Context) error {
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.Redactor()))
	if err != nil {
		return err
	}
	facts, err := client.Facts(ctx, cluster.Scope{OperatorNamespace: o.kube.ExplicitNamespace()})
	if err != nil {
		return err
	}
	if facts.Operator == nil {
		return planinput.NewNoOperatorError(facts)
	}
	site := plan.DescribeSite(facts)
	if site.Registry, err = o.OverrideRegistry(site.Registry); err != nil {
		return err
	}
	for _, g := range facts.Gaps {
		term.PrintLine(o.ErrOut, "warning: could not read %s: %s", g.Subject, g.Cause)
	}
	if site.Registry.Registry == "" {
		term.PrintLine(o.ErrOut, "warning: the installed values name no private registry; add it with --registry")
	}
	b, err := message.YAML(site)
	if err != nil {
		return fmt.Errorf("writing site: %w", err)
	}
	if _, err = o.Out.Write(b); err != nil {
		return err
	}
	return unseen(facts, notInSite...)
}

// notInSite are the resources that a site file says nothing of.
var notInSite = slices.DeleteFunc(slices.Clone(notInImages), func(r string) bool { return r == "nodes" })
