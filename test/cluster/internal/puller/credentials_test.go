package puller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeyringLookup(t *testing.T) {
	t.Parallel()
	user := func(name string) Credential { return Credential{name, "secret"} }
	tests := map[string]struct {
		secret string
		image  string
		want   []Credential
	}{
		"host and port match": {
			`{"auths":{"r.example.com:5000":{"username":"a","password":"secret"}}}`,
			"r.example.com:5000/aistor/minio", []Credential{user("a")},
		},
		"a key without the port does not": {
			`{"auths":{"r.example.com":{"username":"a","password":"secret"}}}`,
			"r.example.com:5000/aistor/minio", nil,
		},
		"another host does not": {
			`{"auths":{"r.example.com":{"username":"a","password":"secret"}}}`,
			"s.example.com/aistor/minio", nil,
		},
		"auth is read": {
			`{"auths":{"r.example.com":{"auth":"YTpzZWNyZXQ="}}}`,
			"r.example.com/x", []Credential{user("a")},
		},
		"a scheme and an API version are ignored": {
			`{"auths":{"https://r.example.com/v1/":{"username":"a","password":"secret"}}}`,
			"r.example.com/x", []Credential{user("a")},
		},
		"the longer path comes first": {
			`{"auths":{"r.example.com":{"username":"a","password":"secret"},"r.example.com/team":{"username":"b","password":"secret"}}}`,
			"r.example.com/team/x", []Credential{user("b"), user("a")},
		},
		"another path does not match": {
			`{"auths":{"r.example.com/team":{"username":"b","password":"secret"}}}`,
			"r.example.com/other/x", nil,
		},
		"a glob stands for one part of the name": {
			`{"auths":{"*.example.com":{"username":"a","password":"secret"}}}`,
			"r.example.com/x", []Credential{user("a")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var k Keyring
			if err := k.Add([]byte(tt.secret)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, k.Lookup(tt.image)); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeyringRefusesWhatIsNoPullSecret(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{`, `{"auths":{"r":{"auth":"!"}}}`, `{"auths":{"r":{"auth":"bm9jb2xvbg=="}}}`} {
		if err := new(Keyring).Add([]byte(data)); err == nil {
			t.Errorf("Add(%s) succeeds", data)
		}
	}
}
