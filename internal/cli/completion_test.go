package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// runCompletion is what a shell is offered for a command line, and the directive.
// The shells themselves leave out flag values that do not begin as typed.
func runCompletion(t *testing.T, root func(*term.Program) *cobra.Command, env map[string]string, line ...string) ([]string, string) {
	t.Helper()
	return completedWithin(t, time.Minute, root, env, line...)
}

func completedWithin(t *testing.T, patience time.Duration, root func(*term.Program) *cobra.Command, env map[string]string, line ...string) ([]string, string) {
	t.Helper()
	var out, said bytes.Buffer
	p := &term.Program{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &said},
		Getenv:    func(name string) string { return env[name] }, Now: time.Now, Version: "1.2.3", CompletionTimeout: patience,
	}
	if code := p.Run(t.Context(), root(p), append([]string{"__complete"}, line...)); code != term.ExitOK {
		t.Fatalf("completing %q: exit %d: %s", line, code, said.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := len(lines) - 1
	for i := range lines {
		lines[i], _, _ = strings.Cut(lines[i], "\t")
	}
	return lines[:last], lines[last]
}

// site is a cluster with two namespaces and two stores, and a kubeconfig for
// it with two contexts.
func site(t *testing.T) string {
	t.Helper()
	answers := map[string]string{
		"/api/v1/namespaces":                  `{"metadata":{"name":"team-a"}},{"metadata":{"name":"team-b"}}`,
		"/api/v1/secrets":                     `{"metadata":{"name":"sh.helm.release.v1.main.v2","namespace":"team-a","labels":{"name":"main"}}}`,
		"/apis/aistor.min.io/v1/objectstores": `{"metadata":{"name":"main","namespace":"team-a"}},{"metadata":{"name":"logs","namespace":"team-b"}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		items, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[%s]}`, items)
	}))
	t.Cleanup(server.Close)
	return clitest.WriteKubeconfig(t, server.URL)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	config := site(t)
	for name, c := range map[string]struct {
		root      func(*term.Program) *cobra.Command
		line      []string
		want      []string
		directive string // ":4" keeps file names out, ":6" the space as well
	}{
		"verbs of kubectl":         {NewKubectl, []string{"pre"}, []string{"preflight"}, ":4"},
		"verbs of helm":            {NewHelm, []string{"up"}, []string{"upgrade"}, ":4"},
		"verbs below a verb":       {NewHelm, []string{"bundle", "ver"}, []string{"verify"}, ":4"},
		"flags":                    {NewKubectl, []string{"validate", "--fail"}, []string{"--fail-on"}, ":4"},
		"what completes kubectl":   {NewKubectl, []string{"completion", ""}, []string{"kubectl"}, ":4"},
		"namespaces":               {NewKubectl, []string{"status", "--kubeconfig", config, "-n", ""}, []string{"team-a", "team-b"}, ":4"},
		"namespaces of helm":       {NewHelm, []string{"plan", "--kubeconfig", config, "--namespace", ""}, []string{"team-a", "team-b"}, ":4"},
		"contexts":                 {NewKubectl, []string{"status", "--kubeconfig", config, "--context", ""}, []string{"dc1", "dc2"}, ":4"},
		"contexts of helm":         {NewHelm, []string{"plan", "--kubeconfig", config, "--kube-context", ""}, []string{"dc1", "dc2"}, ":4"},
		"stores":                   {NewHelm, []string{"upgrade", "--kubeconfig", config, "--object-store", ""}, []string{"team-a/main", "team-b/logs"}, ":4"},
		"stores that need a file":  {NewHelm, []string{"upgrade", "--kubeconfig", config, "--store-values", ""}, []string{"team-a/main=", "team-b/logs="}, ":6"},
		"the file of a store":      {NewHelm, []string{"upgrade", "--kubeconfig", config, "--store-values", "team-b/logs=va"}, nil, ":0"},
		"releases":                 {NewHelm, []string{"rollback", "--kubeconfig", config, "--to", ""}, []string{"team-a/main="}, ":6"},
		"the bundle to export of":  {NewHelm, []string{"bundle", "export", ""}, nil, ":0"},
		"outputs":                  {NewHelm, []string{"plan", "-o", ""}, []string{"table", "json", "yaml", "roles"}, ":4"},
		"pushing":                  {NewHelm, []string{"upgrade", "--push", ""}, []string{"auto", "never"}, ":4"},
		"files where none belongs": {NewKubectl, []string{"status", ""}, nil, ":4"},
		"a bundle's file":          {NewHelm, []string{"plan", "--bundle", ""}, nil, ":0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, directive := runCompletion(t, c.root, nil, c.line...)
			if !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 || directive != c.directive {
				t.Errorf("offered %q %s, want %q %s", got, directive, c.want, c.directive)
			}
		})
	}
}

func TestChecksAreCompletedByTheirIDs(t *testing.T) {
	t.Parallel()
	before, _ := runCompletion(t, NewKubectl, nil, "preflight", "--only", "")
	after, _ := runCompletion(t, NewKubectl, nil, "validate", "--only", "")
	if len(before) < 10 || len(after) < 3 || slices.Equal(before, after) {
		t.Fatalf("offered %q before and %q after", before, after)
	}
	second, _ := runCompletion(t, NewKubectl, nil, "preflight", "--skip", "x,"+before[1][:4])
	if !slices.Contains(second, "x,"+before[1]) {
		t.Errorf("after a comma %q is offered, not %q", second, before[1])
	}
	waived, directive := runCompletion(t, NewKubectl, nil, "preflight", "--waive", before[1])
	if !slices.Contains(waived, before[1]+"=") || directive != ":6" {
		t.Errorf("to be waived %q is offered %s", waived, directive)
	}
}

// Helm hands its own flags over in the environment.
func TestCompletionSeesTheContextThatHelmWasGiven(t *testing.T) {
	t.Parallel()
	config := site(t)
	for where, want := range map[string]int{"dc2": 2, "nowhere": 0} {
		got, _ := runCompletion(t, NewHelm, map[string]string{"HELM_KUBECONTEXT": where}, "plan", "--kubeconfig", config, "-n", "")
		if len(got) != want {
			t.Errorf("in context %q offered %q", where, got)
		}
	}
}

func TestCompletionOfAClusterThatDoesNotAnswerOffersNothing(t *testing.T) {
	t.Parallel()
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hung.Close)
	for name, server := range map[string]string{"refused": "http://127.0.0.1:1", "silent": hung.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Without its patience it would stand still for ever.
			got, directive := completedWithin(t, 100*time.Millisecond, NewKubectl, nil, "status", "--kubeconfig", clitest.WriteKubeconfig(t, server), "-n", "")
			if len(got) != 0 || directive != ":4" {
				t.Errorf("offered %q %s", got, directive)
			}
		})
	}
}
