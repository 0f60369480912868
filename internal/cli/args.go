package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/assemble"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

// exactArgs wants n arguments and says what they are.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return withHint(fmt.Errorf("reading arguments: received %d, expected %s", len(args), what),
			cmd.CommandPath()+" --help shows examples")
	}
}

// mergeFiles merges values files in Helm's order; nil where there is none.
func mergeFiles(p *Program, files []string) (map[string]any, error) {
	if len(files) == 0 {
		return nil, nil
	}
	v, err := chart.MergeFiles(valuesFiles(files), p.In)
	if err != nil {
		return nil, withHint(err, "check the file with helm template -f")
	}
	return v, nil
}

// besides looks for name-version.tgz in the folders of the given charts.
func besides(charts []string, w assemble.Want) string {
	for _, c := range charts {
		file := filepath.Join(filepath.Dir(c), w.Ref+"-"+w.Version+".tgz")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// line writes one line and drops the error: what is written to a closed pipe
// is not missed.
func line(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
