package standin

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// Process is what the stand-in needs of the process it runs in.
type Process struct {
	// Name is argv[0], Args what follows it.
	Name string
	Args []string

	Getenv   func(string) string
	Hostname func() (string, error)
	Now      func() time.Time
	Out, Err io.Writer
}

// Run plays the role that the program's name or its first argument says, until
// the context ends. Roles: operator (with object-store or controller, adminjob,
// pod-mutating-webhook, aihub, prompt or warp as the next word, or with flags
// outside the cluster), volumes, minio, and anything else idles.
func Run(ctx context.Context, p Process) error {
	role := filepath.Base(p.Name)
	if role == "standin" && len(p.Args) > 0 {
		role, p.Args = p.Args[0], p.Args[1:]
	}
	if len(p.Args) > 0 && p.Args[0] == "--version" {
		_, err := fmt.Fprintf(p.Out, "%s version %s\n", role, p.Getenv("AISTOR_RELEASE"))
		return err
	}
	switch role {
	case "operator":
		return runOperator(ctx, p)
	case "volumes":
		return runVolumes(ctx, p)
	case "minio":
		return runServer(ctx, p)
	case "minio-sidecar":
		if len(p.Args) > 0 && p.Args[0] == "validate" {
			return nil
		}
	case "pause", "minio-kes", "kes", "kes-sidecar", "mc", "minwall", "aihub", "prompt", "warp":
	default:
		return fmt.Errorf("playing %q: no such role", role)
	}
	<-ctx.Done()
	return nil
}

func runOperator(ctx context.Context, p Process) error {
	if len(p.Args) == 0 || strings.HasPrefix(p.Args[0], "--") {
		return runOutside(ctx, p)
	}
	switch p.Args[0] {
	case "object-store", "controller":
		return runInside(ctx, p)
	case "pod-mutating-webhook":
		return runWebhook(ctx, p)
	}
	<-ctx.Done()
	return nil
}

// runOutside plays the operators of a cluster with simulated nodes.
func runOutside(ctx context.Context, p Process) error {
	flags := flag.NewFlagSet("standin operator", flag.ContinueOnError)
	flags.SetOutput(p.Err)
	kubeconfig := flags.String("kubeconfig", p.Getenv("KUBECONFIG"), "file of an administrator's kubeconfig")
	flags.Bool("outside", true, "play the operators of all namespaces from outside their pods")
	impersonate := flags.Bool("impersonate", true, "have only the rights of the pod's service account")
	volumes := flags.Bool("volumes", true, "make volumes for pending claims of object stores")
	interval := flags.Duration("interval", time.Second, "time between two looks at the cluster")
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	client, err := FromKubeconfig(*kubeconfig)
	if err != nil {
		return err
	}
	outside := &Outside{Client: client, Impersonate: *impersonate, Volumes: *volumes, Now: p.Now, Log: p.Out,
		Switches: DefaultSwitches().With(environment(p.Getenv))}
	Every(ctx, *interval, p.Err, outside.Once)
	return nil
}

// runInside plays the operator in the pod that its chart makes.
func runInside(ctx context.Context, p Process) error {
	client, namespace, err := InCluster(p.Getenv)
	if err != nil {
		return err
	}
	pod, err := p.Hostname()
	if err != nil {
		return fmt.Errorf("finding the pod's name: %w", err)
	}
	var watched []string
	if list := p.Getenv("WATCHED_NAMESPACES"); list != "" {
		watched = strings.Split(list, ",")
	}
	operator := &Operator{Client: client, Namespace: namespace, Release: p.Getenv("AISTOR_RELEASE"), Watched: watched,
		Switches: DefaultSwitches().With(environment(p.Getenv)), Now: p.Now, Log: p.Out}
	go Every(ctx, time.Second, p.Err, func(ctx context.Context) error {
		if err := operator.Lead(ctx, or(p.Getenv("POD_NAME"), pod)); err != nil {
			return err
		}
		return operator.Reconcile(ctx)
	})
	return serve(ctx, ":4221", http.NotFoundHandler(), nil)
}

func runWebhook(ctx context.Context, p Process) error {
	client, namespace, err := InCluster(p.Getenv)
	if err != nil {
		return err
	}
	authority, pair, err := certificates("object-store-webhook."+namespace+".svc", p.Now())
	if err != nil {
		return err
	}
	go Every(ctx, 2*time.Second, p.Err, func(ctx context.Context) error { return Inject(ctx, client, authority, true) })
	return serve(ctx, ":8443", WebhookHandler(), &pair)
}

// runVolumes binds object stores' claims, for a cluster with real nodes.
func runVolumes(ctx context.Context, p Process) error {
	flags := flag.NewFlagSet("standin volumes", flag.ContinueOnError)
	flags.SetOutput(p.Err)
	kubeconfig := flags.String("kubeconfig", p.Getenv("KUBECONFIG"), "file of an administrator's kubeconfig")
	if err := flags.Parse(p.Args); err != nil {
		return err
	}
	client, err := FromKubeconfig(*kubeconfig)
	if err != nil {
		return err
	}
	Every(ctx, time.Second, p.Err, func(ctx context.Context) error { return Provision(ctx, client) })
	return nil
}
