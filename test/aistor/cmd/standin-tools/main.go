// Command aistor-fixtures writes the fixture charts and pushes the fixture images.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage:
  aistor-fixtures charts --out DIR [--unpacked]
  aistor-fixtures images [--only VERSION,...] [--fips]
  aistor-fixtures build  --out DIR
  aistor-fixtures push   --registry HOST [--mapped [--prefix PREFIX] | --prefix quay.io] [--plain-http | --ca FILE]
                         [--user USER --password-file FILE] [--only VERSION,... | --image REF ...] [--fips] [--pad BYTES]
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(errs, usage)
		return flag.ErrHelp
	}
	flags := flag.NewFlagSet("aistor-fixtures "+args[0], flag.ContinueOnError)
	flags.SetOutput(errs)
	switch args[0] {
	case "charts":
		return charts(flags, args[1:], out)
	case "images":
		return list(flags, args[1:], out)
	case "build":
		return build(ctx, flags, args[1:], out)
	case "push":
		return push(ctx, flags, args[1:], out)
	}
	fmt.Fprint(errs, usage)
	return fmt.Errorf("reading arguments: no such verb %q", args[0])
}
