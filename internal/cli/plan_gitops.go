package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/gitops"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// gitopsOptions write a plan down as commits-to-be.
type gitopsOptions struct {
	dir, tool string
}

func (o *gitopsOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.dir, "gitops", "", "write the steps as commits for Flux or Argo CD into this new folder, in order and without secrets")
	fs.StringVar(&o.tool, "gitops-tool", "", "flux or argocd, for releases of which the cluster does not tell who manages them")
}

func (o *gitopsOptions) validate() error {
	if _, known := gitops.Tools()[o.tool]; o.tool != "" && !known {
		return fmt.Errorf("reading --gitops-tool %q: expected flux or argocd", o.tool)
	}
	if o.tool != "" && o.dir == "" {
		return withHint(errors.New("reading --gitops-tool: there is nothing to write"), "name a folder with --gitops DIR")
	}
	if o.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(o.dir)
	if err == nil && len(entries) == 0 || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.New("it is not empty")
	}
	return withHint(fmt.Errorf("reading --gitops %q: %w", o.dir, err), "name a folder that is not there yet")
}

// writeCommits fills the folder, unless the plan is refused. The README, which
// says what to do with the rest, comes last.
func (o *planOptions) writeCommits(ctx context.Context, t *target) error {
	if len(t.plan.Refusals) > 0 {
		return nil // show says why
	}
	charts := chartsPathOf(t.bundle)
	if charts == "" {
		charts = path.Join(t.plan.Registry.Prefix, "charts")
	}
	files, err := gitops.Commits(gitops.Request{
		Plan: t.plan, Inputs: t.inputs, Redactor: o.redactor(), Tool: gitops.Tools()[o.gitops.tool],
		Charts: t.plan.Registry.Registry + "/" + strings.Trim(charts, "/"),
	})
	if err != nil {
		return err
	}
	plan, err := o.judged(ctx, t)
	if err != nil {
		return err
	}
	files = append(append(files[1:], gitops.File{Path: "plan.yaml", Content: plan}), files[0])
	for _, f := range files {
		name := filepath.Join(o.gitops.dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("writing commits: %w", err)
		}
		if err := safefile.Write(name, f.Content, 0o644); err != nil {
			return fmt.Errorf("writing commits: %w", err)
		}
	}
	line(o.ErrOut, "commits: %s says what to commit in which order", filepath.Join(o.gitops.dir, "README.md"))
	return nil
}
