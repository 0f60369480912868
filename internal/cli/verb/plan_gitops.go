package verb

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

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/gitops"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// gitopsOptions write a plan down as commits-to-be.
type gitopsOptions struct {
	dir, tool string
}

func (o *gitopsOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.dir, "gitops", "", "write the steps as ordered commits for Flux or Argo CD to this new directory, without secrets")
	fs.StringVar(&o.tool, "gitops-tool", "", "GitOps tool for releases without a known manager: flux or argocd")
}

func (o *gitopsOptions) validate() error {
	if _, known := gitops.ToolsByName()[o.tool]; o.tool != "" && !known {
		return fmt.Errorf("reading --gitops-tool %q: expected flux or argocd", o.tool)
	}
	if o.tool != "" && o.dir == "" {
		return term.WithHint(errors.New("--gitops-tool requires --gitops"), "add --gitops DIR")
	}
	if o.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(o.dir)
	if err == nil && len(entries) == 0 || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.New("directory is not empty")
	}
	return term.WithHint(fmt.Errorf("reading --gitops %q: %w", o.dir, err), "choose a directory that does not exist")
}

// writeCommits fills the directory, unless the plan is refused. The README, which
// says what to do with the rest, comes last.
func (o *planOptions) writeCommits(ctx context.Context, t *workflow.Target) error {
	if len(t.Plan.Refusals) > 0 {
		return nil // show says why
	}
	charts := workflow.ChartsPath(t.Bundle)
	if charts == "" {
		charts = path.Join(t.Plan.Registry.Prefix, "charts")
	}
	files, err := gitops.BuildCommits(gitops.Request{
		Plan: t.Plan, Inputs: t.Inputs, Redactor: o.Redactor(), Tool: gitops.ToolsByName()[o.gitops.tool],
		Charts: t.Plan.Registry.Registry + "/" + strings.Trim(charts, "/"),
	})
	if err != nil {
		return err
	}
	plan, err := o.encodePlan(ctx, t)
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
	term.PrintLine(o.ErrOut, "commits written: see %s for the order", filepath.Join(o.gitops.dir, "README.md"))
	return nil
}
