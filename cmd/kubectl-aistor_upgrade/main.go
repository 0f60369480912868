// Command kubectl-aistor_upgrade is the kubectl plugin "kubectl aistor-upgrade":
// it checks MinIO AIStor before, during and after an upgrade.
package main

import (
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli"
)

// version is set by the linker.
var version = "0.0.0-dev"

func main() { os.Exit(cli.Main(version, cli.NewKubectl)) }
