package images

import (
	"strings"
	"testing"
)

func TestMirrorMap(t *testing.T) {
	t.Parallel()
	plain := Mirror{Registry: "reg.example.com:5000"}
	prefixed := Mirror{Registry: "reg.example.com", Prefix: "team/mirror"}
	ruled := Mirror{Registry: "reg.example.com", Prefix: "p", Rules: []Rule{
		{From: "quay.io/minio/aistor", To: "aistor"},
		{From: "quay.io/minio/aistor/mc", To: "tools/client"},
		{From: "docker.io/", To: "hub"},
	}}
	tests := map[string]struct {
		m    Mirror
		in   string
		want string
	}{
		"AIStor's own":                   {plain, "quay.io/minio/aistor/minio:v1", "reg.example.com:5000/aistor/minio:v1"},
		"the older names":                {plain, "quay.io/minio/kes:v1", "reg.example.com:5000/minio/kes:v1"},
		"anything else keeps its host":   {plain, "ghcr.io/a/b:v1", "reg.example.com:5000/ghcr.io/a/b:v1"},
		"a port's colon becomes a dash":  {plain, "other.example.com:8443/a:v1", "reg.example.com:5000/other.example.com-8443/a:v1"},
		"only whole path elements match": {plain, "quay.io/minio/aistorx/y:v1", "reg.example.com:5000/minio/aistorx/y:v1"},
		"nor half a host":                {plain, "quay.io/miniox/y:v1", "reg.example.com:5000/quay.io/miniox/y:v1"},
		"Docker's short name":            {plain, "busybox:1", "reg.example.com:5000/docker.io/library/busybox:1"},
		"a digest stays":                 {plain, "quay.io/minio/aistor/mc:v1@" + someDigest, "reg.example.com:5000/aistor/mc:v1@" + someDigest},
		"already there":                  {plain, "reg.example.com:5000/x/y:v1", "reg.example.com:5000/x/y:v1"},
		"a prefix":                       {prefixed, "quay.io/minio/aistor/minio:v1", "reg.example.com/team/mirror/aistor/minio:v1"},
		"a prefix for others":            {prefixed, "ghcr.io/a:v1", "reg.example.com/team/mirror/ghcr.io/a:v1"},
		"a rule without the prefix":      {ruled, "quay.io/minio/aistor/kes:v1", "reg.example.com/aistor/kes:v1"},
		"the longest rule":               {ruled, "quay.io/minio/aistor/mc:v1", "reg.example.com/tools/client:v1"},
		"a rule for a host":              {ruled, "busybox:1", "reg.example.com/hub/library/busybox:1"},
		"no rule: the default, prefixed": {ruled, "quay.io/minio/warp:v1", "reg.example.com/p/minio/warp:v1"},
		"no registry: as it is":          {Mirror{}, "quay.io/a/b:v1", "quay.io/a/b:v1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := ParseRef(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			got := tt.m.Map(r)
			if got.String() != tt.want {
				t.Errorf("Map(%s) = %s, want %s", tt.in, got, tt.want)
			}
			if tt.m.Map(got) != got {
				t.Errorf("mapping again gives %s", tt.m.Map(got))
			}
			if _, err := ParseRef(got.String()); err != nil {
				t.Errorf("the mapped name does not parse: %v", err)
			}
		})
	}
}

func TestMirrorMapPush(t *testing.T) {
	t.Parallel()
	m := Mirror{Registry: "inside.example.com", PushRegistry: "outside.example.com:8443", Prefix: "p"}
	r := Ref{Host: "quay.io", Path: "minio/aistor/mc", Tag: "v1"}
	if got := m.MapPush(r).String(); got != "outside.example.com:8443/p/aistor/mc:v1" {
		t.Errorf("pushed to %s", got)
	}
	if got := m.Map(r).String(); got != "inside.example.com/p/aistor/mc:v1" {
		t.Errorf("pulled from %s", got)
	}
	if got := m.MapPush(m.Map(r)); got != m.MapPush(r) {
		t.Errorf("a name inside is pushed to %s, the public one to %s", got, m.MapPush(r))
	}
	m.PushRegistry = ""
	if m.MapPush(r) != m.Map(r) {
		t.Error("without a push registry the two differ")
	}
}

func TestMirrorValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		m    Mirror
		text string // "" for valid
	}{
		"a host":             {Mirror{Registry: "reg.example.com:5000"}, ""},
		"with everything":    {Mirror{Registry: "a", PushRegistry: "b:1", Prefix: "p", Rules: []Rule{{"quay.io", "x"}}}, ""},
		"nothing":            {Mirror{}, "no registry"},
		"a scheme":           {Mirror{Registry: "https://reg.example.com"}, "host[:port]"},
		"a path":             {Mirror{Registry: "reg.example.com/x"}, "prefix"},
		"a push path":        {Mirror{Registry: "a", PushRegistry: "b/c"}, `"b/c"`},
		"a rule from naught": {Mirror{Registry: "a", Rules: []Rule{{"", "x"}}}, "empty side"},
		"a rule to naught":   {Mirror{Registry: "a", Rules: []Rule{{"quay.io", ""}}}, "empty side"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.m.Validate()
			if (tt.text == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("Validate() = %v, want %q", err, tt.text)
			}
		})
	}
}
