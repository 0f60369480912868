package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// section is a way to install: the commands that do, and those that remove.
type section struct{ install, remove string }

// page reads the INSTALL page: what is set first, and the sections by title.
func page(t *testing.T, name string) (string, map[string]section) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(b), "\n## ")
	sections := map[string]section{}
	for _, text := range strings.Split(rest, "\n## ") {
		title, body, _ := strings.Cut(text, "\n")
		blocks := commands(body)
		if len(blocks) != 2 {
			t.Fatalf("section %q has %d blocks of commands, not one to install and one to remove", title, len(blocks))
		}
		sections[title] = section{blocks[0], blocks[1]}
	}
	first := commands(head)
	return strings.Join(first, ""), sections
}

// commands are the blocks of shell commands of a text.
func commands(text string) []string {
	var list []string
	for {
		_, rest, found := strings.Cut(text, "```sh\n")
		if !found {
			return list
		}
		var block string
		block, text, _ = strings.Cut(rest, "```\n")
		list = append(list, block)
	}
}

// Every section of the page, with its own words, on a fresh account.
func TestInstallPage(t *testing.T) {
	t.Parallel()
	m := published(t)
	first, sections := page(t, filepath.Join(m.folder(), "INSTALL.md"))
	ways := map[string]struct {
		helms []string
		check string
		want  []string
	}{
		"kubectl plugin, with krew and the web server": {
			helms: []string{"helm3"},
			check: "kubectl plugin list 2>&1; kubectl krew list; kubectl aistor-upgrade --help",
			want:  []string{"/.krew/bin/kubectl-aistor_upgrade", "aistor/aistor-upgrade", "kubectl aistor-upgrade preflight"},
		},
		"kubectl plugin, with krew and this folder": {
			helms: []string{"helm3"},
			check: "kubectl plugin list 2>&1", want: []string{"/.krew/bin/kubectl-aistor_upgrade"},
		},
		"kubectl plugin, without krew": {
			helms: []string{"helm3"},
			check: "kubectl plugin list 2>&1", want: []string{"/.local/bin/kubectl-aistor_upgrade"},
		},
		"Helm plugin, by extracting it (Helm 3 and 4)": {
			helms: []string{"helm3", "helm4"},
			check: "helm plugin list; helm aistor --help", want: []string{"aistor", version, "helm aistor upgrade --bundle"},
		},
		"Helm plugin, from the web server, Helm 3": {
			helms: []string{"helm3"}, check: "helm plugin list", want: []string{version},
		},
		"Helm plugin, from the web server, Helm 4": {
			helms: []string{"helm4"}, check: "helm plugin list", want: []string{version},
		},
		"Helm plugin, from this folder, Helm 4": {
			helms: []string{"helm4"}, check: "helm plugin list", want: []string{version},
		},
	}
	for title := range sections {
		if _, known := ways[title]; !known && title != "Completion" {
			t.Errorf("section %q of the page is not tested", title)
		}
	}
	for title, way := range ways {
		for _, helm := range way.helms {
			t.Run(title+"/"+helm, func(t *testing.T) {
				t.Parallel()
				h := newHost(t, helm, m.folder())
				said := h.must(t, first+sections[title].install)
				if !strings.Contains(said, "\nv") {
					t.Errorf("the plugin does not tell its version:\n%s", said)
				}
				said = h.must(t, way.check)
				for _, want := range way.want {
					if !strings.Contains(said, want) {
						t.Errorf("%q lacks %q:\n%s", way.check, want, said)
					}
				}
				h.must(t, first+sections[title].remove)
				if left := h.left(t); len(left) > 0 {
					t.Errorf("removing it leaves %v", left)
				}
			})
		}
	}
}

// What people carry through an airgap stays small. Whoever raises a figure says
// in the commit what it bought.
func TestArchivesStaySmall(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(published(t).folder(), "v"+version)
	for name, most := range map[string]int64{
		"kubectl-aistor_upgrade_" + platform("_") + ".tar.gz": 22e6,
		"aistor-" + version + "-" + platform("-") + ".tgz":    24e6,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), most)
		}
	}
}

// The sums catch a byte that changed on the way.
func TestInstallPageFindsWhatIsTorn(t *testing.T) {
	t.Parallel()
	m := serve(t, stubs(t, version))
	first, _ := page(t, filepath.Join(m.folder(), "INSTALL.md"))
	h := newHost(t, "helm3", m.folder())
	if said := h.must(t, first); strings.Count(said, ": OK\n") != 4 {
		t.Errorf("checking a whole folder says:\n%s", said)
	}
	archive := "kubectl-aistor_upgrade_" + platform("_") + ".tar.gz"
	name := filepath.Join(m.folder(), "v"+version, archive)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if said, code := h.run(t, first); code == 0 || !strings.Contains(said, archive+": FAILED") {
		t.Errorf("exit %d of a torn folder:\n%s", code, said)
	}
	said, code := h.run(t, "kubectl krew index add aistor "+m.url+"/index.git && kubectl krew install aistor/aistor-upgrade")
	if code == 0 || !strings.Contains(said, "checksum") {
		t.Errorf("krew installs a torn archive, exit %d:\n%s", code, said)
	}
}
