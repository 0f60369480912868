package preflight

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// matchedKeys are the keys that kubelet would try for an image, in its order.
func matchedKeys(t *testing.T, image string, secrets ...[]string) []string {
	t.Helper()
	var configs []*DockerConfig
	for n, keys := range secrets {
		entries := map[string]string{}
		for _, k := range keys {
			entries[k] = fmt.Sprintf("user%d:hunter2", n)
		}
		d, err := ParseDockerConfig(dockerConfig(entries))
		if err != nil {
			t.Fatal(err)
		}
		configs = append(configs, d)
	}
	var keys []string
	for _, c := range MatchCredentials(image, configs...) {
		keys = append(keys, c.String())
	}
	return keys
}

func TestMatchFollowsKubelet(t *testing.T) {
	t.Parallel()
	const image = "registry.example.com:5000/team/aistor/minio"
	for _, c := range []struct {
		name  string
		keys  []string
		image string
		want  []string
	}{
		{"host and port", []string{"registry.example.com:5000"}, image, []string{"registry.example.com:5000"}},
		{"a scheme is taken off", []string{"https://registry.example.com:5000"}, image, []string{"registry.example.com:5000"}},
		{"so is a slash", []string{"http://registry.example.com:5000/"}, image, []string{"registry.example.com:5000"}},
		{"so is the API's path", []string{"https://registry.example.com:5000/v2/"}, image, []string{"registry.example.com:5000"}},
		{"the port is missing", []string{"registry.example.com"}, image, nil},
		{"another port", []string{"registry.example.com:443"}, image, nil},
		{"a port where the image has none", []string{"registry.example.com:443"}, "registry.example.com/minio", nil},
		{"another host", []string{"example.com:5000"}, image, nil},
		{"a path that leads to the image", []string{"registry.example.com:5000/team"}, image, []string{"registry.example.com:5000/team"}},
		{"a path is a prefix of bytes, not of elements", []string{"registry.example.com:5000/te"}, image, []string{"registry.example.com:5000/te"}},
		{"another path", []string{"registry.example.com:5000/other"}, image, nil},
		{"the longest path first", []string{"registry.example.com:5000", "registry.example.com:5000/team/aistor", "registry.example.com:5000/team"}, image,
			[]string{"registry.example.com:5000/team/aistor", "registry.example.com:5000/team", "registry.example.com:5000"}},
		{"a wildcard for one part", []string{"*.example.com:5000"}, image, []string{"*.example.com:5000"}},
		{"a wildcard within a part", []string{"reg*.example.com:5000"}, image, []string{"reg*.example.com:5000"}},
		{"a wildcard never covers two parts", []string{"*.com:5000"}, image, nil},
		{"nor the port", []string{"registry.example.com:*"}, image, nil},
		{"nor the path", []string{"registry.example.com:5000/*/aistor"}, image, nil},
		{"a host before its wildcard", []string{"*.example.com:5000", "registry.example.com:5000"}, image, []string{"registry.example.com:5000", "*.example.com:5000"}},
		{"a wildcard that is none", []string{"[.example.com:5000"}, image, nil},
		{"letters differ", []string{"Registry.example.com:5000"}, image, nil},
		{"the hub's own key", []string{"https://index.docker.io/v1/"}, "docker.io/library/busybox", []string{"index.docker.io"}},
		{"the hub's key without a path", []string{"index.docker.io"}, "docker.io/library/busybox", []string{"index.docker.io"}},
		{"the hub's key for nobody else", []string{"index.docker.io"}, image, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, w := range c.want {
				want = append(want, w+" as user0")
			}
			if diff := cmp.Diff(want, matchedKeys(t, c.image, c.keys)); diff != "" {
				t.Errorf("(-expected +received):\n%s", diff)
			}
		})
	}
}

// Kubelet sorts the keys of all secrets together; the same key comes in the
// order in which the pod names the secrets.
func TestMatchGoesOverAllSecrets(t *testing.T) {
	t.Parallel()
	got := matchedKeys(t, "r.example.com/a/b", []string{"r.example.com", "*.example.com"}, []string{"r.example.com", "r.example.com/a"})
	want := []string{"r.example.com/a as user1", "r.example.com as user0", "r.example.com as user1", "*.example.com as user0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-expected +received):\n%s", diff)
	}
}

func TestParseDockerConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data   string
		user, secret string
		err          string
	}{
		{"auth", `{"auths":{"r":{"auth":"YTpi"}}}`, "a", "b", ""},
		{"auth without padding", `{"auths":{"r":{"auth":"YWE6Yg"}}}`, "aa", "b", ""},
		{"auth with padding", `{"auths":{"r":{"auth":"YWE6Yg=="}}}`, "aa", "b", ""},
		{"auth wins over username", `{"auths":{"r":{"auth":"YTpi","username":"c","password":"d"}}}`, "a", "b", ""},
		{"a colon in the password", `{"auths":{"r":{"auth":"YTpiOmM="}}}`, "a", "b:c", ""},
		{"username and password", `{"auths":{"r":{"username":"c","password":"d"}}}`, "c", "d", ""},
		{"an identity token is nothing", `{"auths":{"r":{"identitytoken":"x"}}}`, "", "", ""},
		{"auth that is no base64", `{"auths":{"r":{"auth":"hunter2!"}}}`, "", "", "not base64"},
		{"auth without a colon", `{"auths":{"r":{"auth":"aHVudGVyMg=="}}}`, "", "", "username:password"},
		{"no JSON", `hunter2`, "", "", "is not a Docker config"},
		{"another shape", `{"auths":["hunter2"]}`, "", "", "is not a Docker config"},
		{"nothing", ``, "", "", "missing key .dockerconfigjson"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := ParseDockerConfig([]byte(c.data))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("received error %v, expected one with %q and without the content", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := MatchCredentials("r/x", d)
			if len(got) != 1 || got[0].Username != c.user || got[0].Password != c.secret || got[0].IsAnonymous() != (c.user == "" && c.secret == "") {
				t.Errorf("received %d entries, expected %s with its password", len(got), c.user)
			}
		})
	}
}

func TestCredentialHidesItsPassword(t *testing.T) {
	t.Parallel()
	c := Credential{Key: "r", Username: "a", Password: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(verb, c); strings.Contains(s, "hunter2") {
			t.Errorf("%s shows %s", verb, s)
		}
	}
}

func FuzzDockerConfigMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"registry.example.com:5000", "registry.example.com:5000/a/b"}, {"*.example.com", "r.example.com/a"}, {"https://r/v2/", "r/a"},
		{"[::1]:5000", "[::1]:5000/a"}, {"[", "a/b"}, {"%zz", "%zz/b"}, {"index.docker.io", "docker.io/library/x"}, {"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, key, image string) {
		d, err := ParseDockerConfig(dockerConfig(map[string]string{key: "a:b"}))
		if err != nil {
			t.Fatalf("an entry %q makes the secret unreadable: %v", key, err)
		}
		with := MatchCredentials(image, d)
		host, _, _ := strings.Cut(image, "/")
		exact, err := ParseDockerConfig(dockerConfig(map[string]string{host: "exact:b"}))
		if err != nil {
			t.Fatal(err)
		}
		both := MatchCredentials(image, d, exact)
		if len(both) < len(with) {
			t.Errorf("another secret takes a match of %q for %q away", key, image)
		}
		for i := 1; i < len(both); i++ {
			if both[i-1].Key < both[i].Key {
				t.Errorf("%q comes before %q", both[i-1].Key, both[i].Key)
			}
		}
		clean := regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?/[a-z0-9/-]*$`).MatchString(image)
		if clean && !slices.ContainsFunc(both, func(c Credential) bool { return c.Username == "exact" }) {
			t.Errorf("the host of %q has an entry that does not match", image)
		}
	})
}
