// Command kubectl-aistor_upgrade is the kubectl plugin "kubectl aistor-upgrade":
// it looks at MinIO AIStor before, during and after an upgrade.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // clusters with cloud logins

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli"
)

// version is set by the linker.
var version = "0.0.0-dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// The first signal ends the work in order; the second one ends at once.
	context.AfterFunc(ctx, stop)
	p := &cli.Program{
		IOStreams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Getenv:    os.Getenv, Now: time.Now, Version: version,
	}
	os.Exit(p.Run(ctx, cli.NewKubectl(p), os.Args[1:]))
}
