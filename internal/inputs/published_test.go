package inputs_test

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var update = flag.Bool("update", false, "rewrite docs/published-charts.md")

const publishedDoc = "../../docs/published-charts.md"

// row is what came of one chart over all shapes of values, or of one shape
// over all charts.
type row struct {
	name                                    string
	runs, images, outside, refused          int
	replaced, removed, added, again, differ int
	oracle                                  string
}

func (r *row) add(o row) {
	r.runs += o.runs
	r.images += o.images
	r.outside += o.outside
	r.refused += o.refused
	r.replaced += o.replaced
	r.removed += o.removed
	r.added += o.added
	r.again += o.again
	r.differ += o.differ
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
		role          aistor.Role
		title, folder string
		want          int
	}{
		{aistor.RoleOperator, "Operator charts", "operator", 24},
		{aistor.RoleObjectStore, "Object store charts", "objectstore", 13},
	} {
		list := publishedCharts(t, dir, part.role)
		if len(list) != part.want {
			t.Fatalf("%d charts of the %s, want %d", len(list), part.role, part.want)
		}
		charts, shapes := runAll(t, list, shapesOf(t, part.folder))
		for _, r := range charts {
			if r.outside+r.again+r.differ > 0 || r.oracle != "yes" {
				t.Errorf("%s: %+v", r.name, r)
			}
		}
		writeTables(&doc, part.title, charts, shapes)
	}
	if *update {
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

func runAll(t *testing.T, list []*chart.Chart, shapes []string) (charts, byShape []row) {
	t.Helper()
	cells := make([][]row, len(list))
	oracles := readOracle(t)
	var group errgroup.Group
	group.SetLimit(4)
	for i, c := range list {
		group.Go(func() error {
			for _, file := range shapes {
				cell, err := runOne(c, file)
				if err != nil {
					return fmt.Errorf("%s with %s: %w", c.ID(), file, err)
				}
				cells[i] = append(cells[i], cell)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	byShape = make([]row, len(shapes))
	for i, c := range list {
		r := row{name: c.ID(), oracle: agrees(t, c, oracles)}
		for j, cell := range cells[i] {
			r.add(cell)
			byShape[j].name = strings.TrimSuffix(filepath.Base(shapes[j]), ".yaml")
			byShape[j].add(cell)
		}
		charts = append(charts, r)
	}
	return charts, byShape
}

// runOne rewrites one file for one chart, writes it, and looks at the outcome
// by discovery, which knows nothing of rewriting.
func runOne(c *chart.Chart, file string) (row, error) {
	r := row{runs: 1}
	src, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	user, err := chart.ParseValues(src)
	if err != nil {
		return r, err
	}
	to := plan.SiteRegistry{Mirror: images.Mirror{Registry: "registry.example.com:5000"}, PullSecret: "private-repo-pull-secret"}
	options := func(v map[string]any) chart.RenderOptions { return chart.RenderOptions{Namespace: "aistor", Values: v} }
	if _, err := c.RenderText(chart.RenderOptions{Namespace: "aistor", Values: user, Quick: true}); err != nil {
		r.refused = 1
	}
	result, err := inputs.Rewrite(c, user, to, "", options)
	if err != nil {
		return r, err
	}
	out, err := values.Apply(src, result.Edits)
	if err != nil {
		return r, err
	}
	after, err := chart.ParseValues(out)
	if err != nil {
		return r, err
	}
	if !gocmp.Equal(after, result.Values) {
		r.differ = 1
	}
	for _, e := range result.Changes {
		if e.Old != "" {
			r.replaced++
		}
	}
	r.removed, r.added = lines(values.Diff(src, out, "v"))
	all, _ := chart.WithAllOperators(c, after)
	found, err := chart.Discover(c, options(all), chart.DiscoverOptions{})
	if err != nil {
		return r, err
	}
	for _, i := range found {
		r.images++
		if !to.Owns(i.Ref) {
			r.outside++
		}
	}
	second, err := inputs.Rewrite(c, after, to, "", options)
	if err == nil {
		r.again = len(second.Edits)
	}
	return r, err
}

// lines counts those that a diff takes away and puts in.
func lines(diff string) (removed, added int) {
	for l := range strings.SplitSeq(diff, "\n") {
		switch {
		case strings.HasPrefix(l, "---"), strings.HasPrefix(l, "+++"):
		case strings.HasPrefix(l, "-"):
			removed++
		case strings.HasPrefix(l, "+"):
			added++
		}
	}
	return removed, added
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

// readOracle reads the images of every operator chart, optional ones with a
// plus before them; the file says how it was made.
func readOracle(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("../chart/testdata/published-images.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		id := aistor.OperatorChartFor(fields[0]) + "-" + fields[0]
		for _, field := range fields[1:] {
			out[id] = append(out[id], oracleRef(field))
		}
	}
	return out
}

func oracleRef(field string) string {
	name, tag, _ := strings.Cut(field, "=")
	name, optional := strings.CutPrefix(name, "+")
	base := "quay.io/minio/aistor/"
	if rest, ok := strings.CutPrefix(name, "minio/"); ok {
		base, name = "quay.io/minio/", rest
	}
	if bare, ok := strings.CutSuffix(tag, "!"); ok {
		tag = bare
	} else if !strings.HasPrefix(tag, "v") {
		tag = "RELEASE." + tag
	}
	if optional {
		base = "+" + base
	}
	return base + name + ":" + tag
}

func publishedCharts(t *testing.T, dir string, role aistor.Role) []*chart.Chart {
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

func shapesOf(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../values/testdata", folder, "*.yaml"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d values files for %s, want at least 12: %v", len(files), folder, err)
	}
	return files
}

func writeTables(doc *strings.Builder, title string, charts, shapes []row) {
	total := row{name: "**all**"}
	fmt.Fprintf(doc, "\n## %s\n\n", title)
	doc.WriteString("| chart | images as the oracle says | files | refused as they were | references | public after | values replaced | lines out | lines in | second run |\n")
	doc.WriteString("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range charts {
		total.add(r)
		fmt.Fprintf(doc, "| %s | %s %s\n", r.name, r.oracle, cells(r))
	}
	fmt.Fprintf(doc, "| %s | %s\n", total.name, cells(total))
	fmt.Fprintf(doc, "\nThe same by the shape of the file:\n\n| file | charts | refused as they were | references | public after | values replaced | lines out | lines in | second run |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range shapes {
		fmt.Fprintf(doc, "| %s %s\n", r.name, cells(r))
	}
}

func cells(r row) string {
	return fmt.Sprintf("| %d | %d | %d | %d | %d | %d | %d | %d |", r.runs, r.refused, r.images, r.outside, r.replaced, r.removed, r.added, r.again)
}

const docHead = `# Every published chart, and what rewriting makes of it

Every published operator chart and object store chart, each with values files of
very different shapes: nothing set, the documented private registry block, public
names spelt out, overrides as one string, digests, pull secrets in every form,
one-line maps, Windows line ends. Made by a test and compared by it:

    AISTOR_CHARTS=FOLDER go test ./internal/inputs -run TestPublishedCharts

FOLDER holds the charts' archives, which are the vendor's and no part of this
project; -update writes this page again. What the columns say:

- **images as the oracle says**: discovery in the chart with its own defaults finds
  exactly the images, default and optional, of a list made independently of it.
- **refused as they were**: files with which the chart does not render before they
  are rewritten. A refusal that rewriting can mend is one of form, such as an image
  half set.
- **references**: image references found after rewriting with every operator
  switched on, and **public after** how many of them lead outside the private
  registry.
- **values replaced**, **lines out**, **lines in**: settings that had another value,
  and the diff of the files. A replaced value takes one line out and puts one in;
  the rest is new.
- **second run**: what rewriting the outcome would still change.
`
