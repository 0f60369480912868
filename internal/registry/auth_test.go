package registry

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestCredentialsAreFound(t *testing.T) {
	t.Parallel()
	const host = "reg.example.com:5000"
	tests := map[string]struct {
		auths map[string]string
		host  string
		repo  string
		want  string // "" for anonymous
	}{
		"host with port":               {map[string]string{host: "u:p"}, host, "a/b", "u"},
		"host without its port":        {map[string]string{"reg.example.com": "u:p"}, host, "a/b", ""},
		"with scheme and version":      {map[string]string{"https://" + host + "/v2/": "u:p"}, host, "a/b", "u"},
		"the longest path wins":        {map[string]string{host: "u:p", host + "/a": "v:p", host + "/ab": "w:p"}, host, "a/b", "v"},
		"a path matches by elements":   {map[string]string{host + "/a": "v:p"}, host, "ab/c", ""},
		"a star stands for one label":  {map[string]string{"*.example.com": "u:p"}, "reg.example.com", "a", "u"},
		"a star stands for no two":     {map[string]string{"*.example.com": "u:p"}, "x.reg.example.com", "a", ""},
		"Docker's old name":            {map[string]string{"https://index.docker.io/v1/": "u:p"}, "index.docker.io", "library/x", "u"},
		"an empty entry is no login":   {map[string]string{host: ""}, host, "a", ""},
		"another host's is not handed": {map[string]string{"other.example.com": "u:p"}, host, "a", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.json")
			writeFile(t, file, dockerConfig(tt.auths))
			for how, o := range map[string]Options{
				"docker":      {DockerConfigs: []string{"none", file}},
				"podman":      {PodmanAuth: file},
				"helm":        {HelmRegistryConfig: file},
				"pull secret": {DockerConfigJSON: dockerConfig(tt.auths)},
			} {
				k, err := newKeychain(o)
				if err != nil {
					t.Fatal(err)
				}
				a, err := k.credentialsFor(tt.host, tt.repo)
				if err != nil {
					t.Fatal(err)
				}
				cfg, err := a.Authorization()
				if err != nil || cfg.Username != tt.want {
					t.Errorf("%s: user %q, want %q: %v", how, cfg.Username, tt.want, err)
				}
			}
		})
	}
}

func TestGivenCredentialsWin(t *testing.T) {
	t.Parallel()
	k, err := newKeychain(Options{
		Credentials:      map[string]Credential{"r.example.com": {"given", "p"}},
		DockerConfigs:    nil,
		DockerConfigJSON: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := k.credentialsFor("r.example.com", "a")
	if cfg, _ := a.Authorization(); cfg.Username != "given" {
		t.Errorf("user %q", cfg.Username)
	}
}

// Preflight asks what a node can do, so nothing else may help.
func TestAPullSecretIsUsedAlone(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t, registrytest.WithBasicAuth("u", "p"))
	s.AddImage(t, "a/b", "v1", "linux/amd64")
	r := mustParseRef(t, s.Host+"/a/b:v1")
	c := newClient(t, s, withLogin(s, "u", "p"), func(o *Options) {
		o.DockerConfigJSON = dockerConfig(map[string]string{"other.example.com": "u:p"})
	})
	if _, err := c.Resolve(t.Context(), r); KindOf(err) != Unauthorized {
		t.Errorf("got %v, want unauthorized", err)
	}
	c = newClient(t, s, func(o *Options) {
		o.DockerConfigJSON = dockerConfig(map[string]string{s.Host: "u:p"})
	})
	if _, err := c.Resolve(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestAPullSecretRunsNoHelper(t *testing.T) {
	t.Parallel()
	k, err := newKeychain(Options{DockerConfigJSON: []byte(`{"credsStore":"evil","credHelpers":{"r.example.com":"evil"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.credentialsFor("r.example.com", "a")
	if err != nil {
		t.Fatalf("the helper was asked: %v", err)
	}
	if cfg, _ := a.Authorization(); cfg.Username != "" {
		t.Errorf("user %q", cfg.Username)
	}
}

func TestBrokenCredentialFilesDoNotLeak(t *testing.T) {
	t.Parallel()
	const secret = `{"auths":{"x":{"auth":"hunter2-not-base64!"}}`
	file := filepath.Join(t.TempDir(), "config.json")
	writeFile(t, file, []byte(secret))
	for _, o := range []Options{{DockerConfigs: []string{file}}, {DockerConfigJSON: []byte(secret)}} {
		if _, err := newKeychain(o); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	c := Credential{"u", "hunter2"}
	if strings.Contains(c.String()+c.GoString(), "hunter2") {
		t.Error("a credential prints its password")
	}
}

func TestErrorsDoNotShowPasswords(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t, registrytest.WithBearerAuth("u", "right", 0))
	c := newClient(t, s, withLogin(s, "u", "hunter2"))
	_, err := c.Resolve(t.Context(), mustParseRef(t, s.Host+"/a:b"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t, registrytest.WithBearerAuth("u", "p", 2))
	d := s.AddImage(t, "a/b", "v1", "linux/amd64")
	c := newClient(t, s, withLogin(s, "u", "p"))
	for range 7 {
		if got, err := c.Resolve(t.Context(), mustParseRef(t, s.Host+"/a/b:v1")); err != nil || got.Digest != d.Digest {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if n := s.CountRequests("^TOKEN"); n < 3 {
		t.Errorf("%d tokens for 7 requests of 2 each", n)
	}
}

// Tokens that run out while many requests are on their way cost a renewal and no
// push: whoever comes late with a renewed one asks once more.
func TestATokenThatRunsOutAmongManyRequests(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t, registrytest.WithBearerAuth("u", "p", 1))
	c := newClient(t, s, func(o *Options) {
		o.Credentials = map[string]Credential{s.Host: {Username: "u", Password: "p"}}
	})
	repo := images.Ref{Host: s.Host, Path: "a/b"}
	if _, err := c.HasBlob(t.Context(), repo, images.DigestOf([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	// Each renewed token is struck as if another request had used it up.
	s.InjectFault(registrytest.Fault{Match: "^HEAD .*blobs", Times: 3, Status: 401})
	if _, err := c.HasBlob(t.Context(), repo, images.DigestOf([]byte("y"))); err != nil {
		t.Error(err)
	}
	s.InjectFault(registrytest.Fault{Match: "^HEAD .*blobs", Status: 401})
	if _, err := c.HasBlob(t.Context(), repo, images.DigestOf([]byte("z"))); KindOf(err) != Unauthorized {
		t.Errorf("a login that is not good any more: %v", err)
	}
}
