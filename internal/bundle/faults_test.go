package bundle

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// faultOutcome is how a fault has to end: kind "" in the right result, any other in
// an error of that kind with the text; healed, the same again succeeds.
type faultOutcome struct {
	kind registry.Kind
	text string
}

var right = faultOutcome{}

// Every misbehaviour of a registry, met by create and by push, ends in what was
// wanted or in an error that says what is the matter.
func TestFaults(t *testing.T) {
	t.Parallel()
	stall := make(<-chan struct{}) // each test has its own in the end
	blob := func(f registrytest.Fault) registrytest.Fault { f.Match = `^GET .*blobs/`; return f }
	upload := func(f registrytest.Fault) registrytest.Fault { f.Match = `^PUT .*uploads`; return f }
	manifest := func(f registrytest.Fault) registrytest.Fault { f.Match = `^(GET|HEAD) .*manifests/RELEASE`; return f }
	retry := http.Header{"Retry-After": {"7"}}
	invalid := `{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}`
	tests := map[string]struct {
		create, push     registrytest.Fault
		created, pushed  faultOutcome
		upstream, target []registrytest.Option
	}{
		"401":                            {manifest(registrytest.Fault{Status: 401}), manifest(registrytest.Fault{Status: 401}), faultOutcome{registry.Unauthorized, "401"}, faultOutcome{registry.Unauthorized, "401"}, nil, nil},
		"401 while moving":               {blob(registrytest.Fault{Status: 401}), upload(registrytest.Fault{Status: 401}), faultOutcome{registry.Unauthorized, "401"}, faultOutcome{registry.Unauthorized, "401"}, nil, nil},
		"403":                            {manifest(registrytest.Fault{Status: 403}), manifest(registrytest.Fault{Status: 403}), faultOutcome{registry.Forbidden, "403"}, faultOutcome{registry.Forbidden, "403"}, nil, nil},
		"404":                            {manifest(registrytest.Fault{Status: 404}), registrytest.Fault{Match: `^POST`, Status: 404}, faultOutcome{registry.NotFound, "404"}, faultOutcome{registry.NotFound, "404"}, nil, nil},
		"404 of a blob":                  {blob(registrytest.Fault{Status: 404}), upload(registrytest.Fault{Status: 404}), faultOutcome{registry.NotFound, "404"}, faultOutcome{registry.NotFound, "404"}, nil, nil},
		"429 with Retry-After":           {blob(registrytest.Fault{Status: 429, Header: retry, Times: 3}), upload(registrytest.Fault{Status: 429, Header: retry, Times: 3}), right, right, nil, nil},
		"429 for ever":                   {blob(registrytest.Fault{Status: 429}), upload(registrytest.Fault{Status: 429}), faultOutcome{registry.RateLimited, "429"}, faultOutcome{registry.RateLimited, "429"}, nil, nil},
		"500":                            {blob(registrytest.Fault{Status: 500, Times: 3}), upload(registrytest.Fault{Status: 500, Times: 3}), right, right, nil, nil},
		"500 for ever":                   {blob(registrytest.Fault{Status: 500}), upload(registrytest.Fault{Status: 500}), faultOutcome{registry.Server, "500"}, faultOutcome{registry.Server, "500"}, nil, nil},
		"502":                            {manifest(registrytest.Fault{Status: 502, Times: 2}), manifest(registrytest.Fault{Status: 502, Times: 2}), right, right, nil, nil},
		"502 for ever":                   {manifest(registrytest.Fault{Status: 502}), manifest(registrytest.Fault{Status: 502}), faultOutcome{registry.Server, "502"}, faultOutcome{registry.Server, "502"}, nil, nil},
		"reset in a blob":                {blob(registrytest.Fault{BreakAfter: 5000, Times: 3}), upload(registrytest.Fault{TakeOnly: 5000, Times: 3}), right, right, nil, nil},
		"reset for ever":                 {blob(registrytest.Fault{BreakAfter: 0}), upload(registrytest.Fault{TakeOnly: 5000}), faultOutcome{registry.Unreachable, ""}, faultOutcome{registry.Unreachable, ""}, nil, nil},
		"stall":                          {blob(registrytest.Fault{BreakAfter: 5000, Stall: stall, Times: 2}), upload(registrytest.Fault{TakeOnly: 5000, Stall: stall, Times: 2}), right, right, nil, nil},
		"truncated blob":                 {blob(registrytest.Fault{BreakAfter: 700, Truncate: true, Times: 3}), registrytest.Fault{}, right, right, nil, nil},
		"wrong digest once":              {blob(registrytest.Fault{BreakAfter: 10, Flip: true, Times: 1}), registrytest.Fault{}, right, right, nil, nil},
		"wrong digest":                   {blob(registrytest.Fault{BreakAfter: 10, Flip: true}), upload(registrytest.Fault{Status: 400, Body: invalid}), faultOutcome{"", "expected: sha256:"}, faultOutcome{registry.Digest, "DIGEST_INVALID"}, nil, nil},
		"wrong bytes of a manifest once": {registrytest.Fault{Match: `GET .*manifests/`, Times: 1, BreakAfter: 30, Flip: true}, registrytest.Fault{}, right, right, nil, nil},
		"no Range": {
			blob(registrytest.Fault{BreakAfter: 5000, Times: 3}), registrytest.Fault{}, right, right,
			[]registrytest.Option{registrytest.WithoutRange()}, nil,
		},
		"no mount":      {registrytest.Fault{}, registrytest.Fault{}, right, right, nil, []registrytest.Option{registrytest.WithoutMount()}},
		"no HEAD":       {registrytest.Fault{}, registrytest.Fault{}, right, right, []registrytest.Option{registrytest.WithoutHead()}, []registrytest.Option{registrytest.WithoutHead()}},
		"immutable tag": {registrytest.Fault{}, registrytest.Fault{Match: `^PUT .*manifests/RELEASE`, Status: 412, Body: `{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}`}, right, faultOutcome{registry.TagImmutable, "immutable"}, nil, nil},
		"expiring token": {
			registrytest.Fault{}, registrytest.Fault{}, right, right,
			[]registrytest.Option{registrytest.WithBearerAuth("u", "p", 3)}, []registrytest.Option{registrytest.WithBearerAuth("u", "p", 3)},
		},
	}
	for name, tt := range tests {
		t.Run("create/"+name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 20_000, tt.upstream...)
			faultyCreate(t, s, tt.create, tt.created)
		})
		t.Run("push/"+name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 500_000)
			faultyPush(t, s, registrytest.NewServer(t, tt.target...), tt.push, tt.pushed)
		})
	}
}

func faultyCreate(t *testing.T, s *fixtureSite, f registrytest.Fault, want faultOutcome) {
	t.Helper()
	injectFault(t, s.Server, f)
	p := filepath.Join(t.TempDir(), "b.tar")
	c := newClient(t, s.Server, withPassword(s.Server), stallTimeouts(f))
	_, err := Create(t.Context(), p, s.spec, c, CreateOptions{Wait: noWait})
	if want != right {
		want.checkError(t, err)
		if fileExists(p) {
			t.Error("a bundle was left under its final name")
		}
		s.ClearFaults()
		_, err = Create(t.Context(), p, s.spec, c, CreateOptions{Wait: noWait})
	}
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, p))
}

func faultyPush(t *testing.T, s *fixtureSite, dst *registrytest.Server, f registrytest.Fault, want faultOutcome) {
	t.Helper()
	b := s.createBundle(t, s.spec)
	injectFault(t, dst, f)
	c := newClient(t, dst, withPassword(dst), stallTimeouts(f))
	receipt, err := pushBundle(t, b, c, dst.Host, images.PushOptions{})
	if want != right {
		want.checkError(t, err)
		if n := dst.CountRequests(`^PUT .*manifests/RELEASE`); n > 0 && want.kind != registry.TagImmutable {
			t.Errorf("%d tags were set although not all is there", n)
		}
		dst.ClearFaults()
		if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
			t.Errorf("after the fault is gone: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	checkPushed(t, b, c, receipt)
}

func injectFault(t *testing.T, s *registrytest.Server, f registrytest.Fault) {
	if f.Match == "" {
		return
	}
	if f.Stall != nil {
		release := make(chan struct{})
		t.Cleanup(func() { close(release) }) // before the server ends, which waits for it
		f.Stall = release
	}
	s.InjectFault(f)
}

// stallTimeouts is short where a fault is a stall, and only there: elsewhere a busy
// machine would be taken for one. An upload may be in the sockets whole when the
// registry stops taking it; then it is the answer that is missing.
func stallTimeouts(f registrytest.Fault) func(*registry.Options) {
	return func(o *registry.Options) {
		if f.Stall != nil {
			o.Limits = httptimeout.Limits{Silence: 2 * time.Second, FirstByte: 5 * time.Second}
		}
	}
}

func (o faultOutcome) checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), o.text) || !strings.Contains(err.Error(), `"`) {
		t.Fatalf("got %v, want text %q and the subject", err, o.text)
	}
	if o.kind != "" && registry.KindOf(err) != o.kind {
		t.Errorf("kind %q, want %q: %v", registry.KindOf(err), o.kind, err)
	}
}

// A bundle that changes or shrinks in the middle of a push.
func TestPushOfABundleThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, b *Bundle, at int64){
		"a byte": func(t *testing.T, b *Bundle, at int64) {
			f, err := os.OpenFile(b.Path(), os.O_RDWR, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte("changed"), at); err != nil {
				t.Error(err)
			}
		},
		"its length": func(t *testing.T, b *Bundle, at int64) {
			if err := os.Truncate(b.Path(), at); err != nil {
				t.Error(err)
			}
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 200_000)
			b := s.createBundle(t, s.spec)
			smallest := b.layout.entries[0]
			for _, e := range b.layout.entries[2:] {
				// The last to be sent: the smallest that is no manifest.
				if e.blob.Size > 1000 && (smallest.name == layoutName || e.blob.Size < smallest.blob.Size) {
					smallest = e
				}
			}
			dst := registrytest.NewServer(t)
			done := false
			_, err := pushBundle(t, b, newClient(t, dst), dst.Host, images.PushOptions{Concurrency: 1, Progress: func(e images.Event) {
				if e.Kind == images.EventMoved && !done {
					done = true
					damage(t, b, smallest.offset)
				}
			}})
			if err == nil || !done {
				t.Fatalf("it was pushed (changed: %v)", done)
			}
			var e *registry.Error
			if !errors.As(err, &e) && !strings.Contains(err.Error(), "sha256:") {
				t.Errorf("the error names no blob: %v", err)
			}
			if n := dst.CountRequests(`^PUT .*manifests/RELEASE`); n != 0 {
				t.Errorf("%d tags were set all the same", n)
			}
		})
	}
}
