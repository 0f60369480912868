package lab

import (
	"fmt"
	"strconv"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/proc"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

// Names of the parts, in the order in which they start.
const (
	partEtcd       = "etcd"
	partAPI        = "kube-apiserver"
	partController = "kube-controller-manager"
	partScheduler  = "kube-scheduler"
	partKwok       = "kwok"
	partPuller     = "puller"
	partUpstream   = "upstream"
	partPrivate    = "private"
	partNode       = "real-node"
	partForward    = "forward"
)

// part gives the command of a part.
func (l *Lab) part(name string) proc.Spec {
	spec := proc.Spec{
		Part: name, Path: l.Program(name), Dir: l.Dir,
		Log: l.LogFile(name), DieWithParent: l.dieWithParent,
		// Without a collector, the registry would fill its log with failures.
		Env: []string{"OTEL_TRACES_EXPORTER=none"},
	}
	switch name {
	case partEtcd:
		spec.Args, spec.Kill = l.etcdArgs(), true
	case partAPI:
		spec.Args, spec.Kill = l.apiArgs(), true
	case partController:
		spec.Args = l.controllerArgs()
	case partScheduler:
		spec.Args = []string{
			"--kubeconfig=" + l.Kubeconfig(), "--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=500", "--kube-api-burst=1000",
		}
	case partKwok:
		spec.Args = []string{
			"--kubeconfig=" + l.Kubeconfig(), "--config=" + l.path("kwok.yaml"),
			"--manage-all-nodes=false", "--manage-nodes-with-label-selector=type=kwok",
			"--node-lease-duration-seconds=40", "--cidr=10.244.0.0/16",
		}
	case partPuller:
		spec.Path = l.Self
		spec.Args = []string{"puller", "--state", l.Dir}
	case partNode:
		spec.Path, spec.Kill = l.Self, true
		spec.Args = []string{"real-node", "--state", l.Dir}
		spec.Namespaces = realnode.Namespaces
	case partForward:
		spec.Path = l.Self
		spec.Args = []string{"forward", "--state", l.Dir}
	case partUpstream, partPrivate:
		spec.Path = l.Program("registry")
		spec.Args = []string{"serve", l.path(name + ".yaml")}
	}
	return spec
}

func (l *Lab) etcdArgs() []string {
	client := "http://" + l.address("etcd")
	peer := "http://" + l.address("etcd-peer")
	return []string{
		"--data-dir=" + l.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
	}
}

func (l *Lab) apiArgs() []string {
	var audit []string
	if l.Audit {
		audit = []string{"--audit-policy-file=" + l.path("audit-policy.json"), "--audit-log-path=" + l.path("audit.log")}
	}
	return append(audit,
		"--etcd-servers=http://"+l.address("etcd"),
		"--bind-address="+l.Host, "--advertise-address="+l.advertise(),
		"--secure-port="+strconv.Itoa(l.Ports[partAPI]),
		"--cert-dir="+l.path("pki", "apiserver"),
		"--tls-cert-file="+l.path("pki", "apiserver.crt"),
		"--tls-private-key-file="+l.path("pki", "apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+l.path("pki", "sa.key"),
		"--service-account-signing-key-file="+l.path("pki", "sa.key"),
		"--token-auth-file="+l.path("pki", "tokens.csv"),
		"--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range="+l.serviceCIDR(),
		"--allow-privileged", "--shutdown-delay-duration=0s",
		// Webhooks are called at their pods' addresses: no proxy runs here.
		"--enable-aggregator-routing",
		"--kubelet-preferred-address-types=InternalIP",
		"--max-requests-inflight=1000", "--max-mutating-requests-inflight=500",
	)
}

func (l *Lab) controllerArgs() []string {
	return []string{
		"--kubeconfig=" + l.Kubeconfig(), "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=500", "--kube-api-burst=1000",
		"--service-account-private-key-file=" + l.path("pki", "sa.key"),
		"--root-ca-file=" + l.CAFile(),
		"--concurrent-statefulset-syncs=20",
	}
}

// registryConfig gives the configuration file of one of the registries. The
// access log stays on, so that a test can see what was asked of it.
func (l *Lab) registryConfig(name string) string {
	text := fmt.Sprintf(`version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: %s
  delete:
    enabled: true
http:
  addr: %s
`, l.path("registry", name), l.listen(name))
	if name == partPrivate {
		text += fmt.Sprintf(`  tls:
    certificate: %s
    key: %s
auth:
  htpasswd:
    realm: lab
    path: %s
`, l.path("pki", "private.crt"), l.path("pki", "private.key"), l.path("pki", "htpasswd"))
	}
	return text
}
