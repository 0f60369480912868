package workflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// OpenBundle opens what --bundle and push name: a file or its parts, a directory
// of archives, or oci://HOST/PATH:TAG of a bundle that was pushed.
func OpenBundle(ctx context.Context, ref string, to option.ClientFactory, as ...string) (bundle.Reader, error) {
	if rest, ok := strings.CutPrefix(ref, option.OCIScheme); ok {
		return openRemote(ctx, rest, to)
	}
	if st, err := os.Stat(ref); err == nil && st.IsDir() {
		return openFolder(ref, as)
	}
	return OpenBundleFile(ref)
}

// OpenBundleFile opens a bundle and says what to do about one that cannot be.
func OpenBundleFile(file string) (*bundle.Bundle, error) {
	b, err := bundle.Open(file)
	var hinted interface{ Hint() string }
	switch {
	case err == nil:
		return b, nil
	case errors.As(err, &hinted):
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, term.WithHint(err, "create one with: helm aistor bundle create FILE")
	}
	return nil, term.WithHint(err, "find the damage with: helm aistor bundle verify FILE")
}

func openRemote(ctx context.Context, name string, to option.ClientFactory) (bundle.Reader, error) {
	ref, err := images.ParseRef(name)
	if err != nil {
		return nil, fmt.Errorf("opening bundle %q: %w", option.OCIScheme+name, err)
	}
	if ref.Tag == "" && ref.Digest == "" {
		return nil, term.WithHint(fmt.Errorf("opening bundle %q: the reference has no tag", option.OCIScheme+name),
			"helm aistor push prints the bundle's address in the registry")
	}
	client, err := to(ref.Host)
	if err != nil {
		return nil, err
	}
	r, err := bundle.OpenRemote(ctx, client, ref)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func openFolder(dir string, as []string) (bundle.Reader, error) {
	named, err := option.ParsePairs("as", as)
	if err != nil {
		return nil, err
	}
	opts := bundle.FolderOptions{As: map[string]images.Ref{}}
	for file, name := range named {
		if opts.As[file], err = images.ParseRef(name); err != nil {
			return nil, err
		}
	}
	f, err := bundle.OpenFolder(dir, opts)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// withMirror says of a pushed bundle where its images are: where the site's own
// mapping puts them. Others carry their images with them.
func withMirror(b bundle.Reader, r plan.SiteRegistry) bundle.Reader {
	if remote, ok := b.(*bundle.Remote); ok {
		return remote.WithMirror(r.Mirror)
	}
	return b
}

// ChartsPath is where a push of b has to look for its charts: beside the
// manifest of a bundle that was pushed already, else in the default place.
func ChartsPath(b bundle.Reader) string {
	if remote, ok := b.(*bundle.Remote); ok {
		return remote.ChartsPath()
	}
	return ""
}
