package release

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/pack"
)

// The plugins' names, which the archives' names and contents follow from.
const (
	krewPlugin  = "aistor-upgrade"
	krewProgram = "kubectl-aistor_upgrade"
	krewManual  = "kubectl-aistor-upgrade"
	helmPlugin  = "aistor"
	helmProgram = "helm-aistor"
	billEnding  = ".cdx.json"
)

// Release is one version of the plugins, built.
type Release struct {
	// Version without a leading v.
	Version string
	// Source is the checkout's directory: license and manifests are read there.
	Source string
	// Platforms for which there are programs.
	Platforms []build.Platform
	// Programs gives the directory of a platform's programs.
	Programs func(build.Platform) string
	// Provenance writes the .prov of a Helm plugin's archive, given its
	// plugin.yaml. Nil means that there is none.
	Provenance func(archive string, about []byte) error
	// Sign writes the .minisig of a file of the named product. Nil means that
	// files are not signed.
	Sign func(file, product string) error
	// Bill writes what a program is made of to a file. Nil means that there is
	// no bill of materials.
	Bill func(file, program, version string) error
}

// Validate reports what makes archives with misleading names.
func (r Release) Validate() error {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(r.Version) {
		return fmt.Errorf("reading version %q: expected one such as 1.2.3, without a v", r.Version)
	}
	return nil
}

// WriteArchives makes in the directory out what a release consists of: an archive
// for krew and one for Helm for each platform, each with its bill of materials,
// the manifest for krew with URLs below baseURL, SHA256SUMS over all of them,
// and signatures.
func (r Release) WriteArchives(out, baseURL string) error {
	if err := r.writeArchives(out, baseURL); err != nil {
		return err
	}
	return r.seal(out)
}

// writeArchives leaves sums and signatures out.
func (r Release) writeArchives(out, baseURL string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var archives []krewArchive
	for _, p := range r.Platforms {
		a, err := r.writeKrew(out, p)
		if err != nil {
			return err
		}
		archives = append(archives, a)
		if err := r.writeHelm(filepath.Join(out, r.helmName(p)), p, helmPlugin+"/"); err != nil {
			return err
		}
		if err := r.writeBills(out, p); err != nil {
			return err
		}
	}
	return r.writeManifest(filepath.Join(out, "krew-manifest.yaml"), baseURL, archives)
}

// writeBills writes what each plugin's program is made of.
func (r Release) writeBills(out string, p build.Platform) error {
	if r.Bill == nil {
		return nil
	}
	for program, name := range map[string]string{
		krewProgram: fmt.Sprintf("%s_%s_%s", krewProgram, p.OS, p.Arch),
		helmProgram: strings.TrimSuffix(r.helmName(p), ".tgz"),
	} {
		from := filepath.Join(r.Programs(p), p.Program(program))
		if err := r.Bill(filepath.Join(out, name+billEnding), from, r.Version); err != nil {
			return err
		}
	}
	return nil
}

// helmName is the archive's name. Helm takes the plugin's name from what comes
// before the version.
func (r Release) helmName(p build.Platform) string {
	return fmt.Sprintf("%s-%s-%s-%s.tgz", helmPlugin, r.Version, p.OS, p.Arch)
}

// writeHelm packs the Helm plugin with every name below the directory, which is
// "aistor/" for extracting and for Helm 4, and empty for Helm 3 over http.
func (r Release) writeHelm(name string, p build.Platform, folder string) error {
	about, err := r.helmManifest()
	if err != nil {
		return err
	}
	manuals, err := r.manuals(folder, helmProgram)
	if err != nil {
		return err
	}
	program := p.Program(helmProgram)
	err = pack.Write(name, append(manuals,
		pack.File{Name: folder + "plugin.yaml", Data: about},
		pack.File{Name: folder + "plugin.complete", Path: filepath.Join(r.Source, "plugin.complete"), Executable: true},
		pack.File{Name: folder + "LICENSE", Path: filepath.Join(r.Source, "LICENSE")},
		pack.File{Name: folder + "bin/" + program, Path: filepath.Join(r.Programs(p), program), Executable: true},
	))
	if err != nil || r.Provenance == nil {
		return err
	}
	return r.Provenance(name, about)
}

// manuals are a plugin's man pages, where man looks below a directory of MANPATH.
func (r Release) manuals(folder, plugin string) ([]pack.File, error) {
	pages, err := filepath.Glob(filepath.Join(r.Source, "docs", "man", plugin+"*.1"))
	if err != nil || len(pages) == 0 {
		return nil, fmt.Errorf("packing the manual of %s: no page below docs/man: %w", plugin, errors.Join(err, os.ErrNotExist))
	}
	var files []pack.File
	for _, page := range pages {
		files = append(files, pack.File{Name: folder + "man/man1/" + filepath.Base(page), Path: page})
	}
	return files, nil
}

// helmManifest is plugin.yaml with the version of this release.
func (r Release) helmManifest() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.Source, "plugin.yaml"))
	if err != nil {
		return nil, err
	}
	return replaceOnce(text, `(?m)^version: .*$`, "version: "+r.Version, "plugin.yaml")
}

// replaceOnce replaces the one match of a pattern; none or several mean that a
// file is not what this program knows.
func replaceOnce(text []byte, pattern, by, name string) ([]byte, error) {
	re := regexp.MustCompile(pattern)
	if n := len(re.FindAll(text, -1)); n != 1 {
		return nil, fmt.Errorf("filling in %q: expected one line that matches %s, found %d", name, pattern, n)
	}
	return re.ReplaceAllLiteral(text, []byte(by)), nil
}
