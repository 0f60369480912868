package images

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseRef(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		want Ref
		full string // where it differs from in
	}{
		"host, path and tag":      {"quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z", Ref{"quay.io", "minio/aistor/minio", "RELEASE.2026-06-06T02-44-06Z", ""}, ""},
		"host with a port":        {"registry.example.com:5000/a/b:v1", Ref{"registry.example.com:5000", "a/b", "v1", ""}, ""},
		"tag and digest together": {"quay.io/a:v1@" + someDigest, Ref{"quay.io", "a", "v1", someDigest}, ""},
		"digest alone":            {"quay.io/a@" + someDigest, Ref{"quay.io", "a", "", someDigest}, ""},
		"neither":                 {"quay.io/a/b", Ref{"quay.io", "a/b", "", ""}, ""},
		"Docker's short name":     {"busybox:1", Ref{"docker.io", "library/busybox", "1", ""}, "docker.io/library/busybox:1"},
		"Docker's user name":      {"minio/mc", Ref{"docker.io", "minio/mc", "", ""}, "docker.io/minio/mc"},
		"localhost":               {"localhost/a:b", Ref{"localhost", "a", "b", ""}, ""},
		"IPv6 host":               {"[fd00::1]:5000/a:b", Ref{"[fd00::1]:5000", "a", "b", ""}, ""},
		"FIPS tag":                {"quay.io/a/b:RELEASE.2026-06-06T02-44-06Z.fips", Ref{"quay.io", "a/b", "RELEASE.2026-06-06T02-44-06Z.fips", ""}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRef(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			full := tt.full
			if full == "" {
				full = tt.in
			}
			if got.String() != full {
				t.Errorf("String() = %q, want %q", got.String(), full)
			}
		})
	}
}

func TestParseRefRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", " ", ":v1", "quay.io/", "quay.io/A/b:v1", "quay.io/a:", "quay.io/a@sha256:12", "https://quay.io/a:b",
		"quay.io/a b:c", "quay.io/../a:b", "quay.io/a:b:c", strings.Repeat("a", 64), "quay.io/a:" + strings.Repeat("x", 200),
		"user:planted@quay.io/a:b", "https://user:planted@quay.io/a:b", ":planted@sha256.io/a:b",
	} {
		if r, err := ParseRef(in); err == nil {
			t.Errorf("ParseRef(%q) = %+v", in, r)
		} else if !strings.Contains(err.Error(), "parsing image reference") || strings.Contains(err.Error(), "planted") {
			t.Errorf("ParseRef(%q): %v", in, err)
		}
	}
}

func TestRefParts(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, base, name, id string }{
		{"quay.io/minio/aistor/mc:v1", "mc", "quay.io/minio/aistor/mc", "v1"},
		{"quay.io/mc@" + someDigest, "mc", "quay.io/mc", someDigest},
		{"quay.io/mc:v1@" + someDigest, "mc", "quay.io/mc", someDigest},
		{"quay.io/mc", "mc", "quay.io/mc", "latest"},
	}
	for _, tt := range tests {
		r, err := ParseRef(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if r.Base() != tt.base || r.Name() != tt.name || r.Identifier() != tt.id {
			t.Errorf("%s: base %q, name %q, identifier %q", tt.in, r.Base(), r.Name(), r.Identifier())
		}
	}
}

func TestRefInJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		Ref  Ref `json:"ref"`
		None Ref `json:"none"`
	}
	r, err := ParseRef("quay.io/a/b:v1@" + someDigest)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(doc{Ref: r})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"ref":"quay.io/a/b:v1@` + someDigest + `","none":""}`; string(b) != want {
		t.Errorf("got %s", b)
	}
	var back doc
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc{Ref: r}, back); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"ref":"NOT A REF"}`), &back); err == nil {
		t.Error("nonsense was read")
	}
}

// FuzzParseRef demands that whatever parses survives being written and read
// again, and that mapping it twice is mapping it once.
func FuzzParseRef(f *testing.F) {
	for _, s := range []string{
		"quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z", "busybox", "a/b@" + someDigest,
		"host:5000/a/b:v1@" + someDigest, "[::1]:5000/a", "quay.io/a_b/c__d/e-f:x", "",
	} {
		f.Add(s)
	}
	m := Mirror{Registry: "registry.example.com:5000", PushRegistry: "push.example.com", Prefix: "p/q"}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			return
		}
		again, err := ParseRef(r.String())
		if err != nil || again != r {
			t.Fatalf("%q reads back as %+v, not %+v: %v", r, again, r, err)
		}
		to := m.Map(r)
		if m.Map(to) != to {
			t.Errorf("mapping %q twice gives %q, once %q", r, m.Map(to), to)
		}
		if to.Tag != r.Tag || to.Digest != r.Digest {
			t.Errorf("mapping %q changed tag or digest: %q", r, to)
		}
		if p := m.MapPush(r); p.Path != to.Path {
			t.Errorf("%q is pushed to %q and pulled from %q", r, p, to)
		}
	})
}
