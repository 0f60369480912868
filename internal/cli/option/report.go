package option

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// Report says where an upgrade leaves its evidence.
type Report struct {
	Files   []string
	LogFile string
}

// AddFlags registers the flags of the group.
func (o *Report) AddFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.Files, "report", nil, "write a report to this .html or .json file, also on failure (can be repeated)")
	fs.StringVar(&o.LogFile, "log-file", "", "also write output with timestamps to this file (default: upgrade.log in the backup directory)")
}

// Validate finds out before anything is changed whether reports can be written.
func (o *Report) Validate() error {
	for _, f := range o.Files {
		if ext := strings.ToLower(filepath.Ext(f)); ext != ".html" && ext != ".json" {
			return fmt.Errorf("reading --report %q: expected a name that ends in .html or .json", f)
		}
		if info, err := os.Stat(filepath.Dir(f)); err != nil || !info.IsDir() {
			return fmt.Errorf("reading --report %q: directory %s not found", f, filepath.Dir(f))
		}
	}
	return nil
}
