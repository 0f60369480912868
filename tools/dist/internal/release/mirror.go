package release

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed INSTALL.md
var installPage string

// WriteMirror makes in the directory out what a site without internet copies to
// its web server, whose address for this directory is baseURL:
//
//	INSTALL.md    the commands, with the site's own addresses
//	index.git     an index for krew, to be cloned by file or http
//	vX.Y.Z/       the archives with krew's manifest and checksums
//	vX.Y.Z/http/  Helm plugins as Helm 3 installs them over http
//
// Other versions' directories are left as they are, and the index names this one.
func (r Release) WriteMirror(ctx context.Context, out, baseURL string) error {
	if err := CheckURL(baseURL); err != nil {
		return err
	}
	baseURL = strings.TrimSuffix(baseURL, "/")
	version := "v" + r.Version
	dir := filepath.Join(out, version)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "http"), 0o755); err != nil {
		return err
	}
	for _, p := range r.Platforms {
		if err := r.writeHelm(filepath.Join(dir, "http", r.helmName(p)), p, ""); err != nil {
			return err
		}
	}
	if err := r.WriteArchives(dir, baseURL+"/"+version); err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "krew-manifest.yaml"))
	if err != nil {
		return err
	}
	if err := writeIndex(ctx, filepath.Join(out, "index.git"), manifest, r.Version); err != nil {
		return err
	}
	return r.writeInstall(filepath.Join(out, "INSTALL.md"), baseURL)
}

// CheckURL reports whether krew can be sent to an address for archives.
func CheckURL(baseURL string) error {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("reading base URL %q: expected one such as https://files.example/aistor, since krew takes archives over http only", baseURL)
	}
	return nil
}

func (r Release) writeInstall(name, baseURL string) error {
	page, err := template.New("INSTALL.md").Option("missingkey=error").Parse(installPage)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Execute(&b, map[string]any{"Version": r.Version, "URL": baseURL, "Signed": r.Provenance != nil, "Minisign": r.Sign != nil}); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
