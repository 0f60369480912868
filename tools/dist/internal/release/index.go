package release

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// writeIndex makes a bare git repository that krew takes as an index, with
// plugins/aistor-upgrade.yaml alone. It can be cloned from the file system, and
// from any web server that only serves files. An index that already exists
// gets a commit on top of its last, so that a copy on a git server goes forward
// with it; the same manifest again leaves it as it is. In a new directory the same
// manifest gives the same commit.
func writeIndex(ctx context.Context, dir string, manifest []byte, version string) error {
	g := repository{ctx: ctx, dir: dir}
	g.git("", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", dir)
	blob := g.git(string(manifest), "--git-dir", dir, "hash-object", "-w", "--stdin")
	plugins := g.git("100644 blob "+blob+"\t"+krewPlugin+".yaml\n", "--git-dir", dir, "mktree")
	tree := g.git("040000 tree "+plugins+"\tplugins\n", "--git-dir", dir, "mktree")
	commit := []string{"--git-dir", dir, "commit-tree", "-m", krewPlugin + " v" + version, tree}
	// Nothing where there is no commit yet.
	last, lastTree, _ := strings.Cut(g.git("", "--git-dir", dir, "for-each-ref", "--format=%(objectname) %(tree)", "refs/heads/main"), " ")
	if lastTree == tree {
		return g.err
	}
	if last != "" {
		commit = append(commit, "-p", last)
	}
	g.git("", "--git-dir", dir, "update-ref", "refs/heads/main", g.git("", commit...))
	// What a server that only serves files must have.
	g.git("", "--git-dir", dir, "update-server-info")
	return g.err
}

// repository runs git until something fails.
type repository struct {
	ctx context.Context
	dir string
	err error
}

func (g *repository) git(stdin string, args ...string) string {
	if g.err != nil {
		return ""
	}
	cmd := exec.CommandContext(g.ctx, "git", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	// Neither the clock, nor who runs it, nor their settings go in.
	const who, when = "aistor-upgrade", "315532800 +0000"
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL=", "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME="+who, "GIT_COMMITTER_EMAIL=", "GIT_COMMITTER_DATE="+when)
	out, err := cmd.Output()
	if err != nil {
		g.err = fmt.Errorf("making krew index %q: git %s: %w %s", g.dir, strings.Join(args, " "), err, said.Bytes())
	}
	return strings.TrimSpace(string(out))
}
