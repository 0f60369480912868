package values_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	registry   = "registry.example.com:5000"
	pullSecret = "private-repo-pull-secret"
)

// chartsByName loads every published chart of one role.
func charts(t *testing.T, role aistor.Role) []*chart.Chart {
	t.Helper()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" {
		t.Skip("AISTOR_CHARTS names no folder with the published charts")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*chart.Chart
	for _, f := range files {
		c, err := chart.Load(f)
		if err != nil {
			t.Fatal(err)
		}
		if aistor.RoleOfChart(c.Name) == role {
			out = append(out, c)
		}
	}
	return out
}

func renderer(c *chart.Chart) values.Render {
	return func(v map[string]any) ([]images.Object, error) {
		r, err := c.Render(chart.RenderOptions{Values: v, Namespace: "aistor", Quick: true, Shared: true})
		if err != nil {
			return nil, err
		}
		return r.Plain(), nil
	}
}

func TestRewriteLeavesNothingOutsideThePrivateRegistry(t *testing.T) {
	t.Parallel()
	for role, folder := range map[aistor.Role]string{aistor.RoleOperator: "operator", aistor.RoleObjectStore: "objectstore"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
		if err != nil || len(files) < 12 {
			t.Fatalf("%d values files for %s, want at least 12: %v", len(files), role, err)
		}
		for _, c := range charts(t, role) {
			for _, file := range files {
				t.Run(c.ID()+"/"+filepath.Base(file), func(t *testing.T) {
					t.Parallel()
					proveRewrite(t, c, file)
				})
			}
		}
	}
}

func proveRewrite(t *testing.T, c *chart.Chart, file string) {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	user, err := chart.ParseValues(src)
	if err != nil {
		t.Fatal(err)
	}
	in := values.Input{
		ChartName: c.Name, ChartVersion: c.Version, Values: user, Render: renderer(c),
		Mirror: images.Mirror{Registry: registry}, PullSecret: pullSecret,
	}
	got, err := values.Rewrite(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Unresolved) > 0 {
		t.Errorf("unresolved: %+v", got.Unresolved)
	}
	out, err := values.Apply(src, got.Edits)
	if err != nil {
		t.Fatal(err)
	}
	after, err := chart.ParseValues(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Values, after); diff != "" {
		t.Errorf("the file does not say what the result says (-result +file):\n%s", diff)
	}
	onlyNecessary(t, string(src), string(out), got)
	proveImages(t, c, after, in.Mirror)

	in.Values = after
	again, err := values.Rewrite(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]values.Change(nil), again.Changes); diff != "" {
		t.Errorf("a second run changes more:\n%s", diff)
	}
}

// proveImages renders with the values of the file alone, and finds images by
// the chart room's own way rather than the rewriter's.
func proveImages(t *testing.T, c *chart.Chart, v map[string]any, m images.Mirror) {
	t.Helper()
	all, _ := chart.WithAllOperators(c, v)
	list, err := chart.Discover(c, chart.RenderOptions{Values: all, Namespace: "aistor"}, chart.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if !m.Owns(i.Ref) {
			t.Errorf("%s is outside the private registry: %+v", i.Ref, i.Reasons)
		}
		if strings.Contains(i.Ref.Path, "minio/aistor/") {
			t.Errorf("%s is not where the mirror has it", i.Ref)
		}
	}
	if aistor.RoleOfChart(c.Name) != aistor.RoleOperator {
		return
	}
	rendered, err := c.Render(chart.RenderOptions{Values: all, Namespace: "aistor"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range rendered.Plain() {
		if o["kind"] != "Deployment" {
			continue
		}
		list, _ := values.Get(o, "spec", "template", "spec", "imagePullSecrets")
		if !strings.Contains(strings.Join(names(list), " "), pullSecret) {
			t.Errorf("%s has no pull secret", images.ObjectID(o))
		}
	}
}

func names(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		s, _ := m["name"].(string)
		out = append(out, s)
	}
	return out
}

// onlyNecessary checks that no more lines went than there are replaced values.
func onlyNecessary(t *testing.T, before, after string, got *values.Result) {
	t.Helper()
	replaced := 0
	for _, c := range got.Changes {
		if c.Old != "" {
			replaced += 1 + strings.Count(c.Old, "\n")
		}
	}
	kept := strings.Split(after, "\n")
	gone := 0
	for line := range strings.SplitSeq(before, "\n") {
		i := indexOf(kept, line)
		if i < 0 {
			gone++
			continue
		}
		kept = kept[i+1:]
	}
	if gone > replaced+1 {
		t.Errorf("%d lines are gone for %d replaced values:\n%s", gone, replaced, values.Diff([]byte(before), []byte(after), "values.yaml"))
	}
}

func indexOf(lines []string, line string) int {
	for i, l := range lines {
		if l == line {
			return i
		}
	}
	return -1
}
