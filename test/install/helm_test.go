package install

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Both majors; what differs between them is said where it does.
func helms() []string { return []string{"helm3", "helm4"} }

type exitCode struct {
	text string
	code int
}

// exitCodes are those the plugins use.
func exitCodes() []exitCode {
	var list []exitCode
	for _, code := range []int{0, 1, 2, 3, 4, 5, 124, 130} {
		list = append(list, exitCode{strconv.Itoa(code), code})
	}
	return list
}

// extracted is an account on which the mirror's Helm plugin was extracted.
func extracted(t *testing.T, helm string, m mirror) *host {
	t.Helper()
	first, sections := page(t, filepath.Join(m.folder(), "INSTALL.md"))
	h := newHost(t, helm, m.folder())
	h.must(t, first+sections["Helm plugin, by extracting it (Helm 3 and 4)"].install)
	return h
}

// Helm swallows its own flags and hands them over in the environment.
func TestHelmHandsItsFlagsAndExitCodesOver(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	for _, helm := range helms() {
		t.Run(helm, func(t *testing.T) {
			t.Parallel()
			h := extracted(t, helm, m)
			said := h.must(t, "helm aistor plan -n site --kube-context dc2 --kubeconfig /k --registry-config /r --debug --bundle 'a b'")
			for _, want := range []string{
				"HELM_NAMESPACE=site\n", "HELM_KUBECONTEXT=dc2\n", "KUBECONFIG=/k\n", "HELM_REGISTRY_CONFIG=/r\n",
				"HELM_DEBUG=true\n", "arguments: plan --bundle a b\n",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("the plugin does not see %q:\n%s", want, said)
				}
			}
			for _, want := range exitCodes() {
				said, code := h.run(t, "STUB_EXIT="+want.text+" helm aistor plan")
				if code != want.code {
					t.Errorf("exit %d, want %d:\n%s", code, want.code, said)
				}
			}
		})
	}
}

// A directory is linked, not copied: it must stay where it is.
func TestHelmInstallsFromAFolder(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	for _, helm := range helms() {
		t.Run(helm, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, helm, t.TempDir())
			h.must(t, "tar -xzf "+m.folder()+"/v"+version+"/aistor-*.tgz; helm plugin install $PWD/aistor")
			if got := h.must(t, "helm aistor version"); got != "v"+version+"\n" {
				t.Errorf("installed %q", got)
			}
			h.must(t, "helm plugin uninstall aistor")
			if left := h.left(t); len(left) > 0 {
				t.Errorf("uninstalling leaves %v", left)
			}
			h.must(t, "test -x aistor/bin/helm-aistor")
		})
	}
}

// The symptom the page explains: a web server that does not say what a .tgz is.
func TestHelm3MustBeToldWhatAnArchiveIs(t *testing.T) {
	t.Parallel()
	m := serveAs(t, stubs(t, version), "application/octet-stream")
	h := newHost(t, "helm3", m.folder())
	said, code := h.run(t, fmt.Sprintf("helm plugin install %s/v%s/http/aistor-%[2]s-%s.tgz", m.url, version, platform("-")))
	if code == 0 || !strings.Contains(said, "Cannot detect VCS") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

// The real program: below both Helms, and by itself.
func TestTheRealProgramFailsAlikeBelowHelmAndAlone(t *testing.T) {
	t.Parallel()
	m := published(t)
	for _, helm := range helms() {
		h := extracted(t, helm, m)
		for _, line := range []string{"helm aistor plan", `"$(helm env HELM_PLUGINS)"/aistor/bin/helm-aistor plan`} {
			said, code := h.run(t, line)
			if code != 1 || !strings.HasPrefix(said, "error: --bundle is required\nhint: ") {
				t.Errorf("%s: %s: exit %d:\n%s", helm, line, code, said)
			}
		}
	}
}
