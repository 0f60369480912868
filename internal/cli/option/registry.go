package option

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Registry says how registries are reached: trust, credentials, and
// mirrors of public ones. Every verb that talks to a registry has them.
type Registry struct {
	caFiles         []string
	clientCert      string
	clientKey       string
	plainHTTP       []string
	skipVerify      []string
	fetchMirrors    []string
	User            string
	passwordStdin   bool
	dockerConfig    string
	Concurrency     int
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

// AddFlags registers the flags of the group.
func (o *Registry) AddFlags(fs *pflag.FlagSet) {
	o.once = &registryOnce{}
	fs.StringArrayVar(&o.caFiles, "ca", nil, "CA certificate file to trust in addition to the system's (can be repeated)")
	fs.StringVar(&o.clientCert, "registry-cert", "", "client certificate file for registries")
	fs.StringVar(&o.clientKey, "registry-key", "", "key file of the client certificate")
	fs.StringArrayVar(&o.plainHTTP, "registry-plain-http", nil, "host[:port] to access over plain HTTP (can be repeated)")
	fs.StringArrayVar(&o.skipVerify, "registry-skip-tls-verify", nil, "host[:port] whose certificate is not verified (can be repeated)")
	fs.StringArrayVar(&o.fetchMirrors, "mirror", nil, "registry mirror to fetch from, as quay.io=cache.example.com/quay (can be repeated)")
	fs.StringVar(&o.User, "registry-user", "", "user for the private registry, or for the first --mirror in bundle create; requires --password-stdin")
	fs.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password of --registry-user from standard input")
	fs.StringVar(&o.dockerConfig, "registry-config", "", "docker config file with credentials (default: docker's, Podman's and Helm's own)")
	fs.DurationVar(&o.registryTimeout, "registry-timeout", 10*time.Minute, "timeout for the first byte of a blob or chart and for the response to an upload; other requests have 1m")
	fs.IntVar(&o.Concurrency, "concurrency", 8, "maximum number of parallel requests per registry")
}

// BaseOptions says how registries are reached, without the user's credentials.
func (o *Registry) BaseOptions(p *term.Program) (registry.Options, error) {
	opts := registry.Options{
		CAFiles: o.caFiles, ClientCert: o.clientCert, ClientKey: o.clientKey,
		PlainHTTP: o.plainHTTP, SkipTLSVerify: o.skipVerify,
		MaxConcurrent: o.Concurrency, UserAgent: "aistor-upgrade/" + p.Version,
		Limits: p.Limits, OnSilence: p.SilencePrinter(),
	}
	if o.registryTimeout < 0 {
		return opts, fmt.Errorf("reading --registry-timeout %s: expected no less than 0", o.registryTimeout)
	}
	opts.Limits.FirstByte = o.registryTimeout
	if err := checkProxies(p.Getenv); err != nil {
		return opts, err
	}
	var err error
	if opts.FetchMirrors, err = ParsePairs("mirror", o.fetchMirrors); err != nil {
		return opts, err
	}
	for from, to := range opts.FetchMirrors {
		if strings.Contains(to, "://") || strings.Contains(to, "@") {
			return opts, term.WithHint(fmt.Errorf("reading --mirror of %q: %q is not HOST[:PORT]/PATH", from, redact.Address(to)),
				"use --registry-plain-http for plain HTTP, and --registry-user with --password-stdin for credentials")
		}
	}
	return opts, nil
}

// NewRegistryClient makes the registry client with the user's credentials. private is the
// host that --registry-user is for; empty where the verb has none, so that the
// password goes nowhere.
func (o *Registry) NewRegistryClient(p *term.Program, private string) (*registry.Client, error) {
	opts, err := o.BaseOptions(p)
	if err != nil {
		return nil, err
	}
	o.credentialFiles(p, &opts)
	o.once.warn.Do(func() {
		for _, host := range o.skipVerify {
			term.PrintLine(p.ErrOut, "warning: the certificate of %s is not verified", host)
		}
		for _, host := range o.plainHTTP {
			term.PrintLine(p.ErrOut, "warning: %s is reached over plain http", host)
		}
	})
	opts.OnRetry = p.NewRetryReporter()
	if err := o.checkUser(private); err != nil {
		return nil, err
	}
	if o.User != "" && private != "" {
		o.once.read.Do(func() { o.once.credential, o.once.err = o.registryPassword(p) })
		if o.once.err != nil {
			return nil, o.once.err
		}
		p.Redactor().AddValue(o.once.credential.Password, o.User+":"+o.once.credential.Password)
		opts.Credentials = map[string]registry.Credential{private: o.once.credential}
	}
	return registry.New(opts)
}

// checkUser refuses credentials that would go nowhere without a word. private
// is empty also where another client of the same verb has them.
func (o *Registry) checkUser(private string) error {
	if o.passwordStdin && o.User == "" {
		return term.WithHint(errors.New("--password-stdin requires --registry-user"), "add --registry-user USER")
	}
	if o.dockerConfig != "" {
		if _, err := os.Stat(o.dockerConfig); err != nil {
			return fmt.Errorf("reading --registry-config: %w", err)
		}
	}
	return nil
}

func (o *Registry) registryPassword(p *term.Program) (registry.Credential, error) {
	if !o.passwordStdin {
		return registry.Credential{}, fmt.Errorf("--registry-user %q requires --password-stdin", o.User)
	}
	password, err := p.ReadPassword(o.User)
	if err != nil {
		return registry.Credential{}, fmt.Errorf("reading the password of %q: %w", o.User, err)
	}
	if password == "" {
		return registry.Credential{}, fmt.Errorf("reading the password of %q: standard input is empty", o.User)
	}
	return registry.Credential{Username: o.User, Password: password}, nil
}

// FetchMirrorHost is the registry that stands before the public ones, if one does:
// the only one that a verb on the connected side can have a user for.
func (o *Registry) FetchMirrorHost() string {
	for _, m := range o.fetchMirrors {
		_, to, _ := strings.Cut(m, "=")
		host, _, _ := strings.Cut(to, "/")
		return host
	}
	return ""
}

// Mirror says where images live on the private side.
type Mirror struct {
	registry     string
	pushRegistry string
	prefix       string
	rules        []string
	pullSecret   string
	references   string
}

// AddFlags registers all of them, for verbs that write or check references.
func (o *Mirror) AddFlags(fs *pflag.FlagSet) {
	o.AddAddressFlags(fs)
	o.AddReferencesFlag(fs)
	fs.StringVar(&o.pullSecret, "pull-secret", "", "imagePullSecret in every namespace, or none (default: from the installed values)")
}

// AddAddressFlags registers where images are in the private registry.
func (o *Mirror) AddAddressFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.registry, "registry", "", "host[:port] that nodes pull from (default: from the installed values)")
	fs.StringVar(&o.pushRegistry, "push-registry", "", "host[:port] to push to, if it differs from --registry")
	fs.StringVar(&o.prefix, "prefix", "", "path prefix of all repositories in the registry, such as a project")
	fs.StringArrayVar(&o.rules, "map", nil, "repository mapping, as quay.io/minio/aistor=team/aistor (can be repeated)")
}

// AddReferencesFlag registers how the installed references name images.
func (o *Mirror) AddReferencesFlag(fs *pflag.FlagSet) {
	fs.StringVar(&o.references, "references", "", "image references in values: rewrite to the private registry, or keep for nodes with registry mirrors (default rewrite)")
}

// OverrideRegistry is base with the flags that were given on top.
func (o *Mirror) OverrideRegistry(base plan.SiteRegistry) (plan.SiteRegistry, error) {
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
	rules, err := ParsePairs("map", o.rules)
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

// ParsePairs reads FROM=TO flags.
func ParsePairs(flag string, list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		from, to, ok := strings.Cut(s, "=")
		if !ok || from == "" || to == "" {
			return nil, fmt.Errorf("reading --%s %q: expected FROM=TO", flag, redact.Address(s))
		}
		to = strings.TrimSuffix(to, "/")
		if before, twice := m[from]; twice && before != to {
			return nil, fmt.Errorf("reading --%s: %q is set twice: %q and %q", flag, redact.Address(from), redact.Address(before), redact.Address(to))
		}
		m[from] = to
	}
	return m, nil
}
