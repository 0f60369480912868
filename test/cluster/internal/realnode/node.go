package realnode

import (
	"fmt"
	"path/filepath"
)

// Name is the node's name, Domain the cluster's.
const Name, Domain = "real", "cluster.local"

// Config is what a node needs to know of its cluster.
type Config struct {
	// Dir is a directory of the node's own, Logs where its parts log to.
	Dir, Logs string
	// Bin is the directory of the programs.
	Bin string
	// Number tells labs with a real node on one machine apart, 1 to 254.
	Number int
	// Kubeconfig is the kubelet's access; kube-proxy uses Admin's.
	Kubeconfig, Admin string
	// APIPort is the API server's port on loopback.
	APIPort int
	// Pause is the reference of the image that holds pods' namespaces.
	Pause string
	// Registries by the host in an image's name.
	Registries map[string]Registry
	// CA is the file with the authority behind registries that speak TLS.
	CA string
}

// Registry is where a registry is.
type Registry struct {
	Port int
	TLS  bool
}

// Network is the addresses of the node with a number.
type Network struct{ number int }

// NewNetwork gives the addresses for a number from 1 to 254.
func NewNetwork(number int) Network { return Network{number} }

// Link is the name of the machine's end of the veth pair.
func (n Network) Link() string { return fmt.Sprintf("aistorlab%d", n.number) }

// Host is the machine's address on the pair, Node the node's.
func (n Network) Host() string { return fmt.Sprintf("10.213.%d.1", n.number) }

// Node is the node's address.
func (n Network) Node() string { return fmt.Sprintf("10.213.%d.2", n.number) }

// Pods is where pods get their addresses from.
func (n Network) Pods() string { return fmt.Sprintf("10.214.%d.0/24", n.number) }

// Gateway is the bridge's address, at which pods also find their DNS server:
// replies to them leave from it, whatever address was asked.
func (n Network) Gateway() string { return fmt.Sprintf("10.214.%d.1", n.number) }

// Services is where services get theirs from.
func (n Network) Services() string { return fmt.Sprintf("10.215.%d.0/24", n.number) }

// API is the address of the kubernetes service, the first of Services.
func (n Network) API() string { return fmt.Sprintf("10.215.%d.1", n.number) }

func (c Config) path(names ...string) string {
	return filepath.Join(append([]string{c.Dir}, names...)...)
}

func (c Config) network() Network { return NewNetwork(c.Number) }

// socket lies in the node's own /run, which no other process sees.
const socket = "/run/containerd.sock"
