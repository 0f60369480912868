package preflight

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// kindError is an error as a Prober returns it.
type kindError struct{ kind, hint string }

func (e *kindError) Error() string { return "asking the registry: " + e.kind + "\nhint: " + e.hint }
func (e *kindError) Kind() string  { return e.kind }
func (e *kindError) Hint() string  { return e.hint }

// fakeRegistry answers as a registry with logins would. It is given Docker
// configurations and reads them by itself, so that a check which hands over
// the wrong one is found out.
type fakeRegistry struct {
	mu sync.Mutex
	// images by private reference.
	images map[string]ManifestInfo
	// logins are the accepted user:password pairs, each with the repositories
	// it may read; none means all.
	logins map[string][]string
	// own are the user's own credentials.
	own string
	// down, where set, answers everything.
	down string
	// closed are repositories that nobody may push to.
	closed []string
	// asked counts questions by reference and login.
	asked map[string]int
}

func newFakeRegistry(t testing.TB) *fakeRegistry {
	f := &fakeRegistry{images: map[string]ManifestInfo{}, logins: map[string][]string{"puller:hunter2": nil, "me:own": nil}, own: "me:own", asked: map[string]int{}}
	for _, name := range []string{"minio:" + minioR, "minio-sidecar:" + minioR, "operator:" + newOp} {
		f.images[mustParseRef(t, private+"/aistor/"+name).String()] = ManifestInfo{Digest: digestA, Platforms: []string{"linux/amd64", "linux/arm64/v8"},
			Children: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("1", 64)}, Config: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("c", 64)}}
	}
	return f
}

// Head implements Prober.
func (f *fakeRegistry) Head(_ context.Context, r images.Ref, config []byte) (ManifestInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	login := f.own
	if config != nil {
		login = loginFrom(config, r.Host)
	}
	f.asked[r.String()+" "+login]++
	if f.down != "" {
		return ManifestInfo{}, fmt.Errorf("wrapped: %w", &kindError{kind: f.down})
	}
	allowed, known := f.logins[login]
	if !known {
		return ManifestInfo{}, &kindError{kind: KindUnauthorized}
	}
	if len(allowed) > 0 && !strings.Contains(strings.Join(allowed, " ")+" ", r.Path+" ") {
		return ManifestInfo{}, &kindError{kind: KindForbidden}
	}
	found, ok := f.images[r.String()]
	if !ok {
		return ManifestInfo{}, &kindError{kind: KindNotFound, hint: ""}
	}
	return found, nil
}

// CheckPushAccess implements Pusher.
func (f *fakeRegistry) CheckPushAccess(_ context.Context, r images.Ref) error {
	if f.down != "" {
		return &kindError{kind: f.down}
	}
	if slices.Contains(f.closed, r.Path) {
		return &kindError{kind: KindForbidden}
	}
	return nil
}

// loginFrom reads user:password for exactly one host.
func loginFrom(config []byte, host string) string {
	var doc struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	if json.Unmarshal(config, &doc) != nil {
		return "unreadable"
	}
	b, _ := base64.StdEncoding.DecodeString(doc.Auths[host].Auth)
	return string(b)
}
