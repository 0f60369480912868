package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// registryOptions say how registries are reached: trust, credentials, and
// mirrors of public ones. Every verb that talks to a registry has them.
type registryOptions struct {
	cas           []string
	clientCert    string
	clientKey     string
	plainHTTP     []string
	skipVerify    []string
	mirrors       []string
	user          string
	passwordStdin bool
	dockerConfig  string
	concurrency   int

	// read is the password once it was read: standard input gives it once.
	read *registry.Credential
}

func (o *registryOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.cas, "ca", nil, "file with certificates to trust beside the system's (can be repeated)")
	fs.StringVar(&o.clientCert, "registry-cert", "", "client certificate file for registries")
	fs.StringVar(&o.clientKey, "registry-key", "", "key file of the client certificate")
	fs.StringArrayVar(&o.plainHTTP, "registry-plain-http", nil, "host[:port] that speaks plain http (can be repeated)")
	fs.StringArrayVar(&o.skipVerify, "registry-skip-tls-verify", nil, "host[:port] whose certificate is not checked (can be repeated)")
	fs.StringArrayVar(&o.mirrors, "mirror", nil, "fetch from another place, as quay.io=cache.example.com/quay (can be repeated)")
	fs.StringVar(&o.user, "registry-user", "", "user for the private registry; the password comes with --password-stdin")
	fs.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password of --registry-user from standard input")
	fs.StringVar(&o.dockerConfig, "registry-config", "", "docker config file with credentials (default: docker's, Podman's and Helm's own)")
	fs.IntVar(&o.concurrency, "concurrency", 8, "requests to a registry at once")
}

// reach says how registries are reached, without the user's credentials.
func (o *registryOptions) reach(p *Program) (registry.Options, error) {
	opts := registry.Options{
		CAFiles: o.cas, ClientCert: o.clientCert, ClientKey: o.clientKey,
		PlainHTTP: o.plainHTTP, SkipTLSVerify: o.skipVerify,
		MaxConcurrent: o.concurrency, UserAgent: "aistor-upgrade/" + p.Version,
	}
	var err error
	opts.Mirrors, err = pairs("mirror", o.mirrors)
	return opts, err
}

// client makes the registry client with the user's credentials. private is the
// host that --registry-user is for.
func (o *registryOptions) client(p *Program, private string) (*registry.Client, error) {
	opts, err := o.reach(p)
	if err != nil {
		return nil, err
	}
	o.credentialFiles(p, &opts)
	for _, host := range o.skipVerify {
		line(p.ErrOut, "warning: the certificate of %s is not checked", host)
	}
	for _, host := range o.plainHTTP {
		line(p.ErrOut, "warning: %s is reached over plain http", host)
	}
	if o.user != "" {
		if o.read == nil {
			if o.read, err = o.password(p.In); err != nil {
				return nil, err
			}
		}
		opts.Credentials = map[string]registry.Credential{private: *o.read}
	}
	return registry.New(opts)
}

func (o *registryOptions) password(in io.Reader) (*registry.Credential, error) {
	if !o.passwordStdin {
		return nil, fmt.Errorf("reading the password of %q: --password-stdin was not given", o.user)
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the password of %q: %w", o.user, err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return nil, fmt.Errorf("reading the password of %q: standard input is empty", o.user)
	}
	return &registry.Credential{Username: o.user, Password: line}, nil
}

// mirrorOptions say where images live on the private side.
type mirrorOptions struct {
	registry     string
	pushRegistry string
	prefix       string
	rules        []string
	pullSecret   string
}

func (o *mirrorOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.registry, "registry", "", "host[:port] the nodes pull from (default: what the installed values name)")
	fs.StringVar(&o.pushRegistry, "push-registry", "", "host[:port] to push to, where it has another name from here")
	fs.StringVar(&o.prefix, "prefix", "", "path in the registry before every repository, such as a project")
	fs.StringArrayVar(&o.rules, "map", nil, "another layout, as quay.io/minio/aistor=team/aistor (can be repeated)")
	fs.StringVar(&o.pullSecret, "pull-secret", "", "Secret that opens the registry in every namespace, or none (default: what the installed values name)")
}

// over is base with the flags that were given on top.
func (o *mirrorOptions) over(base plan.SiteRegistry) (plan.SiteRegistry, error) {
	if o.registry != "" && o.registry != base.Registry {
		// Another registry: nothing that was said of the old one holds.
		base.Mirror = images.Mirror{Registry: o.registry}
	}
	if o.pushRegistry != "" {
		base.PushRegistry = o.pushRegistry
	}
	if o.prefix != "" {
		base.Prefix = strings.Trim(o.prefix, "/")
	}
	rules, err := pairs("map", o.rules)
	if err != nil {
		return base, err
	}
	for from, to := range rules {
		base.Rules = append(base.Rules, images.Rule{From: from, To: to})
	}
	if o.pullSecret != "" {
		base.PullSecret = o.pullSecret
	}
	return base, nil
}

// pairs reads FROM=TO flags.
func pairs(flag string, list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		from, to, ok := strings.Cut(s, "=")
		if !ok || from == "" || to == "" {
			return nil, fmt.Errorf("reading --%s %q: expected FROM=TO", flag, s)
		}
		m[from] = strings.TrimSuffix(to, "/")
	}
	return m, nil
}
