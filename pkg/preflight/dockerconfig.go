package preflight

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
)

// The types of Secrets that kubelet pulls with, and the key of each.
const (
	typeDockerConfigJSON = "kubernetes.io/dockerconfigjson"
	typeDockerCfg        = "kubernetes.io/dockercfg"
	keyDockerConfigJSON  = ".dockerconfigjson"
)

// Credential is one entry of a pull secret, read as kubelet reads it.
type Credential struct {
	// Key is the entry as kubelet matches it: without scheme, and without a
	// leading /v1 or /v2.
	Key string
	// Username and Password are those of "auth" where there is one, else the
	// entry's own. Other forms, such as identity tokens, are ignored by
	// kubelet and so are empty here.
	Username, Password string
}

// String hides the password.
func (c Credential) String() string { return c.Key + " as " + c.Username }

// GoString hides the password too.
func (c Credential) GoString() string { return c.String() }

// IsAnonymous reports whether kubelet would pull anonymously with this entry.
func (c Credential) IsAnonymous() bool { return c.Username == "" && c.Password == "" }

// DockerConfig is a pull secret's content.
type DockerConfig struct{ entries []Credential }

// ParseDockerConfig reads the content of .dockerconfigjson as kubelet does: one
// entry whose auth cannot be decoded makes the whole secret useless, and with
// it every other secret of the pod. Errors never quote the content.
func ParseDockerConfig(data []byte) (*DockerConfig, error) {
	if len(data) == 0 {
		return nil, errors.New("missing key " + keyDockerConfigJSON)
	}
	var doc struct {
		Auths map[string]struct {
			Username string `json:"username"`
			Password string `json:"password"`
			Auth     string `json:"auth"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, errors.New(keyDockerConfigJSON + " is not a Docker config in JSON")
	}
	var d DockerConfig
	for _, loc := range slices.Sorted(maps.Keys(doc.Auths)) {
		e := doc.Auths[loc]
		c := Credential{Username: e.Username, Password: e.Password}
		if e.Auth != "" {
			var err error
			if c.Username, c.Password, err = decodeAuth(e.Auth); err != nil {
				return nil, fmt.Errorf("the entry %q has an auth that %w", loc, err)
			}
		}
		key, ok := entryKey(loc)
		if !ok {
			continue // kubelet leaves out what is no address
		}
		c.Key = key
		d.entries = append(d.entries, c)
	}
	return &d, nil
}

// Keys are the entries' keys, sorted.
func (d *DockerConfig) Keys() []string {
	var keys []string
	for _, e := range d.entries {
		keys = append(keys, e.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// MatchCredentials gives the credentials that kubelet would try for an image, in its
// order, over all secrets of a pod: keys in reverse order of their bytes, so
// that a longer path comes before a shorter one and a host before a wildcard;
// the same key in the order of the secrets. Image is host/path, with or
// without tag. It is empty where no entry matches.
//
// The rules are those of Kubernetes' pkg/credentialprovider.
func MatchCredentials(image string, configs ...*DockerConfig) []Credential {
	var found, hub []Credential
	for _, d := range configs {
		if d == nil {
			continue
		}
		for _, e := range d.entries {
			if matchesImage(e.Key, image) {
				found = append(found, e)
			}
			if e.Key == "index.docker.io" {
				hub = append(hub, e)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Credential) int { return strings.Compare(b.Key, a.Key) })
	if len(found) == 0 && isDockerHub(image) {
		return hub
	}
	return found
}

// isDockerHub reports whether kubelet takes an image for one of Docker's hub: also
// one whose first part looks like no host, having neither dot nor port.
func isDockerHub(image string) bool {
	host, _, qualified := strings.Cut(image, "/")
	if host == "" || !qualified {
		return host != ""
	}
	return host == "docker.io" || host == "index.docker.io" || !strings.ContainsAny(host, ".:")
}

// entryKey is an entry's location as it is matched.
func entryKey(loc string) (string, bool) {
	if !strings.HasPrefix(loc, "https://") && !strings.HasPrefix(loc, "http://") {
		loc = "https://" + loc
	}
	u, err := url.Parse(loc)
	if err != nil {
		return "", false
	}
	p := u.Path
	if strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, "/v2/") {
		p = p[len("/v1"):]
	}
	if p == "/" {
		p = ""
	}
	return u.Host + p, true
}

// matchesImage holds one key against an image: the same port, the same number of
// host parts, each a wildcard's match within its part, and a path that begins
// with the key's.
func matchesImage(key, image string) bool {
	k, errK := url.Parse("https://" + key)
	i, errI := url.Parse("https://" + image)
	if errK != nil || errI != nil || !strings.HasPrefix(i.Path, k.Path) {
		return false
	}
	kHost, kPort := splitPort(k.Host)
	iHost, iPort := splitPort(i.Host)
	kParts, iParts := strings.Split(kHost, "."), strings.Split(iHost, ".")
	if kPort != iPort || len(kParts) != len(iParts) {
		return false
	}
	for n := range kParts {
		if ok, err := path.Match(kParts[n], iParts[n]); err != nil || !ok {
			return false
		}
	}
	return true
}

func splitPort(host string) (name, port string) {
	if h, p, err := net.SplitHostPort(host); err == nil {
		return h, p
	}
	return host, ""
}

// decodeAuth reads "auth", which some writers leave without padding.
func decodeAuth(s string) (username, password string, err error) {
	encoding := base64.RawStdEncoding
	if strings.HasSuffix(strings.TrimSpace(s), "=") {
		encoding = base64.StdEncoding
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return "", "", errors.New("is not base64")
	}
	username, password, ok := strings.Cut(string(b), ":")
	if !ok {
		return "", "", errors.New("is not the base64 of username:password")
	}
	return username, password, nil
}

// dockerConfigFor is a Docker configuration that holds one credential for one host,
// so that whoever reads it has nothing left to choose.
func dockerConfigFor(host string, c Credential) []byte {
	entry := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password))}
	if c.IsAnonymous() {
		entry = map[string]string{}
	}
	b, _ := json.Marshal(map[string]any{"auths": map[string]any{host: entry}})
	return b
}
