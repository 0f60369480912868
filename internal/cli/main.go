package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // clusters with cloud logins
	"k8s.io/klog/v2"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// Main runs a plugin with the process's own arguments, streams, environment and
// clock, and gives its exit code. The first interruption ends the work in
// order; the second one ends the process at once. What was ignored when the
// process began, as nohup does with SIGHUP, stays so.
func Main(version string, plugin func(*term.Program) *cobra.Command) int {
	signals := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	p := &term.Program{
		IOStreams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Getenv:    os.Getenv, Now: time.Now, Version: version,
		IgnoreSIGPIPE: func() { signal.Ignore(syscall.SIGPIPE) },
	}
	// Libraries report to standard error on their own, past the streams above.
	klog.LogToStderr(false)
	klog.SetOutput(p.Redactor().Writer(os.Stderr))
	return p.Run(ctx, plugin(p), os.Args[1:])
}
