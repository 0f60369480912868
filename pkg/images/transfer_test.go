package images

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseManifest(t *testing.T) {
	t.Parallel()
	other := "sha256:" + strings.Repeat("a", 64)
	tests := map[string]struct {
		mediaType, raw string
		blobs, kids    []string
		text           string
	}{
		"an image":              {MediaTypeOCIManifest, `{"config":{"digest":"` + someDigest + `","size":1},"layers":[{"digest":"` + other + `","size":2}]}`, []string{someDigest, other}, nil, ""},
		"a layer twice":         {MediaTypeDockerManifest, `{"config":{"digest":"` + someDigest + `","size":1},"layers":[{"digest":"` + other + `"},{"digest":"` + other + `"}]}`, []string{someDigest, other}, nil, ""},
		"an index":              {MediaTypeOCIIndex, `{"manifests":[{"digest":"` + other + `","size":3,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}`, nil, []string{other + " linux/arm/v7"}, ""},
		"schema 1":              {"application/vnd.docker.distribution.manifest.v1+json", `{"fsLayers":[]}`, nil, nil, "schema 1"},
		"no JSON":               {MediaTypeOCIManifest, `<html>`, nil, nil, "parsing manifest"},
		"a digest that climbs":  {MediaTypeOCIManifest, `{"config":{"digest":"sha256:../../etc/passwd","size":1}}`, nil, nil, "sha256"},
		"another algorithm":     {MediaTypeOCIManifest, `{"config":{"digest":"sha512:` + strings.Repeat("a", 128) + `","size":1}}`, nil, nil, "sha256"},
		"a size below nothing":  {MediaTypeOCIManifest, `{"config":{"digest":"` + someDigest + `","size":-1}}`, nil, nil, "invalid size"},
		"a size beyond reason":  {MediaTypeOCIManifest, `{"config":{"digest":"` + someDigest + `","size":9000000000000000}}`, nil, nil, "invalid size"},
		"a child that is wrong": {MediaTypeDockerList, `{"manifests":[{"digest":"x"}]}`, nil, nil, "sha256"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node, err := ParseManifest([]byte(tt.raw), tt.mediaType)
			if tt.text != "" {
				if err == nil || !strings.Contains(err.Error(), tt.text) {
					t.Fatalf("got %v, want %q", err, tt.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var blobs, kids []string
			for _, b := range node.Blobs {
				blobs = append(blobs, b.Digest)
			}
			for _, k := range node.Manifests {
				kids = append(kids, k.Digest+" "+k.Platform)
			}
			if diff := cmp.Diff(tt.blobs, blobs); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.kids, kids); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A few manifests that name each other many times are a few requests.
func TestAnIndexIsReadOnceHoweverManyNameIt(t *testing.T) {
	t.Parallel()
	f := &manifestRegistry{manifests: map[string][]byte{}}
	const wide = 30
	level := []Descriptor{f.addManifest(MediaTypeOCIManifest, `{"config":{"digest":"`+someDigest+`","size":1}}`)}
	for range 3 {
		var next []Descriptor
		for i := range wide {
			raw := fmt.Sprintf(`{"annotations":{"n":"%d"},"manifests":[`, i)
			for j, d := range level {
				if j > 0 {
					raw += ","
				}
				raw += fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, d.MediaType, d.Digest, d.Size)
			}
			next = append(next, f.addManifest(MediaTypeOCIIndex, raw+"]}"))
		}
		level = next
	}
	top := Ref{Host: "h", Path: "p", Digest: level[0].Digest}
	tree, err := Resolve(t.Context(), f, top, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 + 2*wide; len(tree.Order) != want || f.reads != want {
		t.Errorf("%d manifests in %d requests, want %d", len(tree.Order), f.reads, want)
	}
}

// manifestRegistry is a registry of manifests alone.
type manifestRegistry struct {
	Fetcher
	manifests map[string][]byte
	reads     int
}

func (f *manifestRegistry) addManifest(mediaType, raw string) Descriptor {
	d := Descriptor{MediaType: mediaType, Digest: DigestOf([]byte(raw)), Size: int64(len(raw))}
	f.manifests[d.Digest] = []byte(raw)
	return d
}

// Manifest implements Fetcher.
func (f *manifestRegistry) Manifest(_ context.Context, r Ref) ([]byte, string, Descriptor, error) {
	f.reads++
	raw := f.manifests[r.Digest]
	mediaType := MediaTypeOCIIndex
	if strings.Contains(string(raw), "config") {
		mediaType = MediaTypeOCIManifest
	}
	return raw, mediaType, Descriptor{MediaType: mediaType, Digest: r.Digest, Size: int64(len(raw))}, nil
}

func TestMatchPlatform(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want, have string
		match      bool
	}{
		{"linux/amd64", "linux/amd64", true},
		{"linux/arm", "linux/arm/v7", true},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm", "linux/arm64", false},
		{"linux/arm64", "linux/amd64", false},
	}
	for _, tt := range tests {
		if got := MatchPlatform(tt.want, tt.have); got != tt.match {
			t.Errorf("MatchPlatform(%q, %q) = %v", tt.want, tt.have, got)
		}
	}
}

func TestDestination(t *testing.T) {
	t.Parallel()
	m := Mirror{Registry: "in.example.com", PushRegistry: "out.example.com", Prefix: "p"}
	chart := Artifact{Kind: ArtifactChart, Name: "aistor-operator", Version: "5.10.0+x"}
	tests := []struct {
		art    Artifact
		charts string
		want   string
	}{
		{Artifact{Kind: ArtifactImage, Ref: Ref{Host: "quay.io", Path: "minio/aistor/mc", Tag: "v1"}}, "", "out.example.com/p/aistor/mc:v1"},
		{chart, "", "out.example.com/p/charts/aistor-operator:5.10.0_x"},
		{chart, "/helm/stable/", "out.example.com/helm/stable/aistor-operator:5.10.0_x"},
		{Artifact{Kind: ArtifactBundle, Name: "aistor-bundle", Version: "abc"}, "", "out.example.com/p/charts/aistor-bundle:abc"},
	}
	for _, tt := range tests {
		if got := Destination(tt.art, m, tt.charts).String(); got != tt.want {
			t.Errorf("%s goes to %s, want %s", tt.art, got, tt.want)
		}
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	t.Run("tasks may add tasks", func(t *testing.T) {
		t.Parallel()
		var mu sync.Mutex
		var ran []int
		note := func(i int) {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, i)
		}
		q := newQueue()
		for i := range 20 {
			q.addTask(func(context.Context) error {
				note(i)
				q.addFirst(func(context.Context) error { note(100 + i); return nil })
				return nil
			})
		}
		if err := q.run(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		slices.Sort(ran)
		if len(ran) != 40 || ran[0] != 0 || ran[39] != 119 {
			t.Errorf("ran %v", ran)
		}
	})
	t.Run("follow-ups come first", func(t *testing.T) {
		t.Parallel()
		var ran []string
		q := newQueue()
		q.addTask(func(context.Context) error {
			q.addFirst(func(context.Context) error { ran = append(ran, "b"); return nil })
			ran = append(ran, "a")
			return nil
		})
		q.addTask(func(context.Context) error { ran = append(ran, "c"); return nil })
		if err := q.run(t.Context(), 1); err != nil || strings.Join(ran, "") != "abc" {
			t.Errorf("ran %v, %v", ran, err)
		}
	})
	t.Run("the first error stops and cancels", func(t *testing.T) {
		t.Parallel()
		boom := errors.New("boom")
		started := make(chan struct{})
		err := forEach(t.Context(), 2, 50, func(ctx context.Context, i int) error {
			switch i {
			case 0:
				<-started
				return boom
			case 1:
				close(started)
				<-ctx.Done()
				return ctx.Err()
			}
			return fmt.Errorf("task %d ran after the error", i)
		})
		if !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nothing to do", func(t *testing.T) {
		t.Parallel()
		if err := forEach(t.Context(), 3, 0, nil); err != nil {
			t.Error(err)
		}
	})
}
