package images_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func mustParseObject(t *testing.T, doc string) images.Object {
	t.Helper()
	o, err := images.ParseObject([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// foundReferences is reference to "kind object path" of everything discovered.
func foundReferences(list []images.Image) map[string][]string {
	out := map[string][]string{}
	for _, i := range list {
		for _, r := range i.Reasons {
			out[i.Ref.String()] = append(out[i.Ref.String()], string(r.Kind)+" "+r.Object+" "+r.Path)
		}
	}
	return out
}

func TestDiscoverFindsImageFieldsWhereverTheyAre(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		doc  string
		live bool
		want map[string][]string
	}{
		"containers": {doc: "kind: Pod\nmetadata: {name: p, namespace: ns}\nspec: {containers: [{image: busybox}], initContainers: [{image: 'r:5000/x:1'}]}", want: map[string][]string{
			"docker.io/library/busybox": {"default Pod/ns/p .spec.containers[0].image"},
			"r:5000/x:1":                {"default Pod/ns/p .spec.initContainers[0].image"},
		}},
		"YAML in a string": {doc: "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  minio-sidecar: |\n    image: \"q.io/a/b:1\"\n", want: map[string][]string{
			"q.io/a/b:1": {"default ConfigMap/c .data.minio-sidecar → .image"},
		}},
		"JSON in YAML in a string": {doc: "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  a.json: '{\"l\": [{\"image\": \"q.io/a/b:1\"}]}'\n", want: map[string][]string{
			"q.io/a/b:1": {"default ConfigMap/c .data['a.json'] → .l[0].image"},
		}},
		"repository and tag": {doc: "kind: X\nspec: {image: {repository: q.io/a, tag: v1}, other: {image: {repository: q.io/b, digest: 'sha256:" + strings.Repeat("a", 64) + "'}}}", want: map[string][]string{
			"q.io/a:v1": {"default X .spec.image"},
			"q.io/b@sha256:" + strings.Repeat("a", 64): {"default X .spec.other.image"},
		}},
		"an image volume": {doc: "kind: Pod\nspec: {volumes: [{image: {reference: 'q.io/a:1'}}]}", want: map[string][]string{
			"q.io/a:1": {"default Pod .spec.volumes[0].image.reference"},
		}},
		"a live object store": {live: true, doc: "kind: ObjectStore\nmetadata: {name: s, namespace: ns, annotations: {last: '{\"image\": \"q.io/old:1\"}'}, managedFields: [{image: 'q.io/old:2'}]}\n" +
			"spec: {image: 'q.io/minio:1', kes: {image: 'q.io/kes:1'}, firewall: {image: 'q.io/minwall:1'}, initContainers: [{image: 'q.io/i:1'}], sideCars: {containers: [{image: 'q.io/s:1'}]}}\nstatus: {image: 'q.io/old:3'}", want: map[string][]string{
			"q.io/minio:1":   {"user ObjectStore/ns/s .spec.image"},
			"q.io/kes:1":     {"user ObjectStore/ns/s .spec.kes.image"},
			"q.io/minwall:1": {"user ObjectStore/ns/s .spec.firewall.image"},
			"q.io/i:1":       {"user ObjectStore/ns/s .spec.initContainers[0].image"},
			"q.io/s:1":       {"user ObjectStore/ns/s .spec.sideCars.containers[0].image"},
		}},
		"what is no reference": {doc: "kind: PersistentVolume\nspec: {rbd: {image: Foo}, logo: {image: 'https://x/y.png?at=1:2'}, x: {image: ''}, y: {image: 'data:image/png;base64,AA'}}", want: map[string][]string{}},
		"a definition":         {doc: "kind: CustomResourceDefinition\nspec: {image: 'q.io/a:1'}", want: map[string][]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := images.Discover(images.DiscoverInput{Objects: []images.DiscoverObject{{Object: mustParseObject(t, tc.doc), Live: tc.live}}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, foundReferences(list)); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiscoverFollowsTheSentinel(t *testing.T) {
	t.Parallel()
	const doc = "kind: Deployment\nmetadata: {name: d}\nspec:\n  args: ['--img=HOST/a/b:1 --x', 'HOST/c:2', 'other/c:2']\n  env: [{name: CFG, value: \"sidecar: 'HOST/d:3'\\nx: 1\\n\"}]\n"
	in := images.DiscoverInput{Sentinel: "s.invalid", Objects: []images.DiscoverObject{{
		Object: mustParseObject(t, strings.ReplaceAll(doc, "HOST", "q.io")), SentinelRender: mustParseObject(t, strings.ReplaceAll(doc, "HOST", "s.invalid"))}}}
	list, err := images.Discover(in)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"q.io/a/b:1": {"default Deployment/d .spec.args[0]"},
		"q.io/c:2":   {"default Deployment/d .spec.args[1]"},
		"q.io/d:3":   {"default Deployment/d .spec.env[0].value → .sidecar"},
	}
	if diff := cmp.Diff(want, foundReferences(list)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

func TestDiscoverRefusesWhatNoRuntimeWouldPull(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"aistor:", ":tag", "q.io/a:sha256:" + strings.Repeat("a", 64), "quay.io/UPPER:1",
		"https://reg.example.com:5000//aistor/mc:1", "reg_x.example.com/aistor/mc:1"} {
		o := images.Object{"kind": "ObjectStore", "spec": map[string]any{"image": value}}
		_, err := images.Discover(images.DiscoverInput{Objects: []images.DiscoverObject{{Object: o}}})
		var invalid *images.InvalidImageError
		if !errors.As(err, &invalid) || invalid.Value != value || invalid.Path != ".spec.image" || invalid.Err == nil {
			t.Errorf("%q: error %v", value, err)
		}
	}
}

// A host with a scheme before it is written by many, also without a tag behind.
func TestDiscoverRefusesAURLWhereTheRegistryStands(t *testing.T) {
	t.Parallel()
	const doc = "kind: Deployment\nspec: {image: 'HOST/aistor/mc'}\n"
	_, err := images.Discover(images.DiscoverInput{Sentinel: "s.invalid", Objects: []images.DiscoverObject{{
		Object: mustParseObject(t, strings.ReplaceAll(doc, "HOST", "https://user:planted@reg.example.com")), SentinelRender: mustParseObject(t, strings.ReplaceAll(doc, "HOST", "s.invalid"))}}})
	var invalid *images.InvalidImageError
	if !errors.As(err, &invalid) || strings.Contains(err.Error(), "planted") || invalid.Hint() == "" {
		t.Errorf("error %v", err)
	}
}

func TestDiscoverListsPossibleReferencesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	o := mustParseObject(t, "kind: X\nspec: {env: [{value: 'quay.io/a/b:1'}, {value: 'not/one'}, {value: 'host:80'}, {value: 'http://a/b:1'}], image: 'q.io/c:1'}")
	in := images.DiscoverInput{Objects: []images.DiscoverObject{{Object: o}}, Possible: true}
	list, err := images.Discover(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"q.io/c:1": {"default X .spec.image"}, "quay.io/a/b:1": {"possible X .spec.env[0].value"}}, foundReferences(list)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	in.Possible = false
	in.User = []images.Ref{{Host: "quay.io", Path: "a/b", Tag: "1"}}
	in.Exclude = []images.Ref{{Host: "q.io", Path: "c", Tag: "1"}}
	if list, _ = images.Discover(in); len(list) != 1 || list[0].Reasons[0].Kind != images.KindUser {
		t.Errorf("with --image and --not-image: %v", list)
	}
}

func TestDiscoverGivesOneOrderWhateverTheInputs(t *testing.T) {
	t.Parallel()
	a := images.DiscoverObject{Object: mustParseObject(t, "kind: A\nx: {image: 'q.io/b:1'}\ny: {image: 'q.io/a:1'}"), Optional: true}
	b := images.DiscoverObject{Object: mustParseObject(t, "kind: B\nx: {image: 'q.io/b:1'}"), Hook: true}
	c := images.DiscoverObject{Object: mustParseObject(t, "kind: C\nx: {image: 'q.io/b:1'}"), Chart: "c-1"}
	one, err := images.Discover(images.DiscoverInput{Objects: []images.DiscoverObject{a, b, c}})
	if err != nil {
		t.Fatal(err)
	}
	other, err := images.Discover(images.DiscoverInput{Objects: []images.DiscoverObject{c, a, b, a}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, other); diff != "" {
		t.Errorf("another order (-one +other):\n%s", diff)
	}
	kinds := []images.Kind{one[1].Reasons[0].Kind, one[1].Reasons[1].Kind, one[1].Reasons[2].Kind}
	if diff := cmp.Diff([]images.Kind{images.KindDefault, images.KindOptional, images.KindHook}, kinds); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}
