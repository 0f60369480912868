package standin

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// FromKubeconfig returns a client for the file's current context. Exec plugins
// and proxies are not supported.
func FromKubeconfig(file string) (*Client, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	var config Object
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("parsing kubeconfig %q: %w", file, err)
	}
	context := named(config.List("contexts"), config.Text("current-context")).Map("context")
	cluster := named(config.List("clusters"), context.Text("cluster")).Map("cluster")
	user := named(config.List("users"), context.Text("user")).Map("user")
	if cluster.Text("server") == "" {
		return nil, fmt.Errorf("reading kubeconfig %q: its current context names no server", file)
	}
	secure, err := tlsConfig(filepath.Dir(file), cluster, user)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig %q: %w", file, err)
	}
	token := user.Text("token")
	return newClient(cluster.Text("server"), secure, func() (string, error) { return token, nil }), nil
}

// InCluster returns a client for the pod's own service account, and the pod's
// namespace.
func InCluster(getenv func(string) string) (*Client, string, error) {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if host == "" {
		return nil, "", errors.New("finding the API server: not in a pod")
	}
	authority, err := os.ReadFile(serviceAccount + "/ca.crt")
	if err != nil {
		return nil, "", fmt.Errorf("reading service account: %w", err)
	}
	namespace, err := os.ReadFile(serviceAccount + "/namespace")
	if err != nil {
		return nil, "", fmt.Errorf("reading service account: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	// Read each time: the kubelet replaces the token before it expires.
	token := func() (string, error) {
		text, err := os.ReadFile(serviceAccount + "/token")
		return strings.TrimSpace(string(text)), err
	}
	return newClient("https://"+net.JoinHostPort(host, port), &tls.Config{RootCAs: pool}, token), string(namespace), nil
}

func newClient(server string, secure *tls.Config, token func() (string, error)) *Client {
	transport := &http.Transport{TLSClientConfig: secure, MaxIdleConnsPerHost: 8, ForceAttemptHTTP2: true}
	return &Client{server: strings.TrimSuffix(server, "/"), token: token, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

func named(list []Object, name string) Object {
	for _, item := range list {
		if item.Text("name") == name {
			return item
		}
	}
	return Object{}
}

func tlsConfig(dir string, cluster, user Object) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: cluster.Bool("insecure-skip-tls-verify"), ServerName: cluster.Text("tls-server-name")}
	authority, err := material(dir, cluster, "certificate-authority")
	if err != nil {
		return nil, err
	}
	if authority != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(authority)
	}
	certificate, err := material(dir, user, "client-certificate")
	if err != nil || certificate == nil {
		return config, err
	}
	key, err := material(dir, user, "client-key")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// material returns what <key>-data holds or <key> points at, nil for neither.
func material(dir string, from Object, key string) ([]byte, error) {
	if data := from.Text(key + "-data"); data != "" {
		return base64.StdEncoding.DecodeString(data)
	}
	file := from.Text(key)
	if file == "" {
		return nil, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return os.ReadFile(file)
}
