package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/proc"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

// advertise is the address of the API server inside the cluster. Without a
// real node nothing connects to it; the API server refuses a loopback address
// there, so it is one kept for documentation.
func (l *Lab) advertise() string {
	if l.RealNode {
		return realnode.NewNetwork(l.Number).Node()
	}
	return "192.0.2.1"
}

// serviceCIDR is where cluster IPs come from; the first is serviceIP, the API.
func (l *Lab) serviceCIDR() string {
	if l.RealNode {
		return realnode.NewNetwork(l.Number).Services()
	}
	return "10.96.0.0/16"
}

func (l *Lab) serviceIP() string {
	if l.RealNode {
		return realnode.NewNetwork(l.Number).API()
	}
	return "10.96.0.1"
}

func (l *Lab) nodeCount() int {
	if l.RealNode {
		return l.Nodes + 1
	}
	return l.Nodes
}

// listen is where a registry listens.
func (l *Lab) listen(part string) string {
	return net.JoinHostPort(l.Host, strconv.Itoa(l.Ports[part]))
}

func (l *Lab) nodeConfig() realnode.Config {
	c := realnode.Config{
		Dir: l.path("node"), Logs: l.path("logs"), Bin: l.Bin, Number: l.Number,
		Kubeconfig: l.path("pki", "kubelet.kubeconfig"), Admin: l.Kubeconfig(),
		APIPort: l.Ports[partAPI], CA: l.CAFile(), Pause: l.pauseImage(),
		Registries: map[string]realnode.Registry{},
	}
	for host, e := range l.endpoints() {
		c.Registries[host] = realnode.Registry{Port: l.Ports[partUpstream]}
		if e.TLS {
			c.Registries[host] = realnode.Registry{Port: l.Ports[partPrivate], TLS: true}
		}
	}
	return c
}

func (l *Lab) pauseImage() string { return l.address(partUpstream) + "/lab/pause:1" }

// startRealNode starts the node and links it to the machine.
func (l *Lab) startRealNode(ctx context.Context) ([]*proc.Started, error) {
	if err := l.pushPause(ctx); err != nil {
		return nil, fmt.Errorf("pushing the pause image: %w", err)
	}
	node, err := l.launch(partNode)
	if err != nil {
		return nil, err
	}
	if err := realnode.Connect(l.nodeConfig(), node[0].PID); err != nil {
		return nil, err
	}
	forward, err := l.launch(partForward)
	return append(node, forward...), err
}

// RunRealNode supervises the real node; see package realnode.
func (l *Lab) RunRealNode(ctx context.Context) error {
	return realnode.Supervise(ctx, l.nodeConfig())
}

// RunForward gives the real node its way to the API server and the registries,
// and the cluster's names.
func (l *Lab) RunForward(ctx context.Context) error {
	table, err := proc.OpenTable(l.path("pids.json"))
	if err != nil {
		return err
	}
	node, ok := table.Find(partNode)
	if !ok {
		return errors.New("forwarding for the real node: it was not started")
	}
	client, err := l.Client()
	if err != nil {
		return err
	}
	return realnode.Forward(ctx, l.nodeConfig(), client, node.PID)
}

// pushPause puts the image that holds pods' namespaces into the upstream
// registry.
func (l *Lab) pushPause(ctx context.Context) error {
	program, err := os.ReadFile(l.Program("pause"))
	if err != nil {
		return err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := w.WriteHeader(&tar.Header{Name: "pause", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	if _, err := w.Write(program); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	content, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	})
	if err != nil {
		return err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, Config: v1.Config{Entrypoint: []string{"/pause"}},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return err
	}
	if image, err = mutate.AppendLayers(image, content); err != nil {
		return err
	}
	ref, err := name.ParseReference(l.pauseImage(), name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithContext(ctx))
}
