package release

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/pack"
)

// The plugins' names, which the archives' names and contents follow from.
const (
	krewPlugin  = "aistor-upgrade"
	krewProgram = "kubectl-aistor_upgrade"
	helmPlugin  = "aistor"
	helmProgram = "helm-aistor"
)

// Release is one version of the plugins, built.
type Release struct {
	// Version without a leading v.
	Version string
	// Source is the checkout's folder: license and manifests are read there.
	Source string
	// Platforms for which there are programs.
	Platforms []build.Platform
	// Programs gives the folder of a platform's programs.
	Programs func(build.Platform) string
	// Sign writes the .prov of a Helm plugin's archive, given its plugin.yaml.
	// Nil means that archives are not signed.
	Sign func(archive string, about []byte) error
}

// Validate reports what makes archives with misleading names.
func (r Release) Validate() error {
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(r.Version) {
		return fmt.Errorf("reading version %q: expected one such as 1.2.3, without a v", r.Version)
	}
	return nil
}

// WriteArchives makes in the folder out what a release consists of: an archive
// for krew and one for Helm for each platform, the manifest for krew with URLs
// below baseURL, and SHA256SUMS over all of them.
func (r Release) WriteArchives(out, baseURL string) error {
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
	}
	if err := r.writeManifest(filepath.Join(out, "krew-manifest.yaml"), baseURL, archives); err != nil {
		return err
	}
	return writeSums(out)
}

// helmName is the archive's name. Helm takes the plugin's name from what comes
// before the version.
func (r Release) helmName(p build.Platform) string {
	return fmt.Sprintf("%s-%s-%s-%s.tgz", helmPlugin, r.Version, p.OS, p.Arch)
}

// writeHelm packs the Helm plugin with every name below the folder, which is
// "aistor/" for extracting and for Helm 4, and empty for Helm 3 over http.
func (r Release) writeHelm(name string, p build.Platform, folder string) error {
	about, err := r.helmManifest()
	if err != nil {
		return err
	}
	program := p.Program(helmProgram)
	err = pack.Write(name, []pack.File{
		{Name: folder + "plugin.yaml", Data: about},
		{Name: folder + "plugin.complete", Path: filepath.Join(r.Source, "plugin.complete"), Executable: true},
		{Name: folder + "LICENSE", Path: filepath.Join(r.Source, "LICENSE")},
		{Name: folder + "bin/" + program, Path: filepath.Join(r.Programs(p), program), Executable: true},
	})
	if err != nil || r.Sign == nil {
		return err
	}
	return r.Sign(name, about)
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
