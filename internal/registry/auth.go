package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// keychain finds credentials for a repository. Files are read once; helpers
// are asked once a host.
type keychain struct {
	explicit map[string]Credential
	files    []*configfile.ConfigFile
	mu       sync.Mutex
	helpers  map[helperKey]authn.Authenticator
}

type helperKey struct {
	file *configfile.ConfigFile
	host string
}

func newKeychain(o Options) (*keychain, error) {
	k := &keychain{explicit: o.Credentials, helpers: map[helperKey]authn.Authenticator{}}
	if len(o.DockerConfigJSON) > 0 {
		cf, err := config.LoadFromReader(bytes.NewReader(o.DockerConfigJSON))
		if err != nil {
			// The cause may quote the secret, so it stays out.
			return nil, errors.New("reading pull secret: it is not a docker config in JSON form")
		}
		// A node runs no helper that a secret names, and neither do we.
		cf.CredentialsStore, cf.CredentialHelpers = "", nil
		return &keychain{files: []*configfile.ConfigFile{cf}}, nil
	}
	for _, p := range append(append([]string{}, o.DockerConfigs...), o.PodmanAuth, o.HelmRegistryConfig) {
		cf, err := loadConfig(p)
		if err != nil {
			return nil, err
		}
		if cf != nil {
			k.files = append(k.files, cf)
		}
	}
	return k, nil
}

func loadConfig(p string) (*configfile.ConfigFile, error) {
	if p == "" {
		return nil, nil
	}
	f, err := os.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading credentials %q: %w", p, err)
	}
	defer f.Close()
	cf, err := config.LoadFromReader(f)
	if err != nil {
		return nil, fmt.Errorf("reading credentials %q: it is not a docker config in JSON form", p)
	}
	return cf, nil
}

// credentialsFor gives what to log in with to a repository ("host/path"), anonymous
// where nothing is known.
func (k *keychain) credentialsFor(host, repo string) (authn.Authenticator, error) {
	for h, c := range k.explicit {
		if sameHost(h, host) {
			return authn.FromConfig(authn.AuthConfig{Username: c.Username, Password: c.Password}), nil
		}
	}
	for _, cf := range k.files {
		a, err := k.fromFile(cf, host, repo)
		if err != nil {
			return nil, err
		}
		if a != nil {
			return a, nil
		}
	}
	return authn.Anonymous, nil
}

func (k *keychain) fromFile(cf *configfile.ConfigFile, host, repo string) (authn.Authenticator, error) {
	if a, ok := longestAuth(cf.AuthConfigs, host+"/"+repo); ok {
		return newAuthenticator(a), nil
	}
	if cf.CredentialsStore == "" && cf.CredentialHelpers[host] == "" {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.helpers[helperKey{cf, host}]; ok {
		return a, nil
	}
	key := host
	if isDockerHub(host) {
		key = authn.DefaultAuthKey
	}
	a, err := cf.GetAuthConfig(key)
	if err != nil {
		return nil, &HelperError{Host: host, Err: err}
	}
	found := newAuthenticator(a)
	k.helpers[helperKey{cf, host}] = found
	return found, nil
}

// HelperError says that a credential helper that a docker config names did not
// answer.
type HelperError struct {
	Host string
	Err  error
}

// Error implements error.
func (e *HelperError) Error() string {
	return fmt.Sprintf("querying the credential helper for %q: %v", e.Host, e.Err)
}

// Unwrap gives the cause.
func (e *HelperError) Unwrap() error { return e.Err }

// Hint names what helps.
func (e *HelperError) Hint() string {
	return "put the helper on PATH, or set --registry-user and --password-stdin, or another file with --registry-config"
}

func newAuthenticator(a types.AuthConfig) authn.Authenticator {
	if a.Username == "" && a.Password == "" && a.Auth == "" && a.IdentityToken == "" && a.RegistryToken == "" {
		return nil
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: a.Username, Password: a.Password, Auth: a.Auth,
		IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
	})
}

// longestAuth is the entry with the longest key that matches: host and port
// exactly, or with * in a label of the host; a path matches whole segments from
// the beginning. A kubelet differs: it also takes the beginning of a segment, and
// tries every entry that matches.
func longestAuth(auths map[string]types.AuthConfig, repo string) (types.AuthConfig, bool) {
	best, found := -1, types.AuthConfig{}
	host, rest, _ := strings.Cut(repo, "/")
	for key, a := range auths {
		if newAuthenticator(a) == nil {
			continue
		}
		kh, kp := splitKey(key)
		if !globHost(kh, host) || (kp != "" && rest != kp && !strings.HasPrefix(rest, kp+"/")) {
			continue
		}
		if len(kh)+len(kp) > best {
			best, found = len(kh)+len(kp), a
		}
	}
	return found, best >= 0
}

// splitKey reads "https://host/v1/" and "host/path" alike.
func splitKey(key string) (host, p string) {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, p, _ = strings.Cut(strings.Trim(key, "/"), "/")
	if p == "v1" || p == "v2" {
		p = ""
	}
	return host, strings.Trim(p, "/")
}

func globHost(pattern, host string) bool {
	if sameHost(pattern, host) {
		return true
	}
	pl, hl := strings.Split(pattern, "."), strings.Split(host, ".")
	if len(pl) != len(hl) || !strings.Contains(pattern, "*") {
		return false
	}
	for i := range pl {
		if ok, err := path.Match(pl[i], hl[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

func sameHost(a, b string) bool {
	return strings.EqualFold(a, b) || (isDockerHub(a) && isDockerHub(b))
}

func isDockerHub(h string) bool {
	return h == "docker.io" || h == "index.docker.io" || h == "registry-1.docker.io"
}
