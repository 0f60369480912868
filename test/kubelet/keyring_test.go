package kubelet

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// kubelet complains of every entry that is no address.
func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// What images and entries are made of: near enough to each other that they
// often match, with what people get wrong.
var (
	hosts    = []string{"registry.example.com", "registry.example.com:5000", "registry.example.com:443", "*.example.com", "*.*.com", "reg*.example.com", "example.com", "10.0.0.7:5000", "localhost:5000", "docker.io", "index.docker.io", "registry", "[::1]:5000", "re[gx]istry.example.com", "*.example.com:5000"}
	paths    = []string{"", "/", "/aistor", "/aistor/", "/aistor/minio", "/aist", "/v1/", "/v2/", "/v2/aistor", "/*", "/other"}
	schemes  = []string{"", "", "", "https://", "http://", "oci://"}
	pictures = []string{"registry.example.com/aistor/minio", "registry.example.com:5000/aistor/minio", "registry.example.com/aistor/minio-sidecar", "registry.example.com:443/other", "a.example.com/aistor/minio", "10.0.0.7:5000/aistor/minio", "localhost:5000/minio", "minio", "library/minio", "docker.io/minio/minio", "index.docker.io/minio/minio", "registry/aistor/minio", "example.com/v2/aistor", "[::1]:5000/aistor/minio"}
	logins   = []string{"puller:one", "puller:two", "other:three", "a:b:c", ":", "nobody:"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// secret is the content of one pull secret, now and then broken.
func secret(r *rand.Rand) []byte {
	auths, seen := map[string]any{}, map[string]bool{}
	for range 1 + r.IntN(4) {
		entry := map[string]any{}
		login := pick(r, logins)
		switch r.IntN(12) {
		case 0:
			entry["username"], entry["password"] = "puller", "plain"
		case 1:
			entry["auth"] = base64.RawStdEncoding.EncodeToString([]byte(login))
		case 2:
			entry["identitytoken"] = "token"
		case 3:
			entry["auth"] = base64.StdEncoding.EncodeToString([]byte("no-colon"))
			if r.IntN(4) > 0 {
				entry = map[string]any{"auth": base64.StdEncoding.EncodeToString([]byte(login)), "username": "also", "password": "this"}
			}
		default:
			entry["auth"] = base64.StdEncoding.EncodeToString([]byte(login))
		}
		// Of two entries for the same place in one secret kubelet takes either
		// first, as Go walks maps.
		scheme, place := pick(r, schemes), pick(r, hosts)+pick(r, paths)
		if same := strings.TrimSuffix(strings.NewReplacer("/v1/", "/", "/v2/", "/").Replace(place+"/"), "/"); !seen[strings.TrimSuffix(same, "/")] {
			seen[strings.TrimSuffix(same, "/")] = true
			auths[scheme+place] = entry
		}
	}
	b, _ := json.Marshal(map[string]any{"auths": auths})
	return b
}

type login struct{ user, password string }

// kubelets is what kubelet would try for an image, in its order.
func kubelets(image string, contents [][]byte) ([]login, error) {
	var list []corev1.Secret
	for _, c := range contents {
		list = append(list, corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: c}})
	}
	ring, err := secrets.MakeDockerKeyring(list, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		return nil, err
	}
	found, _ := ring.Lookup(image)
	var out []login
	for _, f := range found {
		out = append(out, login{f.Username, f.Password})
	}
	return out, nil
}

// ours is the same by the checks' own reading.
func ours(image string, contents [][]byte) ([]login, error) {
	var configs []*preflight.DockerConfig
	for _, c := range contents {
		d, err := preflight.ParseDockerConfig(c)
		if err != nil {
			return nil, err
		}
		configs = append(configs, d)
	}
	var out []login
	for _, c := range preflight.MatchCredentials(image, configs...) {
		out = append(out, login{c.Username, c.Password})
	}
	return out, nil
}

func compare(t *testing.T, image string, contents [][]byte) {
	t.Helper()
	want, wantErr := kubelets(image, contents)
	got, gotErr := ours(image, contents)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("image %s, secrets %s: received error %v, kubelet's is %v", image, contents, gotErr, wantErr)
	}
	if len(got) != len(want) {
		t.Fatalf("image %s, secrets %s: received %v, kubelet has %v", image, contents, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("image %s, secrets %s: received %v, kubelet has %v", image, contents, got, want)
		}
	}
}

func TestPullSecretsAreReadAsKubeletReadsThem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	matched, refused := 0, 0
	for range 50_000 {
		var contents [][]byte
		for range 1 + r.IntN(3) {
			contents = append(contents, secret(r))
		}
		image := pick(r, pictures)
		compare(t, image, contents)
		if found, err := kubelets(image, contents); err != nil {
			refused++
		} else if len(found) > 0 {
			matched++
		}
	}
	if matched < 5_000 || refused < 500 {
		t.Errorf("%d matched and %d were refused: too few to tell anything", matched, refused)
	}
}

func FuzzPullSecretsAreReadAsKubeletReadsThem(f *testing.F) {
	f.Add("registry.example.com:5000/aistor/minio", "https://registry.example.com:5000/v2/", "puller:one", `{"auths":{}}`)
	f.Add("minio", "index.docker.io/v1/", "a:b", `{"auths":{"*.example.com":{"auth":"YTpi"}}}`)
	f.Fuzz(func(t *testing.T, image, key, login, second string) {
		first, err := json.Marshal(map[string]any{"auths": map[string]any{key: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(login))}}})
		if err != nil || image == "" || !json.Valid([]byte(second)) {
			t.Skip()
		}
		var doc struct {
			Auths map[string]json.RawMessage `json:"auths"`
		}
		if json.Unmarshal([]byte(second), &doc) == nil && len(doc.Auths) > 1 {
			t.Skip() // two entries may be for the same place
		}
		compare(t, image, [][]byte{first, []byte(second)})
	})
}
