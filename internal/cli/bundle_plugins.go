package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// pluginsName is by what export knows the plugins' own files.
const pluginsName = "plugins"

// pluginsTarHint is how a machine that has no plugin yet takes them out.
func pluginsTarHint(file string, p *bundle.Plugins) message.Layout {
	return message.Layout(message.Sprintf("extract them with tar:\n  tar -xOf %s blobs/sha256/%s | tar -x",
		file, strings.TrimPrefix(p.SHA256, "sha256:")))
}

// exportPlugins writes the plugins' own files to a directory.
func (o *bundleExportOptions) exportPlugins(ctx context.Context, b *bundle.Bundle) error {
	dir := o.out
	if dir == "" {
		dir = "aistor-" + pluginsName
	}
	err := bundle.ExtractPlugins(ctx, b, dir)
	if errors.Is(err, os.ErrExist) {
		return withHint(err, "set another directory with --out")
	}
	if err != nil {
		return err
	}
	printLine(o.Out, "%s %s", b.Manifest().Plugins.SHA256, dir)
	return nil
}
