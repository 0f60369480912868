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

func TestFilesAndSetsMergeAsHelmDoes(t *testing.T) {
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
	files, err := chart.MergeFiles([]chart.ValuesFile{{Name: one}, {Name: two}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := chart.SetFlags{
		Set: o.Values, String: o.StringValues, JSON: o.JSONValues, File: o.FileValues, Literal: o.LiteralValues,
	}.ApplyTo(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-helm +here):\n%s", diff)
	}
}

func TestMergeFilesReadsStandardInputAndData(t *testing.T) {
	t.Parallel()
	got, err := chart.MergeFiles([]chart.ValuesFile{{Name: "-"}, {Name: "x", Data: []byte("b: 2")}, {Name: "e", Data: []byte("# none\n")}},
		strings.NewReader("a: 1\nb: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a": float64(1), "b": float64(2)}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestSetsNeverQuoteAValueNorChangeTheBase(t *testing.T) {
	t.Parallel()
	base := map[string]any{"a": map[string]any{"b": "c"}}
	for name, sets := range map[string]chart.SetFlags{
		"set":          {Set: []string{"license[=hunter2"}},
		"json":         {JSON: []string{"license={hunter2"}},
		"json alone":   {JSON: []string{`{"license": "hunter2"}`}},
		"no value":     {Literal: []string{"license hunter2"}},
		"a deep index": {Set: []string{"license[70000]=hunter2"}},
		"no file":      {File: []string{"license=/no/such/file"}},
	} {
		_, err := sets.ApplyTo(base)
		if err == nil || strings.Contains(err.Error(), "hunter2") || name != "json alone" && !strings.Contains(err.Error(), "license") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := (chart.SetFlags{Set: []string{"a.b=x"}}).ApplyTo(base); err != nil || base["a"].(map[string]any)["b"] != "c" {
		t.Errorf("base is now %v, %v", base, err)
	}
}

func TestWhatIsNoMapOfSettingsIsRefusedInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"- a\n": "contains a list, expected a map", "hello\n": "contains a single value, expected a map", "7\n": "contains a single value, expected a map",
		"a: " + strings.Repeat("x", 5<<20) + "\n": "5 MiB of settings", "a: b\x00\n": "control characters",
		"a: \xe4\n": "UTF-8", "a: " + strings.Repeat("[", 20000) + "\n": "max depth",
		"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n": "excessive aliasing",
	} {
		if _, err := chart.ParseValues([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%.20q: received %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"", "# nothing\n", "~\n", "{}\n", "\xef\xbb\xbfa: b\n"} {
		if v, err := chart.ParseValues([]byte(text)); err != nil || v == nil {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
}
