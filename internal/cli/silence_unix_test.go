//go:build unix

package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// Who waits for a server sees for which, and why.
func TestASilentServerIsNamedWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	host, _ := silentServer(t)
	for _, args := range [][]string{
		{"--chart", "oci://" + host + "/charts/x:1.0.0"},
		{"--repo", "http://" + host},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			p := s.start("helm", nil, append([]string{"bundle", "create", s.filePath("b"), "--registry-plain-http", host}, args...)...)
			p.until(t, "line about the wait", func() bool {
				return strings.Contains(p.said.String(), "waiting for "+host+": no response to GET /") && strings.Contains(p.said.String(), " for 5s (at most 1m0s)\n")
			})
			p.interrupt(t, syscall.SIGINT)
		})
	}
}

// The limits hold in the programs as they are, for all that is fetched.
func TestASilentServerEndsTheProgram(t *testing.T) {
	t.Parallel()
	stops := func(w http.ResponseWriter, r *http.Request, text string) {
		w.Header().Set("Content-Length", "100000")
		fmt.Fprint(w, text)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	const index = "apiVersion: v1\nentries:\n  aistor-operator:\n  - {apiVersion: v2, name: aistor-operator, version: 5.10.0, urls: [x.tgz]}\n"
	for _, c := range []struct {
		name  string
		serve func(http.ResponseWriter, *http.Request)
		args  func(host string) []string
		want  string
	}{
		{"an index of charts", func(w http.ResponseWriter, r *http.Request) { stops(w, r, "apiVersion: v1\n") },
			func(host string) []string { return []string{"--repo", "http://" + host} }, "it"},
		{"a chart of a repository", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "index.yaml") {
				fmt.Fprint(w, index)
				return
			}
			stops(w, r, "\x1f\x8b")
		}, func(host string) []string { return []string{"--repo", "http://" + host} }, "it"},
		{"a chart by its address", silent,
			func(host string) []string {
				return []string{"--chart", "http://" + host + "/x.tgz", "--registry-timeout", "700ms"}
			}, "no data was received within 700ms"},
		{"a registry", silent,
			func(host string) []string { return []string{"--chart", "oci://" + host + "/charts/x:1.0.0"} }, "no data was received within 500ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(c.serve))
			t.Cleanup(server.Close)
			host, s := strings.TrimPrefix(server.URL, "http://"), newSite(t)
			args := append([]string{"bundle", "create", s.filePath("b"), "--registry-plain-http", host, "--silence-timeout", "500ms"}, c.args(host)...)
			p := s.start("helm", nil, args...)
			<-p.done
			said := p.said.String()
			if p.ProcessState.ExitCode() != term.ExitError || !strings.Contains(said, "no response from "+host+": "+c.want) {
				t.Errorf("exit %d:\n%s", p.ProcessState.ExitCode(), said)
			}
		})
	}
}

// An API server that takes a question and does not answer is neither a cluster
// without AIStor nor a wait without end.
func TestASilentAPIServerEndsTheProgram(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"status", "validate", "export"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			host, _ := silentServer(t)
			p := s.start("kubectl", nil, verb, "--silence-timeout", "500ms", "--kubeconfig", s.kubeconfig("http://"+host, "{}"))
			<-p.done
			if said := p.said.String(); p.ProcessState.ExitCode() != term.ExitError || !strings.Contains(said, "no response from the API server") {
				t.Errorf("exit %d:\n%s", p.ProcessState.ExitCode(), said)
			}
		})
	}
}
