package bundle

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What goes from registry to registry is the very bundle that a file would
// have been, also where downloads break off on the way.
func TestLiveIsWhatCreateWrites(t *testing.T) {
	t.Parallel()
	s := newSite(t, 30_000)
	b := s.createBundle(t, s.spec)
	s.InjectFault(registrytest.Fault{Match: `^GET .*blobs`, Skip: 4, Times: 2, BreakAfter: 900})
	live, err := NewDirectSource(t.Context(), s.spec, newClient(t, s.Server), 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Manifest(), live.Manifest()); diff != "" || live.Digest() != b.Digest() {
		t.Errorf("digest %s, the file has %s\n%s", live.Digest(), b.Digest(), diff)
	}
	dst := registrytest.NewServer(t)
	d := newClient(t, dst)
	m := images.Mirror{Registry: dst.Host, Prefix: "mirror", Rules: mappingRules(b)}
	if _, err := images.Push(t.Context(), live, d, m, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := pushBundle(t, b, d, dst.Host, images.PushOptions{})
	if err != nil || again.PushedCount() != 0 {
		t.Errorf("the file still pushes %d artifacts: %v", again.PushedCount(), err)
	}
}

// The images of a pushed bundle are where the mapping put them, which its own
// address does not tell where there are rules.
func TestRemoteSourceFollowsTheMapping(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3000)
	b := s.createBundle(t, s.spec)
	first, second := registrytest.NewServer(t), registrytest.NewServer(t)
	c := newClient(t, first, func(o *registry.Options) { o.PlainHTTP = append(o.PlainHTTP, second.Host) })
	from := images.Mirror{Registry: first.Host, Prefix: "mirror"}
	to := images.Mirror{Registry: second.Host}
	for _, e := range b.Images() {
		from.Rules = append(from.Rules, images.Rule{From: e.Ref.Name(), To: "elsewhere/" + e.Ref.Base()})
	}
	if _, err := images.Push(t.Context(), b.Source(), c, from, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRemote(t.Context(), c, mustParseRef(t, first.Host+"/mirror/charts/"+ManifestName+":"+b.Tag()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := images.Push(t.Context(), r.Source(), c, to, images.PushOptions{}); registry.KindOf(err) != registry.NotFound && registry.KindOf(err) != registry.NameUnknown {
		t.Errorf("without the rules: %v", err)
	}
	if _, err := images.Push(t.Context(), r.WithMirror(from).Source(), c, to, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := images.Push(t.Context(), b.Source(), c, to, images.PushOptions{})
	if err != nil || again.PushedCount() != 0 {
		t.Errorf("the file still pushes %d artifacts: %v", again.PushedCount(), err)
	}
}
