package release

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/build"
	"github.com/aistor-upgrade/aistor-upgrade/tools/dist/internal/pack"
)

// krewArchive is what krew's manifest says of one platform.
type krewArchive struct {
	platform build.Platform
	name     string
	sum      string
}

func (r Release) writeKrew(out string, p build.Platform) (krewArchive, error) {
	ending := ".tar.gz"
	if p.OS == "windows" {
		ending = ".zip"
	}
	a := krewArchive{platform: p, name: fmt.Sprintf("%s_%s_%s%s", krewProgram, p.OS, p.Arch, ending)}
	manuals, err := r.manuals("", krewManual)
	if err != nil {
		return a, err
	}
	program := p.Program(krewProgram)
	err = pack.Write(filepath.Join(out, a.name), append(manuals,
		pack.File{Name: "LICENSE", Path: filepath.Join(r.Source, "LICENSE")},
		pack.File{Name: program, Path: filepath.Join(r.Programs(p), program), Executable: true},
	))
	if err != nil {
		return a, err
	}
	a.sum, err = sumOf(filepath.Join(out, a.name))
	return a, err
}

// writeManifest fills in the checkout's krew-manifest.yaml: the text is its
// own, the version and the platforms are those of the archives.
func (r Release) writeManifest(name, baseURL string, archives []krewArchive) error {
	text, err := os.ReadFile(filepath.Join(r.Source, "krew-manifest.yaml"))
	if err != nil {
		return err
	}
	text, err = replaceOnce(text, `(?m)^  version: .*$`, "  version: v"+r.Version, "krew-manifest.yaml")
	if err != nil {
		return err
	}
	// The leading comment speaks to whoever edits the template.
	for strings.HasPrefix(string(text), "#") {
		_, rest, _ := strings.Cut(string(text), "\n")
		text = []byte(rest)
	}
	var b strings.Builder
	b.WriteString("  platforms:\n")
	for _, a := range archives {
		fmt.Fprintf(&b, "    - selector:\n        matchLabels:\n          os: %s\n          arch: %s\n", a.platform.OS, a.platform.Arch)
		fmt.Fprintf(&b, "      uri: %s/%s\n      sha256: %s\n      bin: %s\n",
			strings.TrimSuffix(baseURL, "/"), a.name, a.sum, a.platform.Program(krewProgram))
	}
	return os.WriteFile(name, append(text, b.String()...), 0o644)
}
