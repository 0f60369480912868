package lab

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/pki"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

//go:embed kwok.yaml
var kwokConfig []byte

// writeFiles makes keys, certificates, access and configuration.
func (l *Lab) writeFiles() error {
	ca, err := pki.NewAuthority("aistor-upgrade lab")
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.CAFile(), ca.PEM, 0o644); err != nil {
		return err
	}
	hosts := []string{
		"127.0.0.1", "localhost", l.serviceIP(), "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc.cluster.local", l.advertise(),
	}
	if err := ca.Serve(l.path("pki", "apiserver.crt"), l.path("pki", "apiserver.key"), hosts...); err != nil {
		return err
	}
	if err := ca.Serve(l.path("pki", "private.crt"), l.path("pki", "private.key"), l.privateHosts()...); err != nil {
		return err
	}
	if err := pki.WriteSigningKey(l.path("pki", "sa.key")); err != nil {
		return err
	}
	if err := l.writePassword(); err != nil {
		return err
	}
	if err := l.writeAccess(ca.PEM); err != nil {
		return err
	}
	for _, name := range []string{partUpstream, partPrivate} {
		if err := os.WriteFile(l.path(name+".yaml"), []byte(l.registryConfig(name)), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(l.path("kwok.yaml"), kwokConfig, 0o644)
}

// privateHosts are the names under which the private registry can be trusted.
func (l *Lab) privateHosts() []string {
	hosts := []string{"127.0.0.1", "localhost"}
	for alias, target := range l.Aliases {
		if target != partPrivate {
			continue
		}
		if host, _, err := net.SplitHostPort(alias); err == nil {
			alias = host
		}
		hosts = append(hosts, alias)
	}
	return hosts
}

func (l *Lab) writePassword() error {
	password := pki.Secret()
	if err := os.WriteFile(l.PasswordFile(), []byte(password), 0o600); err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return err
	}
	return os.WriteFile(l.path("pki", "htpasswd"), fmt.Appendf(nil, "%s:%s\n", l.User, hash), 0o600)
}

// writeAccess makes the tokens the API server accepts and the kubeconfigs that
// hold them.
func (l *Lab) writeAccess(ca []byte) error {
	admin, node := pki.Secret(), pki.Secret()
	tokens := []string{
		admin + `,lab-admin,lab-admin,"system:masters"`,
		node + `,system:node:` + realnode.Name + `,real,"system:nodes"`,
	}
	if l.Audit {
		// Who asked for what, without contents.
		policy := `{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}]}`
		if err := os.WriteFile(l.path("audit-policy.json"), []byte(policy), 0o600); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.path("pki", "tokens.csv"), []byte(strings.Join(tokens, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(l.path("pki", "admin-token"), []byte(admin), 0o600); err != nil {
		return err
	}
	if err := l.writeKubeconfig(l.path("pki", "kubelet.kubeconfig"), ca, node); err != nil {
		return err
	}
	return l.writeKubeconfig(l.Kubeconfig(), ca, admin)
}

func (l *Lab) writeKubeconfig(file string, ca []byte, token string) error {
	config := api.NewConfig()
	config.Clusters["lab"] = &api.Cluster{Server: l.apiURL(), CertificateAuthorityData: ca}
	config.AuthInfos["lab"] = &api.AuthInfo{Token: token}
	config.Contexts["lab"] = &api.Context{Cluster: "lab", AuthInfo: "lab"}
	config.CurrentContext = "lab"
	return clientcmd.WriteToFile(*config, file)
}
