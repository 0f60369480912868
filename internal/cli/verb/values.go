package verb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ValuesOptions rewrite the values of one release, and explain them.
type ValuesOptions struct {
	*term.Program
	kube option.Kube
	option.Registry
	option.Mirror
	option.Output
	site option.Site

	files            []string
	sets             option.Sets
	literal          []string
	operator         bool
	store            string
	chartFile        string
	fromFile         string
	bundleFile       string
	write            bool
	explain          bool
	imageOnly        string
	detailedExitcode bool
}

// NewValues is the command values, which rewrites and explains values.
func NewValues(p *term.Program, kube option.Kube) *cobra.Command {
	o := &ValuesOptions{Program: p, kube: kube, Output: option.Output{
		Format: FormatDiff, Formats: []string{FormatDiff, "table", "json", "yaml", formatTagMirrorSet, formatHosts},
	}}
	cmd := &cobra.Command{
		Use:   "values",
		Short: "Rewrite values so that every image comes from the private registry",
		Long: "Rewrite values so that every image comes from the private registry, with its pull\n" +
			"secret, in the syntax of the target chart, and verify the result by rendering.\n" +
			"Comments, order and line endings of files are preserved. Without files, the\n" +
			"values of the release are used.",
		Example: `  # Show the required changes for the charts of a bundle
  helm aistor values --operator -f operator.yaml --bundle aistor.bundle

  # Change the file and keep a backup
  helm aistor values --operator -f operator.yaml --bundle aistor.bundle --write

  # Also change a setting in the file
  helm aistor values --operator -f operator.yaml --set images.mc.image=mc:RELEASE.X --write

  # Save the rewritten values of a release
  helm aistor values --object-store team-a/primary --bundle aistor.bundle -o yaml > primary.yaml

  # Show values without effect in the new chart
  helm aistor values --operator --bundle aistor.bundle --explain`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *ValuesOptions) addFlags(fs *pflag.FlagSet) {
	o.kube.AddFlags(fs)
	o.Registry.AddFlags(fs)
	o.Mirror.AddFlags(fs)
	o.Output.AddFlags(fs)
	o.site.AddFlags(fs, "site", "site file; flags take precedence")
	fs.StringArrayVarP(&o.files, "values", "f", nil, "values file, or - for standard input (can be repeated; default: the release's own values)")
	o.sets.AddFlags(fs, "KEY=VALUE")
	fs.StringArrayVar(&o.literal, "literal-value", nil, workflow.LiteralUsage("SETTING"))
	fs.BoolVar(&o.operator, "operator", false, "select the operator's release")
	fs.StringVar(&o.store, "object-store", "", "select the release of this object store, as NAMESPACE/NAME")
	fs.StringVar(&o.bundleFile, "bundle", "", "bundle with the target chart (default: the installed chart)")
	fs.StringVar(&o.chartFile, "chart", "", "target chart archive or directory")
	fs.StringVar(&o.fromFile, "from-chart", "", "with --explain, the chart to compare with (default: the installed one)")
	fs.BoolVar(&o.write, "write", false, "edit the files in place; backups are FILE.1.bak and so on")
	fs.BoolVar(&o.explain, "explain", false, "show the effect of each setting in the installed and in the target chart")
	fs.StringVar(&o.imageOnly, "image-only", "", "change only the tag of the object store's image")
	fs.BoolVar(&o.detailedExitcode, "detailed-exitcode", false, "exit with code 2 if there are changes")
}

func (o *ValuesOptions) run(ctx context.Context) error {
	if err := o.validate(); err != nil {
		return err
	}
	s, err := o.loadSubject(ctx)
	if err != nil {
		return err
	}
	if o.explain {
		return o.runExplain(ctx, s)
	}
	if o.Format == formatTagMirrorSet || o.Format == formatHosts {
		return o.runMirrorConfig(s)
	}
	if s.Registry.KeepsReferences() {
		return term.WithHint(errors.New("rewriting values: not possible with --references keep"),
			"use -o ImageTagMirrorSet or -o hosts.toml to configure the nodes instead")
	}
	return o.RunRewrite(s)
}

func (o *ValuesOptions) validate() error {
	if err := o.Output.Validate(); err != nil {
		return err
	}
	stdin := strings.Contains(strings.Join(append([]string{""}, o.files...), "\x00")+"\x00", "\x00-\x00")
	switch {
	case o.operator && o.store != "":
		return errors.New("--operator and --object-store are mutually exclusive")
	case o.bundleFile != "" && o.chartFile != "":
		return errors.New("--bundle and --chart are mutually exclusive")
	case o.explain && (o.write || o.imageOnly != ""):
		return errors.New("--explain cannot be combined with --write or --image-only")
	case o.fromFile != "" && !o.explain:
		return errors.New("--from-chart requires --explain")
	case o.store != "" && strings.Count(o.store, "/") != 1:
		return fmt.Errorf("reading --object-store %q: expected NAMESPACE/NAME", o.store)
	case o.write && (len(o.files) == 0 || stdin):
		return term.WithHint(errors.New("--write requires -f FILE"), "-o yaml > FILE saves the rewritten values")
	case o.Format == "table" && !o.explain:
		return fmt.Errorf("--output %q requires --explain", o.Format)
	}
	return o.sets.Validate()
}

// ValuesSubject is everything that was found out before anything is rewritten.
type ValuesSubject struct {
	// Release is what is installed; its Name is empty where nobody asked the
	// cluster.
	Release plan.InstalledRelease
	// Chart is the target, from the installed one; from may be nil.
	Chart, installedChart *chart.Chart
	// bundle says what the bundle carries; nil without one.
	bundle *bundle.Manifest
	Files  []ValuesFile
	// sources are the files given with -f, to say where a setting stands.
	sources []values.Source
	User    map[string]any
	// set are the edits that the command line asks for, in user already;
	// setChanges tell them to a person.
	set        []values.Edit
	setChanges []values.Change
	Registry   plan.SiteRegistry
	kubernetes string
	// Redactor learns the secrets in the values.
	Redactor *redact.Redactor
}

// displayName is the release, or what else tells one run from another.
func (s *ValuesSubject) displayName() string {
	if s.Release.Name != "" {
		return "release " + s.Release.Key()
	}
	return "chart " + s.Chart.ID()
}

func (s *ValuesSubject) renderOptions(v map[string]any) chart.RenderOptions {
	return chart.RenderOptions{
		ReleaseName: s.Release.Name, Namespace: s.Release.Namespace, Values: v,
		IsUpgrade: true, Revision: s.Release.Revision + 1, KubeVersion: s.kubernetes,
	}
}

// RunRewrite rewrites the values and prints or writes the result.
func (o *ValuesOptions) RunRewrite(s *ValuesSubject) error {
	result, err := planinput.Rewrite(s.Chart, s.User, s.Registry, o.imageOnly, s.renderOptions)
	if err != nil {
		return planinput.ExplainNotText(err, s.displayName(), s.User, s.sources, s.Release, o.store)
	}
	warnings, err := planinput.WarnNotText(s.displayName(), s.User, s.sources, s.Release, o.store)
	if err != nil {
		return err
	}
	s.learnRendered(result)
	result.Warnings = append(result.Warnings, warnings...)
	result.Edits, result.Changes = append(s.set, result.Edits...), append(s.setChanges, result.Changes...)
	edited, err := rewriteFiles(s.Files, result)
	if err != nil {
		return err
	}
	report := newValuesReport(s, result, edited)
	if o.write {
		if err := WriteFiles(edited, report); err != nil {
			return err
		}
	}
	if err := o.writeResult(s, result, edited, report); err != nil {
		return err
	}
	switch {
	case len(result.Unresolved) > 0:
		return term.WithoutMessage(term.ExitCheckFailed)
	case o.detailedExitcode && !o.write && len(result.Edits) > 0:
		return term.WithoutMessage(term.ExitChanges)
	}
	return nil
}

// rewriteFiles makes the edits, each in the file that decides it, and proves
// that the files together say what rewriting meant.
func rewriteFiles(files []ValuesFile, result *values.Result) ([]EditedFile, error) {
	given := make([]map[string]any, len(files))
	for i, f := range files {
		given[i] = f.values
	}
	list := make([]EditedFile, len(files))
	merged := map[string]any{}
	for i, edits := range values.AssignEdits(result.Edits, given) {
		list[i] = EditedFile{ValuesFile: files[i], After: files[i].Data, edits: len(edits)}
		if len(edits) > 0 {
			out, err := values.Apply(files[i].Data, edits)
			if err != nil {
				return nil, fmt.Errorf("editing %q: %w", files[i].Name, err)
			}
			list[i].After = out
		}
		after, err := chart.ParseValues(list[i].After)
		if err != nil {
			return nil, fmt.Errorf("reading %q after editing: %w", files[i].Name, err)
		}
		merged = values.Merge(merged, after)
	}
	if !message.EqualJSON(merged, result.Values) {
		return nil, errors.New("editing the values files: the merged result differs from the intended values; no file was changed")
	}
	return list, nil
}

// requestedRole is the chart's role that flags say, or the given chart's.
func (o *ValuesOptions) requestedRole(c *chart.Chart) (aistor.ChartRole, error) {
	role := aistor.RoleUnknown
	switch {
	case o.operator:
		role = aistor.RoleOperator
	case o.store != "":
		role = aistor.RoleObjectStore
	}
	if c == nil {
		return role, nil
	}
	is := aistor.RoleOfChart(c.Name)
	if is == aistor.RoleUnknown || role != aistor.RoleUnknown && is != role {
		return role, message.Errorf("reading --chart: %s does not match the selected release\nexpected: %s or %s",
			c.ID(), aistor.OperatorChart, aistor.ObjectStoreChart)
	}
	return is, nil
}
