package cli

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// clusterServer is as much of an API server as shows which cluster a verb is
// connected to.
type clusterServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func newClusterServer(t *testing.T, start func(http.Handler) *httptest.Server, status int) *clusterServer {
	t.Helper()
	s := &clusterServer{}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case status == http.StatusOK && r.URL.Path == "/version":
			fmt.Fprint(w, `{"gitVersion":"v1.36.3"}`)
		case status == http.StatusOK && r.URL.Path == "/api/v1/namespaces/kube-system":
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system","uid":"uid-of-`+r.Host+`"}}`)
		case status == http.StatusOK:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"not here"}`)
		default:
			w.WriteHeader(status)
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Unauthorized","code":401,"message":"Unauthorized"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *clusterServer) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// twoContexts is a kubeconfig whose current context is prod.
func twoContexts(t *testing.T, prod, staging string) string {
	t.Helper()
	return writeFile(t, "kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: prod, cluster: {server: %q}}, {name: staging, cluster: {server: %q}}]
users: [{name: admin, user: {token: t}}]
contexts:
  - {name: prod, context: {cluster: prod, user: admin}}
  - {name: staging, context: {cluster: staging, user: admin}}
`, prod, staging))
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// offline are the verbs that never connect to a cluster, and connected the
// arguments with which the others do. A new verb belongs in one of them.
var (
	offline = []string{
		"aistor bundle", "aistor bundle create", "aistor bundle inspect", "aistor bundle verify", "aistor bundle split", "aistor bundle sign", "aistor bundle export",
		"aistor push", "aistor copy", "aistor plan show", "aistor version",
		"aistor-upgrade version", "aistor-upgrade completion", "aistor-upgrade options", "aistor options",
	}
	connected = map[string][]string{
		"aistor plan":     {"plan", "--image-only", "RELEASE.2026-06-06T02-44-06Z", "--registry", "registry.example.com"},
		"aistor upgrade":  {"upgrade", "--image-only", "RELEASE.2026-06-06T02-44-06Z", "--registry", "registry.example.com", "--yes"},
		"aistor rollback": {"rollback", "--registry", "registry.example.com", "--yes"},
		"aistor values":   {"values", "--operator", "--registry", "registry.example.com"},

		"aistor-upgrade export":    {"export"},
		"aistor-upgrade preflight": {"preflight"},
		"aistor-upgrade validate":  {"validate"},
		"aistor-upgrade status":    {"status"},
		"aistor-upgrade images":    {"images"},
		"aistor-upgrade collect":   {"collect", "FILE"},
	}
)

// commandTrees are the two command trees.
var commandTrees = map[string]func(*term.Program) *cobra.Command{"aistor": NewHelm, "aistor-upgrade": NewKubectl}

// verbsOf are the commands of a tree that run something, by their paths.
func verbsOf(root *cobra.Command) []string {
	var paths []string
	var walk func(*cobra.Command, string)
	walk = func(c *cobra.Command, path string) {
		if c.Runnable() && c != root {
			paths = append(paths, path)
		}
		for _, sub := range c.Commands() {
			walk(sub, path+" "+sub.Name())
		}
	}
	walk(root, root.Name())
	return paths
}

// runOn runs one verb and gives all it says.
func runOn(t *testing.T, plugin string, env map[string]string, args []string) string {
	t.Helper()
	p := clitest.NewProgram(t)
	p.Getenv = func(name string) string { return env[name] }
	for i, a := range args {
		if a == "FILE" {
			args = slices.Clone(args)
			args[i] = filepath.Join(t.TempDir(), "file.tar.gz")
		}
	}
	p.Run(t.Context(), commandTrees[plugin](p), args)
	return p.Out.(*bytes.Buffer).String() + p.ErrOut.(*bytes.Buffer).String()
}

func TestEveryVerbIsEitherOfflineOrTriedOnTwoClusters(t *testing.T) {
	t.Parallel()
	for name, plugin := range commandTrees {
		for _, verb := range verbsOf(plugin(clitest.NewProgram(t))) {
			if connected[verb] == nil && !slices.Contains(offline, verb) {
				t.Errorf("%q (%s) is in neither table of this test", verb, name)
			}
		}
	}
}

// clusterChoice is one way to choose a cluster that is not the current context's.
type clusterChoice struct {
	name string
	// plugins it is for: both where empty.
	plugin string
	args   func(file, address string) []string
	env    func(file, address string) map[string]string
	// want are the names under which the cluster is shown; %s is its address.
	want []string
	// hint is part of a command that is printed where the login is refused.
	hint string
}

func clusterChoices() []clusterChoice {
	return []clusterChoice{
		{name: "kubectl's flag", plugin: "aistor-upgrade", args: func(f, _ string) []string { return []string{"--kubeconfig", f, "--context", "staging"} },
			want: []string{"staging", "%s"}, hint: "kubectl --context staging --kubeconfig "},
		{name: "Helm's flag", plugin: "aistor", args: func(f, _ string) []string { return []string{"--kubeconfig", f, "--kube-context", "staging"} },
			want: []string{"staging", "%s"}, hint: "kubectl --context staging --kubeconfig "},
		{name: "Helm's environment", plugin: "aistor", args: func(f, _ string) []string { return []string{"--kubeconfig", f} },
			env:  func(_, _ string) map[string]string { return map[string]string{"HELM_KUBECONTEXT": "staging"} },
			want: []string{"staging", "%s"}, hint: "kubectl --context staging --kubeconfig "},
		{name: "an address by kubectl's flag", plugin: "aistor-upgrade", args: func(f, a string) []string { return []string{"--kubeconfig", f, "--server", a} },
			want: []string{"%s"}, hint: " --server %s"},
		{name: "an address by Helm's environment", plugin: "aistor", args: func(f, _ string) []string { return []string{"--kubeconfig", f} },
			env: func(_, a string) map[string]string {
				return map[string]string{"HELM_KUBEAPISERVER": a, "HELM_KUBETOKEN": "t"}
			},
			want: []string{"%s"}, hint: " --server %s"},
		{name: "a cluster entry", plugin: "aistor-upgrade", args: func(f, _ string) []string { return []string{"--kubeconfig", f, "--cluster", "staging"} },
			want: []string{"%s"}, hint: " --cluster staging"},
	}
}

// Every verb names the cluster it is connected to, however that one was chosen,
// and sends nothing to the current context's.
func TestEveryVerbNamesTheClusterItIsConnectedTo(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
		for _, how := range clusterChoices() {
			for verb, args := range connected {
				plugin, _, _ := strings.Cut(verb, " ")
				if how.plugin != plugin {
					continue
				}
				t.Run(fmt.Sprintf("%d/%s/%s", status, how.name, verb), func(t *testing.T) {
					t.Parallel()
					prod := newClusterServer(t, httptest.NewServer, http.StatusTeapot)
					staging := newClusterServer(t, httptest.NewServer, status)
					file := twoContexts(t, prod.URL, staging.URL)
					var env map[string]string
					if how.env != nil {
						env = how.env(file, staging.URL)
					}
					said := runOn(t, plugin, env, slices.Concat(args, how.args(file, staging.URL)))
					if prod.requests() > 0 || staging.requests() == 0 {
						t.Errorf("%d requests to the current context's cluster, %d to the one that was chosen", prod.requests(), staging.requests())
					}
					judgeNames(t, said, status, how, prod.URL, staging.URL)
				})
			}
		}
	}
}

func judgeNames(t *testing.T, said string, status int, how clusterChoice, wrong, address string) {
	t.Helper()
	if strings.Contains(said, wrong) || strings.Contains(said, `"prod"`) && slices.Contains(how.want, "staging") {
		t.Errorf("another cluster is named:\n%s", said)
	}
	if status != http.StatusUnauthorized {
		return
	}
	for _, w := range append(slices.Clone(how.want), how.hint) {
		if w = strings.ReplaceAll(w, "%s", address); !strings.Contains(said, w) {
			t.Errorf("expected %q in:\n%s", w, said)
		}
	}
}

// What names the cluster where the look succeeds.
func TestStatusAndPreflightNameTheClusterTheyLookedAt(t *testing.T) {
	t.Parallel()
	prod := newClusterServer(t, httptest.NewServer, http.StatusTeapot)
	staging := newClusterServer(t, httptest.NewServer, http.StatusOK)
	file := twoContexts(t, prod.URL, staging.URL)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"status"}, "Cluster   staging (" + staging.URL + "), Kubernetes v1.36.3"},
		{[]string{"status", "-o", "json"}, `"context": "staging"`},
		{[]string{"status", "-o", "yaml"}, "server: " + staging.URL},
		{[]string{"preflight", "-o", "yaml", "--only", "cluster-reachable"}, `of context "staging" ` + staging.URL},
	} {
		said := runOn(t, "aistor-upgrade", nil, append(tc.args, "--kubeconfig", file, "--context", "staging"))
		if !strings.Contains(said, tc.want) || strings.Contains(said, "prod") {
			t.Errorf("%q: expected %q in:\n%s", tc.args, tc.want, said)
		}
	}
}

// KUBECONFIG is read by client-go itself, so that these run one after another.
func TestAListOfKubeconfigFilesIsRead(t *testing.T) {
	prod := newClusterServer(t, httptest.NewServer, http.StatusTeapot)
	staging := newClusterServer(t, httptest.NewServer, http.StatusUnauthorized)
	first := writeFile(t, "first", fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: prod,
  clusters: [{name: prod, cluster: {server: %q}}], users: [{name: admin, user: {token: t}}],
  contexts: [{name: prod, context: {cluster: prod, user: admin}}]}`, prod.URL))
	second := writeFile(t, "second", fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: staging,
  clusters: [{name: staging, cluster: {server: %q}}], users: [{name: other, user: {token: t}}],
  contexts: [{name: staging, context: {cluster: staging, user: other}}]}`, staging.URL))
	list := strings.Join([]string{first, filepath.Join(t.TempDir(), "missing"), second}, string(os.PathListSeparator))
	t.Setenv("KUBECONFIG", list)
	for verb, args := range connected {
		plugin, _, _ := strings.Cut(verb, " ")
		flag := map[string]string{"aistor": "--kube-context", "aistor-upgrade": "--context"}[plugin]
		before := staging.requests()
		said := runOn(t, plugin, map[string]string{"KUBECONFIG": list}, append(slices.Clone(args), flag, "staging"))
		if prod.requests() > 0 || staging.requests() == before {
			t.Errorf("%s: the wrong cluster was asked", verb)
		}
		if !strings.Contains(said, `"staging" (`+staging.URL+")") || strings.Contains(said, "prod") || !strings.Contains(said, "hint: kubectl --context staging auth whoami") {
			t.Errorf("%s:\n%s", verb, said)
		}
	}
}

// A kubeconfig without a usable context is said to be that, with the names
// there are, and nothing is sent.
func TestAContextThatIsMissingIsSaidWithTheKnownOnes(t *testing.T) {
	t.Parallel()
	prod := newClusterServer(t, httptest.NewServer, http.StatusTeapot)
	file := twoContexts(t, prod.URL, prod.URL)
	none := writeFile(t, "none", strings.ReplaceAll(readText(t, file), "current-context: prod", ""))
	for verb, args := range connected {
		plugin, _, _ := strings.Cut(verb, " ")
		flag := map[string]string{"aistor": "--kube-context", "aistor-upgrade": "--context"}[plugin]
		said := runOn(t, plugin, nil, slices.Concat(args, []string{"--kubeconfig", file, flag, "stagin\ng"}))
		if !strings.Contains(said, `context "stagin\ng" does not exist`) || !strings.Contains(said, `expected: one of "prod", "staging"`) {
			t.Errorf("%s: %s", verb, said)
		}
		said = runOn(t, plugin, nil, slices.Concat(args, []string{"--kubeconfig", none}))
		if !strings.Contains(said, "the kubeconfig has no current context") || !strings.Contains(said, `expected: one of "prod", "staging"`) {
			t.Errorf("%s: %s", verb, said)
		}
	}
	if prod.requests() > 0 {
		t.Errorf("%d requests were sent", prod.requests())
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A pod without a kubeconfig uses its own service account. client-go reads that
// from fixed paths, which a mount namespace of a process of its own provides.
func TestInAPodTheClusterIsNamedInCluster(t *testing.T) {
	if os.Getenv("AISTOR_TEST_IN_POD") != "" {
		inPod(t)
		return
	}
	t.Parallel()
	server := newClusterServer(t, httptest.NewTLSServer, http.StatusUnauthorized)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.SetKeepAlivesEnabled(false) // client-go keeps its transports
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	script := `mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && cd /run/secrets/kubernetes.io/serviceaccount &&
printf '%s' "$POD_CA" > ca.crt && printf t > token && printf aistor > namespace && test -r /var/run/secrets/kubernetes.io/serviceaccount/token || exit 77
cd / && exec "$0" -test.run '^TestInAPodTheClusterIsNamedInCluster$'`
	cmd := exec.CommandContext(t.Context(), "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, os.Args[0])
	if os.Geteuid() == 0 {
		cmd.Args = slices.DeleteFunc(cmd.Args, func(a string) bool { return a == "--user" || a == "--map-root-user" })
	}
	cmd.Env = append(os.Environ(), "AISTOR_TEST_IN_POD="+server.URL, "POD_CA="+string(ca), "KUBERNETES_SERVICE_HOST="+u.Hostname(), "KUBERNETES_SERVICE_PORT="+u.Port(),
		"KUBECONFIG=", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 77 || bytes.Contains(out, []byte("unshare: ")) {
		t.Skipf("no mount namespace can be made here: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if server.requests() == 0 {
		t.Error("no request was sent")
	}
}

func inPod(t *testing.T) {
	address := os.Getenv("AISTOR_TEST_IN_POD")
	for verb, args := range connected {
		plugin, _, _ := strings.Cut(verb, " ")
		said := runOn(t, plugin, nil, args)
		if want := fmt.Sprintf(`connecting to cluster "in-cluster" (%s): unauthorized`, address); !strings.Contains(said, want) || !strings.Contains(said, "hint: kubectl auth whoami") {
			t.Errorf("%s: expected %q in:\n%s", verb, want, said)
		}
	}
}
