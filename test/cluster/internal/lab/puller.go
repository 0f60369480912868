package lab

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/puller"
)

// RunPuller plays the kubelets of the lab's simulated nodes until the context
// ends.
func (l *Lab) RunPuller(ctx context.Context) error {
	pem, err := os.ReadFile(l.CAFile())
	if err != nil {
		return fmt.Errorf("reading the lab's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client, err := l.Client()
	if err != nil {
		return err
	}
	return puller.New(client, puller.NewRegistries(l.endpoints(), pool), l.VolumeDir()).Run(ctx)
}

// endpoints are the registries that nodes can reach, by name in an image.
func (l *Lab) endpoints() map[string]puller.Endpoint {
	targets := map[string]puller.Endpoint{
		partUpstream: {Address: l.address(partUpstream)},
		partPrivate:  {Address: l.address(partPrivate), TLS: true},
	}
	out := map[string]puller.Endpoint{}
	for name, e := range targets {
		out[e.Address] = e
		out[fmt.Sprintf("localhost:%d", l.Ports[name])] = e
	}
	for alias, target := range l.Aliases {
		out[alias] = targets[target]
	}
	return out
}
