package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// deniedAPI is an API server that has nothing and denies the requests whose path
// denied names. Its version is public, as everywhere.
func deniedAPI(t *testing.T, denied func(path string) bool) (kubeconfig string) {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/version":
			fmt.Fprint(w, `{"gitVersion":"v1.36.3"}`)
		case denied(r.URL.Path):
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden",
				"message": `forbidden: User "eve" cannot ` + r.URL.Path, "code": http.StatusForbidden})
		case strings.HasSuffix(r.URL.Path, "namespaces/kube-system"):
			fmt.Fprint(w, `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"kube-system","uid":"1"}}`)
		case strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList"):
			fmt.Fprint(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[]}`)
		default:
			fmt.Fprint(w, `{"kind":"List","apiVersion":"v1","metadata":{},"items":[]}`)
		}
	}))
	t.Cleanup(api.Close)
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q}}],`+
		`"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":"t"}}]}`, api.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func runAgainst(t *testing.T, kubeconfig string, plugin func(*term.Program) *cobra.Command, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	home := t.TempDir()
	p := &term.Program{IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, Now: time.Now, Version: "1.0.0",
		Getenv: func(name string) string { return map[string]string{"KUBECONFIG": kubeconfig, "HOME": home}[name] }}
	code = p.Run(t.Context(), plugin(p), append(args, "--kubeconfig", kubeconfig))
	return code, out.String(), errOut.String()
}

// What could not be read is an error of every verb, with the right that is
// missing and the command that asks for it.
func TestWithoutRightsNoVerbSucceeds(t *testing.T) {
	t.Parallel()
	config := deniedAPI(t, func(string) bool { return true })
	for _, tc := range []struct {
		plugin func(*term.Program) *cobra.Command
		args   []string
		code   int
		want   []string
	}{
		{NewKubectl, []string{"status"}, term.ExitError, []string{"error: reading the cluster: ", `User "eve" cannot`, "more errors", "auth can-i list "}},
		{NewKubectl, []string{"status", "-o", "json"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list "}},
		{NewKubectl, []string{"status", "-n", "team-a"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list ", "-n team-a"}},
		{NewKubectl, []string{"images"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list "}},
		{NewKubectl, []string{"images", "-o", "name"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list "}},
		{NewKubectl, []string{"images", "-n", "team-a"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list "}},
		{NewKubectl, []string{"export"}, term.ExitError, []string{"error: finding the operator's release: ", `User "eve" cannot`, "auth can-i list "}},
		{NewKubectl, []string{"validate"}, term.ExitCheckFailed, nil},
		{NewKubectl, []string{"preflight"}, term.ExitCheckFailed, nil},
		{NewKubectl, []string{"collect", "%dir/a.tar.gz"}, term.ExitError, []string{"error: reading the cluster: ", "auth can-i list "}},
		{NewHelm, []string{"values", "--operator"}, term.ExitError, []string{"error: finding the operator's release: ", "auth can-i list "}},
		{NewHelm, []string{"values", "--object-store", "team-a/primary"}, term.ExitError, []string{`error: finding object store "team-a/primary": `, "auth can-i list "}},
		{NewHelm, []string{"rollback", "--yes"}, term.ExitError, []string{"error: finding the operator's release: ", "auth can-i list "}},
	} {
		name := strings.Join(tc.args, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, a := range tc.args {
				tc.args[i] = strings.ReplaceAll(a, "%dir", t.TempDir())
			}
			code, _, errOut := runAgainst(t, config, tc.plugin, tc.args...)
			for _, want := range tc.want {
				if !strings.Contains(errOut, want) {
					t.Errorf("%q is missing", want)
				}
			}
			if code != tc.code || strings.Count(errOut, "hint: ") > 1 || t.Failed() {
				t.Errorf("exit code %d, expected %d:\n%s", code, tc.code, errOut)
			}
		})
	}
}

// Rights that a verb has no use for keep nobody from it.
func TestOneMissingRightIsAnErrorWhereTheVerbNeedsIt(t *testing.T) {
	t.Parallel()
	for resource, fails := range map[string]map[string]bool{
		"objectstores":                  {"status": true, "images": true},
		"pods":                          {"status": true, "images": true},
		"secrets":                       {"status": true, "images": true},
		"customresourcedefinitions":     {"status": true, "images": false},
		"nodes":                         {"status": false, "images": false},
		"mutatingwebhookconfigurations": {"status": false, "images": false},
		"persistentvolumes":             {"status": false, "images": false},
		"":                              {"status": false, "images": false},
	} {
		config := deniedAPI(t, func(path string) bool { return resource != "" && strings.Contains(path+"/", "/"+resource+"/") })
		for verb, fails := range fails {
			code, out, errOut := runAgainst(t, config, NewKubectl, verb)
			if fails != (code == term.ExitError) || fails != strings.Contains(errOut, "error: reading the cluster") {
				t.Errorf("%s without %q: exit code %d\n%s%s", verb, resource, code, out, errOut)
			}
		}
	}
}
