package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// registryOptions say how registries are reached: trust, credentials, and
// mirrors of public ones. Every verb that talks to a registry has them.
type registryOptions struct {
	cas             []string
	clientCert      string
	clientKey       string
	plainHTTP       []string
	skipVerify      []string
	mirrors         []string
	user            string
	passwordStdin   bool
	dockerConfig    string
	concurrency     int
	registryTimeout time.Duration

	// once is shared by copies of the options: standard input gives the
	// password once, and a warning is said once.
	once *registryOnce
}

// registryOnce is what happens the first time only.
type registryOnce struct {
	warn, read sync.Once
	credential registry.Credential
	err        error
}

func (o *registryOptions) addFlags(fs *pflag.FlagSet) {
	o.once = &registryOnce{}
	fs.StringArrayVar(&o.cas, "ca", nil, "file with certificates to trust beside the system's (can be repeated)")
	fs.StringVar(&o.clientCert, "registry-cert", "", "client certificate file for registries")
	fs.StringVar(&o.clientKey, "registry-key", "", "key file of the client certificate")
	fs.StringArrayVar(&o.plainHTTP, "registry-plain-http", nil, "host[:port] that speaks plain http (can be repeated)")
	fs.StringArrayVar(&o.skipVerify, "registry-skip-tls-verify", nil, "host[:port] whose certificate is not checked (can be repeated)")
	fs.StringArrayVar(&o.mirrors, "mirror", nil, "fetch from another place, as quay.io=cache.example.com/quay (can be repeated)")
	fs.StringVar(&o.user, "registry-user", "", "user for the private registry, or where bundles are made for the first --mirror; the password comes with --password-stdin")
	fs.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password of --registry-user from standard input")
	fs.StringVar(&o.dockerConfig, "registry-config", "", "docker config file with credentials (default: docker's, Podman's and Helm's own)")
	fs.DurationVar(&o.registryTimeout, "registry-timeout", 10*time.Minute, "how long the first byte of a blob or chart may take, and the answer to an upload; all else has 1m")
	fs.IntVar(&o.concurrency, "concurrency", 8, "requests to a registry at once")
}

// reach says how registries are reached, without the user's credentials.
func (o *registryOptions) reach(p *Program) (registry.Options, error) {
	opts := registry.Options{
		CAFiles: o.cas, ClientCert: o.clientCert, ClientKey: o.clientKey,
		PlainHTTP: o.plainHTTP, SkipTLSVerify: o.skipVerify,
		MaxConcurrent: o.concurrency, UserAgent: "aistor-upgrade/" + p.Version,
		Limits: p.limits, OnSilence: p.silencePrinter(),
	}
	if o.registryTimeout < 0 {
		return opts, fmt.Errorf("reading --registry-timeout %s: expected no less than 0", o.registryTimeout)
	}
	opts.Limits.FirstByte = o.registryTimeout
	if err := checkProxies(p.Getenv); err != nil {
		return opts, err
	}
	var err error
	if opts.Mirrors, err = pairs("mirror", o.mirrors); err != nil {
		return opts, err
	}
	for from, to := range opts.Mirrors {
		if strings.Contains(to, "://") || strings.Contains(to, "@") {
			return opts, withHint(fmt.Errorf("reading --mirror of %q: %q is not HOST[:PORT]/PATH", from, redact.Address(to)),
				"plain http is allowed by name with --registry-plain-http; a user goes into --registry-user with --password-stdin")
		}
	}
	return opts, nil
}

// client makes the registry client with the user's credentials. private is the
// host that --registry-user is for; empty where the verb has none, so that the
// password goes nowhere.
func (o *registryOptions) client(p *Program, private string) (*registry.Client, error) {
	opts, err := o.reach(p)
	if err != nil {
		return nil, err
	}
	o.credentialFiles(p, &opts)
	o.once.warn.Do(func() {
		for _, host := range o.skipVerify {
			line(p.ErrOut, "warning: the certificate of %s is not checked", host)
		}
		for _, host := range o.plainHTTP {
			line(p.ErrOut, "warning: %s is reached over plain http", host)
		}
	})
	opts.OnRetry = p.retryTeller()
	if err := o.checkUser(private); err != nil {
		return nil, err
	}
	if o.user != "" && private != "" {
		o.once.read.Do(func() { o.once.credential, o.once.err = o.password(p) })
		if o.once.err != nil {
			return nil, o.once.err
		}
		p.redactor().AddValue(o.once.credential.Password, o.user+":"+o.once.credential.Password)
		opts.Credentials = map[string]registry.Credential{private: o.once.credential}
	}
	return registry.New(opts)
}

// checkUser refuses credentials that would go nowhere without a word. private
// is empty also where another client of the same verb has them.
func (o *registryOptions) checkUser(private string) error {
	if o.passwordStdin && o.user == "" {
		return withHint(errors.New("reading --password-stdin: no user was named"), "--registry-user names it")
	}
	if o.dockerConfig != "" {
		if _, err := os.Stat(o.dockerConfig); err != nil {
			return fmt.Errorf("reading --registry-config: %w", err)
		}
	}
	return nil
}

func (o *registryOptions) password(p *Program) (registry.Credential, error) {
	if !o.passwordStdin {
		return registry.Credential{}, fmt.Errorf("reading the password of %q: --password-stdin was not given", o.user)
	}
	password, err := p.readPassword(o.user)
	if err != nil {
		return registry.Credential{}, fmt.Errorf("reading the password of %q: %w", o.user, err)
	}
	if password == "" {
		return registry.Credential{}, fmt.Errorf("reading the password of %q: standard input is empty", o.user)
	}
	return registry.Credential{Username: o.user, Password: password}, nil
}

// mirrorHost is the registry that stands before the public ones, if one does:
// the only one that a verb on the connected side can have a user for.
func (o *registryOptions) mirrorHost() string {
	for _, m := range o.mirrors {
		_, to, _ := strings.Cut(m, "=")
		host, _, _ := strings.Cut(to, "/")
		return host
	}
	return ""
}

// mirrorOptions say where images live on the private side.
type mirrorOptions struct {
	registry     string
	pushRegistry string
	prefix       string
	rules        []string
	pullSecret   string
	references   string
}

func (o *mirrorOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.registry, "registry", "", "host[:port] the nodes pull from (default: what the installed values name)")
	fs.StringVar(&o.pushRegistry, "push-registry", "", "host[:port] to push to, where it has another name from here")
	fs.StringVar(&o.prefix, "prefix", "", "path in the registry before every repository, such as a project")
	fs.StringArrayVar(&o.rules, "map", nil, "another layout, as quay.io/minio/aistor=team/aistor (can be repeated)")
	fs.StringVar(&o.pullSecret, "pull-secret", "", "Secret that opens the registry in every namespace, or none (default: what the installed values name)")
	fs.StringVar(&o.references, "references", "", "rewrite points the values at the registry, keep leaves them public for nodes whose runtime redirects (default rewrite)")
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
		base.Rules = append(slices.DeleteFunc(slices.Clone(base.Rules), func(r images.Rule) bool { return r.From == from }),
			images.Rule{From: from, To: to})
	}
	if o.pullSecret != "" {
		base.PullSecret = o.pullSecret
	}
	if o.references != "" {
		base.References = o.references
	}
	return base, nil
}

// pairs reads FROM=TO flags.
func pairs(flag string, list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		from, to, ok := strings.Cut(s, "=")
		if !ok || from == "" || to == "" {
			return nil, fmt.Errorf("reading --%s %q: expected FROM=TO", flag, redact.Address(s))
		}
		to = strings.TrimSuffix(to, "/")
		if before, twice := m[from]; twice && before != to {
			return nil, fmt.Errorf("reading --%s: %q is named twice, with %q and with %q", flag, redact.Address(from), redact.Address(before), redact.Address(to))
		}
		m[from] = to
	}
	return m, nil
}
