package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/cli"
	helmvalues "helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

func TestMergeOptionsMergesAsHelmDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("one.yaml", "a: {b: 1, c: [1, 2], d: x}\nn: 1\nz: old\n")
	two := write("two.yaml", "a: {c: [3], d: null}\nz: {now: map}\n")
	text := write("text", "from a file\n")
	o := helmvalues.Options{
		ValueFiles: []string{one, two}, JSONValues: []string{`j={"k":[1]}`, "n=7"}, Values: []string{"n=8", "a.c[1]=5,on=true"},
		StringValues: []string{"s=1", "on=false"}, FileValues: []string{"f=" + text}, LiteralValues: []string{"l=a,b=c"},
	}
	want, err := o.MergeValues(getter.All(cli.New()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := chart.MergeOptions([]chart.ValuesFile{{Name: one}, {Name: two}},
		o.Values, o.StringValues, o.JSONValues, o.FileValues, o.LiteralValues, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-helm +here):\n%s", diff)
	}
}

func TestMergeOptionsReadsStandardInputAndData(t *testing.T) {
	t.Parallel()
	got, err := chart.MergeOptions([]chart.ValuesFile{{Name: "-"}, {Name: "x", Data: []byte("b: 2")}, {Name: "e", Data: []byte("# none\n")}},
		nil, nil, nil, nil, nil, strings.NewReader("a: 1\nb: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": float64(1), "b": float64(2)}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestMergeOptionsNeverQuotesAValue(t *testing.T) {
	t.Parallel()
	for _, f := range []func(string) error{
		func(s string) error {
			_, err := chart.MergeOptions(nil, []string{s}, nil, nil, nil, nil, nil)
			return err
		},
		func(s string) error {
			_, err := chart.MergeOptions(nil, nil, nil, []string{s}, nil, nil, nil)
			return err
		},
	} {
		err := f("license[=hunter2")
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "license") {
			t.Errorf("error %v", err)
		}
	}
}
