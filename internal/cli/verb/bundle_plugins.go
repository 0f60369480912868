package verb

import (
	"context"
	"errors"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// pluginsName is by what export knows the plugins' own files.
const pluginsName = "plugins"

// exportPlugins writes the plugins' own files to a directory.
func (o *bundleExportOptions) exportPlugins(ctx context.Context, b *bundle.Bundle) error {
	dir := o.out
	if dir == "" {
		dir = "aistor-" + pluginsName
	}
	err := bundle.ExtractPlugins(ctx, b, dir)
	if errors.Is(err, os.ErrExist) {
		return term.WithHint(err, "set another directory with --out")
	}
	if err != nil {
		return err
	}
	term.PrintLine(o.Out, "%s %s", b.Manifest().Plugins.SHA256, dir)
	return nil
}
