package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// valuesFile is one file of values as it is; a release's values are one too.
type valuesFile struct {
	name   string
	data   []byte
	values map[string]any
}

// editedFile is a values file with what it becomes.
type editedFile struct {
	valuesFile
	after  []byte
	edits  int
	backup string
}

func (f editedFile) isChanged() bool { return !bytes.Equal(f.data, f.after) }

// loadSubject finds the chart, the values and the registry. It asks the cluster only
// for what the files and flags don't say.
func (o *valuesOptions) loadSubject(ctx context.Context) (*valuesSubject, error) {
	site, err := o.site.readSite(o.Program)
	if err != nil {
		return nil, err
	}
	s := &valuesSubject{redactor: o.redactor()}
	if o.chartFile != "" {
		if s.chart, err = chart.Load(o.chartFile); err != nil {
			return nil, err
		}
	}
	role, err := o.requestedRole(s.chart)
	if err != nil {
		return nil, err
	}
	if role == aistor.RoleUnknown {
		return nil, withHint(errors.New("--operator or --object-store is required"),
			"add --operator, or --object-store NAMESPACE/NAME")
	}
	if o.bundleFile != "" {
		if s.chart, s.bundle, err = o.chartOfBundle(ctx, role); err != nil {
			return nil, err
		}
	}
	var facts *plan.Facts
	if len(o.files) == 0 || s.chart == nil {
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
	if err := planinput.CheckFinal(s.displayName(), s.user, given, s.release.Values, o.literal, "-f FILE"); err != nil {
		return nil, err
	}
	return s, o.resolveRegistry(s, role, site, facts)
}

// resolveRegistry finds the registry, which explaining does without.
func (o *valuesOptions) resolveRegistry(s *valuesSubject, role aistor.ChartRole, site *plan.Site, facts *plan.Facts) error {
	if site != nil && s.kubernetes == "" {
		s.kubernetes = site.Kubernetes
	}
	if facts == nil {
		facts = factsFromValues(role, s.user, o.imageOnly != "")
	}
	var err error
	if s.registry, err = registryOf(o.mirrorOptions, site, facts); o.explain {
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
func (o *valuesOptions) chartOfBundle(ctx context.Context, role aistor.ChartRole) (*chart.Chart, *bundle.Manifest, error) {
	b, err := openBundle(ctx, o.bundleFile, o.newClientFactory(o.Program))
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	list, err := bundleCharts(b)
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
func (o *valuesOptions) readRelease(ctx context.Context, s *valuesSubject, role aistor.ChartRole, site *plan.Site) (*plan.Facts, error) {
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor()))
	if err != nil {
		return nil, err
	}
	scope := cluster.Scope{OperatorNamespace: o.kube.explicitNamespace()}
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
	s.release, s.kubernetes = *release, facts.ServerVersion
	record, err := chart.NewClient(o.kube, nil).Get(ctx, release.Namespace, release.Name)
	if err != nil {
		return nil, err
	}
	s.installedChart = record.Chart
	if s.chart == nil {
		s.chart = s.installedChart
	}
	if s.chart == nil {
		return nil, withHint(fmt.Errorf("reading release %q: its release record has no chart", release.Key()), "set --chart or --bundle")
	}
	return facts, nil
}

// loadFrom loads the chart that --explain compares with.
func (o *valuesOptions) loadFrom(ctx context.Context, s *valuesSubject) error {
	var err error
	if o.fromFile != "" {
		s.installedChart, err = chart.Load(o.fromFile)
	}
	return err
}

// readFiles reads the files, or takes the release's own values for one.
func (o *valuesOptions) readFiles(s *valuesSubject) error {
	s.user = map[string]any{}
	if len(o.files) == 0 {
		f, err := releaseFile(s.release)
		s.files, s.user = []valuesFile{f}, s.release.Values
		return err
	}
	for i, name := range o.files {
		if slices.Contains(o.files[:i], name) {
			return fmt.Errorf("reading values file %q: specified twice", name)
		}
		if err := valuecheck.CheckName(name, o.fromStdin()); err != nil {
			return err
		}
		data, err := o.readFile(name)
		if err != nil {
			return fmt.Errorf("reading values file: %w", err)
		}
		o.redactor().AddText(string(data)) // a chart's error may quote a value
		source := values.Source{Name: name, Data: data}
		if err := valuecheck.CheckSource(source, o.fromStdin()); err != nil {
			return err
		}
		v, err := chart.ParseValues(data)
		if err != nil {
			return withHint(fmt.Errorf("reading values file %q: %w", name, err), "check the file with helm template -f")
		}
		s.files = append(s.files, valuesFile{name, data, v})
		s.sources = append(s.sources, source)
		s.user = values.Merge(s.user, v)
	}
	return nil
}

// fromStdin is this command with the values on standard input.
func (o *valuesOptions) fromStdin() string {
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
func (o *valuesOptions) applySettings(s *valuesSubject) error {
	if o.sets.IsZero() {
		return nil
	}
	user, err := o.sets.ApplyTo(s.user)
	if err != nil {
		return err
	}
	o.redactor().AddObject(user)
	s.set = values.DiffEdits(s.user, user)
	s.setChanges = values.DescribeEdits(s.user, s.set, "set on the command line")
	s.user = user
	return nil
}

// releaseFile writes a release's values as "helm get values -o yaml" does.
func releaseFile(r plan.InstalledRelease) (valuesFile, error) {
	data, err := message.YAML(r.Values)
	if err != nil {
		return valuesFile{}, fmt.Errorf("reading the values of release %q: %w", r.Key(), err)
	}
	if len(r.Values) == 0 {
		data = nil
	}
	return valuesFile{"values of " + r.Key(), data, r.Values}, nil
}

// equalJSON compares values as Helm stores them, so that 1 and 1.0 are one.
func equalJSON(a, b map[string]any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
