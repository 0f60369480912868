// Command helm-aistor is the Helm plugin "helm aistor": it carries an upgrade
// of MinIO AIStor across an airgap and performs it.
package main

import (
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli"
)

// version is set by the linker.
var version = "0.0.0-dev"

func main() { os.Exit(cli.Main(version, cli.NewHelm)) }
