package realnode

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeFiles makes the configuration of the node's parts.
func (c Config) writeFiles() error {
	files := map[string]string{
		"containerd.toml":        c.containerd(),
		"cni/10-bridge.conflist": c.cni(),
		"kubelet.yaml":           c.kubelet(),
		"kube-proxy.yaml":        c.kubeProxy(),
		"home/.keep":             "",
		"kubelet/.keep":          "",
		"containerd/.keep":       "",
		"plugins/.keep":          "",
		"ipam/.keep":             "",
	}
	for host, r := range c.Registries {
		files[filepath.Join("certs.d", host, "hosts.toml")] = c.hosts(r)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := c.path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// containerd's configuration. restrict_oom_score_adj: a machine may lack
// CAP_SYS_RESOURCE, and no sandbox would start.
func (c Config) containerd() string {
	return fmt.Sprintf(`version = 2
root = %q
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = %q
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = %q
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`, c.path("containerd"), socket, c.Pause, c.path("cni"), c.path("certs.d"))
}

// hosts says where containerd finds a registry. Everything is said twice:
// without a [host], containerd 1.6 speaks plain http to loopback, and what
// [host] answers with 404 is asked of the server again.
func (c Config) hosts(r Registry) string {
	scheme, ca := "http", ""
	if r.TLS {
		scheme, ca = "https", fmt.Sprintf("ca = %q\n", c.CA)
	}
	url := fmt.Sprintf("%s://127.0.0.1:%d", scheme, r.Port)
	const can = "capabilities = [\"pull\", \"resolve\"]\n"
	return fmt.Sprintf("server = %q\n%s%s\n[host.%q]\n%s%s", url, can, ca, url, can, ca)
}

func (c Config) cni() string {
	return fmt.Sprintf(`{
  "cniVersion": "0.4.0",
  "name": "lab",
  "plugins": [
    {
      "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": %q,
        "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, c.path("ipam"), c.network().Pods())
}

func (c Config) kubelet() string {
	lines := []string{
		"apiVersion: kubelet.config.k8s.io/v1beta1",
		"kind: KubeletConfiguration",
		"failCgroupV1: false",
		"cgroupDriver: cgroupfs",
		"cgroupsPerQOS: false",
		"enforceNodeAllocatable: []",
		"localStorageCapacityIsolation: false",
		"failSwapOn: false",
		"containerRuntimeEndpoint: unix://" + socket,
		"volumePluginDir: " + c.path("plugins"),
		"podLogsDir: " + c.path("pods-logs"),
		"serializeImagePulls: false",
		"evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}",
		"imageGCHighThresholdPercent: 100",
		// The API server has no certificate for kubelets; only this machine
		// and the node's own pods reach it.
		"authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}",
		"authorization: {mode: AlwaysAllow}",
		"syncFrequency: 10s",
		"shutdownGracePeriod: 0s",
		"clusterDNS: [" + c.network().Gateway() + "]",
		"clusterDomain: " + Domain,
	}
	return strings.Join(lines, "\n") + "\n"
}

func (c Config) kubeProxy() string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: %s
clusterCIDR: %s
clientConnection: {kubeconfig: %s}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, Name, c.network().Pods(), c.Admin)
}
