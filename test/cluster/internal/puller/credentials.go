package puller

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Credential is a user and a password; the zero value is nobody.
type Credential struct {
	Username, Password string
}

// entry is one line of a pull secret: to which images it applies.
type entry struct {
	pattern string
	Credential
}

// Keyring chooses among the credentials of a pod's pull secrets.
type Keyring struct{ entries []entry }

// Add reads the data of one kubernetes.io/dockerconfigjson secret.
func (k *Keyring) Add(data []byte) error {
	var file struct {
		Auths map[string]struct {
			Username, Password, Auth string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("reading a pull secret: %w", err)
	}
	for pattern, a := range file.Auths {
		cred := Credential{a.Username, a.Password}
		if a.Auth != "" {
			raw, err := base64.StdEncoding.DecodeString(a.Auth)
			user, password, ok := strings.Cut(string(raw), ":")
			if err != nil || !ok {
				return fmt.Errorf("reading a pull secret: auth of %q is not base64 of user:password", pattern)
			}
			cred = Credential{user, strings.Trim(password, "\x00")}
		}
		k.entries = append(k.entries, entry{pattern, cred})
	}
	// The kubelet tries keys in reverse order of the alphabet, so that the
	// longer of two that share a prefix comes first.
	slices.SortStableFunc(k.entries, func(a, b entry) int { return strings.Compare(b.pattern, a.pattern) })
	return nil
}

// Lookup gives the credentials for an image (host[:port]/path), best first.
func (k *Keyring) Lookup(image string) []Credential {
	var out []Credential
	for _, e := range k.entries {
		if matches(e.pattern, image) && !slices.Contains(out, e.Credential) {
			out = append(out, e.Credential)
		}
	}
	return out
}

// matches follows the kubelet (pkg/credentialprovider): the host part by part
// with globs, the port exactly, the path as a prefix.
func matches(pattern, image string) bool {
	want, err1 := schemeless(pattern)
	have, err2 := schemeless(image)
	if err1 != nil || err2 != nil || want.Port() != have.Port() {
		return false
	}
	globs, parts := strings.Split(want.Hostname(), "."), strings.Split(have.Hostname(), ".")
	if len(globs) != len(parts) {
		return false
	}
	for i := range globs {
		if ok, err := path.Match(globs[i], parts[i]); err != nil || !ok {
			return false
		}
	}
	return strings.HasPrefix(have.Path, want.Path)
}

func schemeless(s string) (*url.URL, error) {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	u, err := url.Parse("https://" + s)
	if err != nil {
		return nil, err
	}
	// What docker login wrote for the API's versions is not part of a path.
	if rest, ok := strings.CutSuffix(strings.TrimSuffix(u.Path, "/"), "/v1"); ok && rest == "" {
		u.Path = ""
	} else if rest, ok := strings.CutSuffix(strings.TrimSuffix(u.Path, "/"), "/v2"); ok && rest == "" {
		u.Path = ""
	}
	return u, nil
}
