package install

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// cluster is an API server that knows one namespace with one object store.
func cluster(t *testing.T, namespace string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		about := map[string]string{
			"/api/v1/namespaces":                  fmt.Sprintf(`{"name":%q}`, namespace),
			"/apis/aistor.min.io/v1/objectstores": fmt.Sprintf(`{"name":"main","namespace":%q}`, namespace),
		}[r.URL.Path]
		if about == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[{"metadata":%s}]}`, about)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// clusters is a kubeconfig with two contexts, each a cluster of its own.
func clusters(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: dc1
contexts: [{name: dc1, context: {cluster: one, user: u}}, {name: dc2, context: {cluster: two, user: u}}]
clusters: [{name: one, cluster: {server: %q}}, {name: two, cluster: {server: %q}}]
users: [{name: u, user: {token: x}}]
`, cluster(t, "first-site"), cluster(t, "second-site"))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// bash completes a line: it sources a completion script, and prints what Tab
// would offer for the words.
const bash = `
_get_comp_words_by_ref() { # of the bash-completion package, which may be absent
  local name; while [ $# -gt 0 ]; do case $1 in
    -n) shift;; cur) cur=${COMP_WORDS[COMP_CWORD]};; prev) prev=${COMP_WORDS[COMP_CWORD-1]};;
    words) words=("${COMP_WORDS[@]}");; cword) cword=$COMP_CWORD;; esac; shift; done
}
__ltrim_colon_completions() { :; }
compopt() { :; } # a shell knows it only while a person types
set +eu
@program completion bash > completion.sh; source ./completion.sh
COMP_WORDS=(@line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
__start_@program
printf '%s\n' "${COMPREPLY[@]}"
`

func tab(t *testing.T, h *host, program, line string) string {
	t.Helper()
	return h.must(t, strings.NewReplacer("@program", program, "@line", line).Replace(bash))
}

// zsh completes a line as a person types it, in a terminal of its own, and ends
// well once the terminal shows what is wanted.
const zsh = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -U compinit; compinit -u -d $HOME/.zcompdump; source <(@program completion zsh); print REA""DY'
zpty -r -m shell said '*READY*'
zpty -w -n shell $'@line\t'
zpty -r -m shell said '*@want*'
zpty -d shell
rm -f $HOME/.zcompdump
`

// wanted is a line, and one of the things Tab should offer for it.
type wanted struct{ program, line, want string }

func wantedLines() []wanted {
	return []wanted{
		{"kubectl", "kubectl aistor-upgrade pref", "preflight"},
		{"kubectl", "kubectl aistor-upgrade status -n ''", "first-site"},
		{"kubectl", "kubectl aistor-upgrade status --context dc2 -n ''", "second-site"},
		{"kubectl", "kubectl aistor-upgrade preflight --only cluster-v", "cluster-version"},
		{"helm", "helm aistor bundle ver", "verify"},
		{"helm", "helm aistor plan --push n", "never"},
		{"helm", "helm aistor plan --object-store ''", "first-site/main"},
		// Helm swallows its own flags, wherever they stand, and completes none of
		// them below a plugin.
		{"helm", "helm --kube-context dc2 aistor plan --object-store ''", "second-site/main"},
		{"helm", "helm aistor plan --kube-context dc2 --object-store ''", "second-site/main"},
	}
}

// completing is an account with both plugins and completion set up as the page
// says, and what removes it again.
func completing(t *testing.T, helm string) (*host, string) {
	t.Helper()
	m := published(t)
	_, sections := page(t, filepath.Join(m.folder(), "INSTALL.md"))
	h := extracted(t, helm, m)
	h.env = append(h.env, "KUBECONFIG="+clusters(t))
	h.dir = t.TempDir()
	h.must(t, "here="+m.folder()+"; os="+runtime.GOOS+"; arch="+runtime.GOARCH+"\n"+
		sections["kubectl plugin, without krew"].install+sections["Completion"].install)
	return h, sections["Completion"].remove
}

func TestBashCompletesBothPlugins(t *testing.T) {
	t.Parallel()
	for _, helm := range helms() {
		t.Run(helm, func(t *testing.T) {
			t.Parallel()
			h, remove := completing(t, helm)
			for _, l := range wantedLines() {
				if said := tab(t, h, l.program, l.line); !strings.Contains(said, l.want) {
					t.Errorf("Tab after %q offers %q, want %q", l.line, said, l.want)
				}
			}
			h.must(t, remove)
		})
	}
}

func TestZshCompletesBothPlugins(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("zsh"); err != nil {
		t.Skip("zsh is not installed")
	}
	for _, helm := range helms() {
		t.Run(helm, func(t *testing.T) {
			t.Parallel()
			h, remove := completing(t, helm)
			h.env = append(h.env, "TERM=vt100")
			for _, l := range wantedLines() {
				script := strings.NewReplacer("@program", l.program, "@line", strings.ReplaceAll(l.line, "''", ""), "@want", l.want).Replace(zsh)
				if err := os.WriteFile(filepath.Join(h.dir, "tab.zsh"), []byte(script), 0o600); err != nil {
					t.Fatal(err)
				}
				if said, code := h.run(t, "timeout 300 zsh -f tab.zsh"); code != 0 {
					t.Errorf("Tab after %q does not offer %q, exit %d:\n%s", l.line, l.want, code, said)
				}
			}
			h.must(t, remove)
		})
	}
}
