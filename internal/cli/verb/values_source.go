package verb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ValuesFile is one file of values as it is; a release's values are one too.
type ValuesFile struct {
	Name   string
	Data   []byte
	values map[string]any
}

// EditedFile is a values file with what it becomes.
type EditedFile struct {
	ValuesFile
	After  []byte
	edits  int
	backup string
}

func (f EditedFile) isChanged() bool { return !bytes.Equal(f.Data, f.After) }

// loadSubject finds the chart, the values and the registry. It asks the cluster only
// for what the files and flags don't say.
func (o *ValuesOptions) loadSubject(ctx context.Context) (*ValuesSubject, error) {
	site, err := o.site.ReadSite(o.Program)
	if err != nil {
		return nil, err
	}
	s := &ValuesSubject{Redactor: o.Redactor()}
	if o.chartFile != "" {
		if s.Chart, err = chart.Load(o.chartFile); err != nil {
			return nil, err
		}
	}
	role, err := o.requestedRole(s.Chart)
	if err != nil {
		return nil, err
	}
	if role == aistor.RoleUnknown {
		return nil, term.WithHint(errors.New("--operator or --object-store is required"),
			"add --operator, or --object-store NAMESPACE/NAME")
	}
	if o.bundleFile != "" {
		if s.Chart, s.bundle, err = o.chartOfBundle(ctx, role); err != nil {
			return nil, err
		}
	}
	var facts *plan.Facts
	if len(o.files) == 0 || s.Chart == nil {
		if facts, err = o.readRelease(ctx, s, role, site); err != nil {
			return nil, err
		}
	}
	if err := o.loadFrom(ctx, s); err != nil {
		return nil, err
	}
	if err := o.readFiles(s); err != nil {
		return nil, err
	}
	if err := o.applySettings(s); err != nil {
		return nil, err
	}
	given := planinput.Values{Sources: s.sources, Sets: o.sets.SetFlags, Stdin: o.fromStdin()}
	if err := planinput.CheckFinal(s.displayName(), s.User, given, s.Release.Values, o.literal, "-f FILE"); err != nil {
		return nil, err
	}
	return s, o.resolveRegistry(s, role, site, facts)
}

// resolveRegistry finds the registry, which explaining does without.
func (o *ValuesOptions) resolveRegistry(s *ValuesSubject, role aistor.ChartRole, site *plan.Site, facts *plan.Facts) error {
	if site != nil && s.kubernetes == "" {
		s.kubernetes = site.Kubernetes
	}
	if facts == nil {
		facts = factsFromValues(role, s.User, o.imageOnly != "")
	}
	var err error
	if s.Registry, err = option.RegistryOf(o.Mirror, site, facts); o.explain {
		return nil
	}
	return err
}

// factsFromValues stands for a cluster that nobody asked: what the operator's
// values name as the registry is where the nodes pull from. Those of a store
// say so little that only a change of the tag alone can rely on them.
func factsFromValues(role aistor.ChartRole, user map[string]any, tagOnly bool) *plan.Facts {
	if role == aistor.RoleOperator {
		return &plan.Facts{Operator: &plan.InstalledRelease{Values: user}}
	}
	ref, err := images.ParseRef(values.GetString(user, "objectStore", "image", "repository") + ":x")
	if !tagOnly || err != nil || ref.Host == aistor.PublicRegistry {
		return nil
	}
	return &plan.Facts{Workloads: []plan.Workload{{Containers: []plan.Container{{Image: ref.String()}}}}}
}

// chartOfBundle is the newest target chart of a role, with
// what else the bundle carries.
func (o *ValuesOptions) chartOfBundle(ctx context.Context, role aistor.ChartRole) (*chart.Chart, *bundle.Manifest, error) {
	b, err := workflow.OpenBundle(ctx, o.bundleFile, o.NewClientFactory(o.Program))
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	list, err := workflow.BundleCharts(b)
	if err != nil {
		return nil, nil, err
	}
	if c := planinput.TargetChart(list, role); c != nil {
		m := b.Manifest()
		return c, &m, nil
	}
	return nil, nil, fmt.Errorf("finding the target chart in %q: no chart for the %s", o.bundleFile, role)
}

// readRelease reads the release from the cluster.
func (o *ValuesOptions) readRelease(ctx context.Context, s *ValuesSubject, role aistor.ChartRole, site *plan.Site) (*plan.Facts, error) {
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.Redactor()))
	if err != nil {
		return nil, err
	}
	scope := cluster.Scope{OperatorNamespace: o.kube.ExplicitNamespace()}
	if scope.OperatorNamespace == "" && site != nil {
		scope.OperatorNamespace = site.Operator.Namespace
	}
	facts, err := client.Facts(ctx, scope)
	if err != nil {
		return nil, err
	}
	release, err := planinput.FindRelease(facts, role, o.store)
	if err != nil {
		return nil, err
	}
	s.Release, s.kubernetes = *release, facts.ServerVersion
	record, err := chart.NewClient(o.kube, nil).Get(ctx, release.Namespace, release.Name)
	if err != nil {
		return nil, err
	}
	s.installedChart = record.Chart
	if s.Chart == nil {
		s.Chart = s.installedChart
	}
	if s.Chart == nil {
		return nil, term.WithHint(fmt.Errorf("reading release %q: its release record has no chart", release.Key()), "set --chart or --bundle")
	}
	return facts, nil
}

// loadFrom loads the chart that --explain compares with.
func (o *ValuesOptions) loadFrom(ctx context.Context, s *ValuesSubject) error {
	var err error
	if o.fromFile != "" {
		s.installedChart, err = chart.Load(o.fromFile)
	}
	return err
}

// readFiles reads the files, or takes the release's own values for one.
func (o *ValuesOptions) readFiles(s *ValuesSubject) error {
	s.User = map[string]any{}
	if len(o.files) == 0 {
		f, err := ReleaseFile(s.Release)
		s.Files, s.User = []ValuesFile{f}, s.Release.Values
		return err
	}
	for i, name := range o.files {
		if slices.Contains(o.files[:i], name) {
			return fmt.Errorf("reading values file %q: specified twice", name)
		}
		if err := valuecheck.CheckName(name, o.fromStdin()); err != nil {
			return err
		}
		data, err := o.ReadFile(name)
		if err != nil {
			return fmt.Errorf("reading values file: %w", err)
		}
		o.Redactor().AddText(string(data)) // a chart's error may quote a value
		source := values.Source{Name: name, Data: data}
		if err := valuecheck.CheckSource(source, o.fromStdin()); err != nil {
			return err
		}
		v, err := chart.ParseValues(data)
		if err != nil {
			return term.WithHint(fmt.Errorf("reading values file %q: %w", name, err), "check the file with helm template -f")
		}
		s.Files = append(s.Files, ValuesFile{name, data, v})
		s.sources = append(s.sources, source)
		s.User = values.Merge(s.User, v)
	}
	return nil
}

// fromStdin is this command with the values on standard input.
func (o *ValuesOptions) fromStdin() string {
	command := "helm aistor values"
	if o.operator {
		command += " --operator"
	}
	for _, flag := range [][2]string{{"object-store", o.store}, {"bundle", o.bundleFile}, {"chart", o.chartFile}} {
		if flag[1] != "" {
			command += " --" + flag[0] + " " + shellquote.Quote(flag[1])
		}
	}
	return command + " -f -"
}

// applySettings puts the settings of the command line on top of what was read.
func (o *ValuesOptions) applySettings(s *ValuesSubject) error {
	if o.sets.IsZero() {
		return nil
	}
	user, err := o.sets.ApplyTo(s.User)
	if err != nil {
		return err
	}
	o.Redactor().AddObject(user)
	s.set = values.DiffEdits(s.User, user)
	s.setChanges = values.DescribeEdits(s.User, s.set, "set on the command line")
	s.User = user
	return nil
}

// ReleaseFile writes a release's values as "helm get values -o yaml" does.
func ReleaseFile(r plan.InstalledRelease) (ValuesFile, error) {
	data, err := message.YAML(r.Values)
	if err != nil {
		return ValuesFile{}, fmt.Errorf("reading the values of release %q: %w", r.Key(), err)
	}
	if len(r.Values) == 0 {
		data = nil
	}
	return ValuesFile{"values of " + r.Key(), data, r.Values}, nil
}
