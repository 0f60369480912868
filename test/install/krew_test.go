package install

import (
	"strings"
	"testing"
)

// A new version in the mirror reaches whoever installed the old one, also
// where the index is a directory and no web server serves it.
func TestKrewUpgradesFromTheMirror(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"file", "http"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := serve(t, stubs(t, version))
			index := m.url + "/index.git"
			if way == "file" {
				index = "file://" + m.folder() + "/index.git"
			}
			h := newHost(t, "helm3", m.folder())
			h.must(t, "kubectl krew index add site "+index+"; kubectl krew install site/aistor-upgrade")
			if got := h.must(t, "kubectl aistor-upgrade version"); got != "v"+version+"\n" {
				t.Errorf("installed %q", got)
			}
			m.must(t, "0.8.0", stubs(t, "0.8.0"))
			said := h.must(t, "kubectl krew update; kubectl krew upgrade aistor-upgrade")
			if got := h.must(t, "kubectl aistor-upgrade version"); got != "v0.8.0\n" {
				t.Errorf("upgraded to %q:\n%s", got, said)
			}
			if said, code := h.run(t, "kubectl krew upgrade aistor-upgrade"); code != 1 || !strings.Contains(said, "the newest version is already installed") {
				t.Errorf("upgrading again says, exit %d:\n%s", code, said)
			}
			h.must(t, "kubectl krew uninstall aistor-upgrade; kubectl krew index remove site")
			if left := h.left(t); len(left) > 0 {
				t.Errorf("uninstalling leaves %v", left)
			}
		})
	}
}

// The newest version's manifest lies in the index, but an older one is still
// installed by its own directory.
func TestAnOlderVersionStaysInTheMirror(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	m.must(t, "0.8.0", stubs(t, "0.8.0"))
	h := newHost(t, "helm3", m.folder())
	// With --manifest-url krew would first fetch its own index.
	h.must(t, "kubectl krew install --manifest=v"+version+"/krew-manifest.yaml")
	if got := h.must(t, "kubectl aistor-upgrade version"); got != "v"+version+"\n" {
		t.Errorf("installed %q", got)
	}
}

// What krew shows comes from the manifest, also how completion is set up.
func TestKrewTellsWhatThePluginIsFor(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	h := newHost(t, "helm3", m.folder())
	said := h.must(t, "kubectl krew index add site "+m.url+"/index.git; kubectl krew search aistor; kubectl krew info site/aistor-upgrade")
	for _, want := range []string{"Look before, during and after", "VERSION: v" + version, "completion kubectl"} {
		if !strings.Contains(said, want) {
			t.Errorf("krew does not say %q:\n%s", want, said)
		}
	}
}

// kubectl passes arguments and exit codes as they are.
func TestKubectlPassesExitCodes(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	first, sections := page(t, m.folder()+"/INSTALL.md")
	h := newHost(t, "helm3", m.folder())
	h.must(t, first+sections["kubectl plugin, without krew"].install)
	for _, want := range exitCodes() {
		said, code := h.run(t, "STUB_EXIT="+want.text+" kubectl aistor-upgrade preflight --only 'a b' -n x")
		if code != want.code || !strings.Contains(said, "arguments: preflight --only a b -n x\n") {
			t.Errorf("exit %d, want %d:\n%s", code, want.code, said)
		}
	}
}
