package verb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/internal/supportbundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// collectOptions gather what whoever helps wants to see.
type collectOptions struct {
	*term.Program
	kube  option.Kube
	lines int64
	pods  int
}

// NewCollect is the command collect, which writes an archive for support.
func NewCollect(p *term.Program, kube option.Kube) *cobra.Command {
	o := &collectOptions{Program: p, kube: kube}
	cmd := &cobra.Command{
		Use:   "collect FILE.tar.gz",
		Short: "Create a support bundle with logs, events, objects and reports, without secrets",
		Long: "Collect logs, events, objects, upgrade journals and current reports\n" +
			"into one archive for support. Secrets are redacted; nothing is changed, and\n" +
			"nothing is uploaded.",
		Example: `  kubectl aistor-upgrade collect aistor.tar.gz

  # What is in it?
  tar -tzf aistor.tar.gz`,
		Args: term.ExactArgs(1, "FILE.tar.gz"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().Int64Var(&o.lines, "tail", 1000, "lines of each container's log; -1 for no logs")
	cmd.Flags().IntVar(&o.pods, "pods", 4, "number of ready pods per object store whose logs are collected; unready pods are always included")
	return cmd
}

func (o *collectOptions) run(ctx context.Context, file string) error {
	opts, err := o.archiveOptions(ctx)
	if err != nil {
		return err
	}
	f, err := safefile.Create(file, 0o600)
	if errors.Is(err, os.ErrExist) {
		return term.WithHint(fmt.Errorf("creating %q: file already exists", file), "name another file, or remove this one")
	}
	if err != nil {
		return fmt.Errorf("creating archive: %w", err)
	}
	defer f.Abort()
	index, err := supportbundle.Write(ctx, f, opts)
	if err == nil {
		err = f.Commit()
	}
	if err != nil {
		return errors.Join(term.InterruptionError(ctx), err)
	}
	for _, m := range index.Missing {
		term.PrintLine(o.ErrOut, "warning: not collected: %s", term.SanitizeText(m))
	}
	term.PrintLine(o.Out, "%s: %s", file, plural.Count(len(index.Files), "file"))
	term.PrintLine(o.ErrOut, "Review it before sharing: it contains host, user and\nnamespace names.")
	if f := opts.Facts; f.Operator == nil && len(f.Stores)+len(f.Workloads)+len(f.Pods)+len(f.Releases) == 0 {
		return unseen(f) // the archive has nothing of AIStor, and may only for want of rights
	}
	return nil
}

// archiveOptions reads the cluster once, for facts and reports.
func (o *collectOptions) archiveOptions(ctx context.Context) (supportbundle.Options, error) {
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.Redactor()))
	if err != nil {
		return supportbundle.Options{}, err
	}
	facts, err := client.Facts(ctx, cluster.Scope{OperatorNamespace: o.kube.ExplicitNamespace(), Events: true})
	if err != nil {
		return supportbundle.Options{}, err
	}
	config, err := o.kube.ToRESTConfig()
	if err != nil {
		return supportbundle.Options{}, fmt.Errorf("reading kubeconfig: %w", err)
	}
	config.QPS = -1
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return supportbundle.Options{}, fmt.Errorf("connecting to the cluster: %w", err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return supportbundle.Options{}, fmt.Errorf("connecting to the cluster: %w", err)
	}
	opts := supportbundle.Options{Client: typed, Dynamic: dyn, Facts: facts, Lines: o.lines, Pods: o.pods,
		Tool: "aistor-upgrade " + o.Version, Now: o.Now(), Redactor: o.Redactor(), Documents: o.runReports(ctx, facts)}
	if facts.Operator == nil {
		return opts, nil
	}
	runs, err := journal.List(ctx, typed, facts.Operator.Namespace)
	if err != nil {
		term.PrintLine(o.ErrOut, "warning: journals of upgrades could not be read: %v", err)
	}
	for _, r := range runs {
		opts.Documents["journals/"+strings.ReplaceAll(r.Plan, ":", "-")] = r
	}
	return opts, nil
}

// runReports runs the checks of preflight and validate without a bundle, but
// for what only a registry can answer.
func (o *collectOptions) runReports(ctx context.Context, facts *plan.Facts) map[string]any {
	s := &preflight.Subject{Facts: facts, Now: o.Now(), Site: plan.DescribeSite(facts).Registry}
	return map[string]any{
		"preflight": o.kube.RunChecks(ctx, preflight.FilterByPhase(preflight.PreUpgradeChecks(), preflight.PhaseA), s, preflight.Options{}),
		"validate":  o.kube.RunChecks(ctx, preflight.PostUpgradeChecks(), s, preflight.Options{}),
	}
}
