package planinput_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var update = flag.Bool("update", false, "rewrite docs/published-charts.md")

const publishedDoc = "../../docs/published-charts.md"

// row is what came of one chart over all shapes of values, or of one shape
// over all charts.
type row struct {
	name                  string
	runs, mended, refused int
	images, settings      int
	removed, added        int
	needs                 map[string]int
	oracle                string
}

func (r *row) add(o row) {
	r.runs += o.runs
	r.mended += o.mended
	r.refused += o.refused
	r.images += o.images
	r.settings += o.settings
	r.removed += o.removed
	r.added += o.added
	if r.needs == nil {
		r.needs = map[string]int{}
	}
	for k, n := range o.needs {
		r.needs[k] += n
	}
}

// The table in docs is what a run over every published chart gives.
func TestPublishedChartsGiveTheTableInTheDocs(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" || testing.Short() {
		t.Skip("AISTOR_CHARTS names no folder with the published charts, or -short: this takes minutes")
	}
	var doc strings.Builder
	doc.WriteString(docHead)
	for _, part := range []struct {
		role          aistor.ChartRole
		title, folder string
		want          int
	}{
		{aistor.RoleOperator, "Operator charts", "operator", 24},
		{aistor.RoleObjectStore, "Object store charts", "objectstore", 13},
	} {
		list := publishedCharts(t, dir, part.role)
		if len(list) != part.want {
			t.Errorf("%d charts of the %s, want %d", len(list), part.role, part.want)
		}
		charts, shapes := runAll(t, list, shapesOf(t, part.folder))
		writeTables(&doc, part.title, charts, shapes)
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(publishedDoc, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(publishedDoc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(doc.String(), "\n")); diff != "" {
		t.Errorf("the page is out of date (-page +run); -update rewrites it:\n%s", diff)
	}
}

func runAll(t *testing.T, list []*chart.Chart, shapes []shape) (charts, byShape []row) {
	t.Helper()
	cells := make([][]row, len(list))
	oracles := readOracle(t)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range list {
		group.Go(func() error {
			one := trial{chart: c, session: c.Session(1), oracle: oracles}
			defer one.session.Close()
			for _, s := range shapes {
				cell, err := one.run(s)
				if err != nil {
					t.Errorf("%s with %s: %v", c.ID(), s.name, err)
				}
				cells[i] = append(cells[i], cell)
			}
			return nil
		})
	}
	_ = group.Wait()
	byShape = make([]row, len(shapes))
	for i, c := range list {
		r := row{name: c.ID(), oracle: agrees(t, c, oracles.charts)}
		for j, cell := range cells[i] {
			r.add(cell)
			byShape[j].name = path.Base(shapes[j].name)
			byShape[j].add(cell)
		}
		charts = append(charts, r)
	}
	return charts, byShape
}

// trial rewrites shapes of values for one chart.
type trial struct {
	chart   *chart.Chart
	session *chart.Session
	oracle  oracle
}

func (one trial) options(v map[string]any) chart.RenderOptions {
	return chart.RenderOptions{Namespace: "aistor", Values: v, Quick: true, Shared: true}
}

// run rewrites one shape, writes it, and holds the outcome against the oracle;
// then it proves that no less would have done.
func (one trial) run(s shape) (row, error) {
	r := row{runs: 1}
	before, _, err := merged(s.files)
	if err != nil {
		return r, err
	}
	to := plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.example.com:5000"}, PullSecret: "private-repo-pull-secret"}
	if _, err := one.session.RenderFiles(one.options(before)); err != nil {
		r.mended = 1
	}
	result, err := planinput.Rewrite(one.chart, before, to, "", one.options)
	if err != nil {
		return r, err
	}
	files, err := s.edited(result)
	if err != nil || files == nil {
		r.refused = 1
		return r, err
	}
	after, _, err := merged(files)
	if err != nil {
		return r, err
	}
	want, err := one.oracle.expects(one.chart, s, to.Mirror)
	if err != nil {
		return r, err
	}
	found, err := one.discovered(after)
	if diff := gocmp.Diff(want, found); err != nil || diff != "" {
		return r, fmt.Errorf("discovery differs from the oracle (-oracle +discovery), %v:\n%s", err, diff)
	}
	r.images = len(found)
	second, err := planinput.Rewrite(one.chart, after, to, "", one.options)
	if err != nil || len(second.Edits) > 0 {
		return r, fmt.Errorf("a second run would change more: %v, %v", second, err)
	}
	return one.prove(r, s, files, rewriteVerifier{one.chart, one.objects, want, to.Mirror, to.PullSecret, 0})
}

// prove asks of each changed setting, and of each changed line, whether it was
// needed.
func (one trial) prove(r row, s shape, files [][]byte, j rewriteVerifier) (row, error) {
	before, _, _ := merged(s.files)
	after, _, err := merged(files)
	if err != nil {
		return r, err
	}
	if r.needs, err = j.countNeeded(before, after); err != nil {
		return r, err
	}
	for _, n := range r.needs {
		r.settings += n
	}
	for i := range files {
		list, out, in := changedPieces(string(s.files[i]), string(files[i]))
		r.removed += out
		r.added += in
		if err := ineffectiveNotice(files, i, string(s.files[i]), string(files[i]), list); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (one trial) objects(v map[string]any) ([]images.Object, error) {
	out, err := one.session.Render(one.options(v))
	if err != nil {
		return nil, err
	}
	return out.PlainObjects(), nil
}

// discovered is what the product's discovery finds, every operator on.
func (one trial) discovered(v map[string]any) ([]string, error) {
	all, _ := chart.WithAllOperators(one.chart, v)
	found, err := chart.Discover(one.chart, one.options(all), chart.DiscoverOptions{})
	out := []string{}
	for _, i := range found {
		out = append(out, i.Ref.String())
	}
	slices.Sort(out)
	return out, err
}

// agrees compares what discovery finds in a chart's defaults with the oracle.
// An object store chart by itself names no image: the operator decides.
func agrees(t *testing.T, c *chart.Chart, oracles map[string][]string) string {
	t.Helper()
	opts := chart.RenderOptions{Namespace: "aistor"}
	if aistor.RoleOfChart(c.Name) == aistor.RoleObjectStore {
		opts.Values = map[string]any{"secrets": map[string]any{"accessKey": "an-access-key", "secretKey": "a-secret-key"}}
	}
	found, err := chart.Discover(c, opts, chart.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, i := range found {
		mark := ""
		if i.Reasons[0].Kind == images.KindOptional {
			mark = "+"
		}
		got = append(got, mark+i.Ref.String())
	}
	want := oracles[c.ID()]
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: discovery differs from the oracle (-oracle +discovery):\n%s", c.ID(), gocmp.Diff(want, got))
		return "no"
	}
	return "yes"
}

func publishedCharts(t *testing.T, dir string, role aistor.ChartRole) []*chart.Chart {
	t.Helper()
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
	slices.SortFunc(out, func(a, b *chart.Chart) int {
		x, errX := semver.NewVersion(a.Version)
		y, errY := semver.NewVersion(b.Version)
		if errX != nil || errY != nil {
			return cmp.Compare(a.Version, b.Version)
		}
		return x.Compare(y)
	})
	return out
}

func writeTables(doc *strings.Builder, title string, charts, shapes []row) {
	const columns = "files | repaired | refused | images | settings | for form | for images | for secrets | for others | lines out | lines in |\n"
	total := row{name: "**all**"}
	fmt.Fprintf(doc, "\n## %s\n\n", title)
	doc.WriteString("| chart | as the oracle says | " + columns + "|---|---|" + strings.Repeat("---:|", 11) + "\n")
	for _, r := range charts {
		total.add(r)
		fmt.Fprintf(doc, "| %s | %s %s\n", r.name, r.oracle, cells(r))
	}
	fmt.Fprintf(doc, "| %s | %s\n", total.name, cells(total))
	doc.WriteString("\nThe same by the shape of the files:\n\n| shape | " + columns + "|---|" + strings.Repeat("---:|", 11) + "\n")
	for _, r := range shapes {
		fmt.Fprintf(doc, "| %s %s\n", r.name, cells(r))
	}
}

func cells(r row) string {
	var b strings.Builder
	for _, n := range []int{
		r.runs, r.mended, r.refused, r.images, r.settings, r.needs[needsForm], r.needs[needsImage], r.needs[needsSecret], r.needs[needsOther],
		r.removed, r.added,
	} {
		fmt.Fprintf(&b, "| %d ", n)
	}
	return b.String() + "|"
}

const docHead = `# Every published chart, and what rewriting makes of it

Every published operator chart and object store chart, each with values files of
very different shapes: nothing set, the documented private registry block, public
names spelt out, overrides as one string, digests, pull secrets in every form,
comments everywhere, JSON, braces over several lines, block scalars, deep indents,
byte order marks, Windows line ends, no line end at all, tabs, several files that
hide each other, anchors, merge keys, several documents. Made by a test and
compared by it:

    AISTOR_CHARTS=DIR go test ./internal/planinput -run TestPublishedCharts

DIR holds the charts' archives, which are the vendor's and no part of this
project; -update writes this page again. The test fails unless for each chart with
each shape

- **discovery equals the oracle**, a list of images written down independently of it
  (internal/chart/testdata/published-images.txt): with the
  chart's own defaults, and after rewriting with what the shape adds to them, every
  operator on. An image outside the private registry is not in that list.
- **a second run changes nothing.**
- **each changed setting was needed**: with that one setting as it was, the chart does
  not render (for form), or pulls an image from elsewhere or another one (for images),
  or something of AIStor's own has no pull secret (for secrets), or another version of
  the chart would pull from elsewhere (for others).
- **each changed line was needed**: with that one line as it was, the files say
  something else. A replaced line keeps its comment, its indentation and its quotes,
  and every byte that is in no such line is what it was.

The other columns: **files**, how many files or sets of files; **repaired**, those with
which the chart does not render before they are rewritten, such as an image half set;
**refused**, those that the editor does not touch, with the line that is the reason;
**images**, those found after rewriting, none of them public; **settings**, how many
were changed or added; **lines out** and **lines in**, the diff of the files.
`
