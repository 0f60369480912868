package aistor_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
)

// TestOverridesAndRefusals holds what each version makes of the same words.
func TestOverridesAndRefusals(t *testing.T) {
	t.Parallel()
	const credentials = "secrets: {accessKey: admin, secretKey: correct-horse}\n"
	unknown := "images: {minio: {repository: mine, image: 'minio:R'}}"
	for _, test := range []struct {
		name, chart, values string
		// want is an object that must be there or an image that must be referenced.
		want string
		// fails is part of the message, where rendering must fail.
		fails string
	}{
		{name: "unknown repository before 5.5", chart: "aistor-objectstore-operator-5.1.0", values: unknown, want: "minio:R"},
		{name: "unknown repository", chart: "aistor-operator-5.6.4", values: unknown, fails: "Unknown repository 'mine' for image 'minio'"},
		{name: "missing image", chart: "aistor-operator-5.8.0", values: "images: {minwall: null}", fails: "Image 'minwall' not found in images definition"},
		{name: "image without repository", chart: "aistor-operator-5.8.0", values: "images: {mc: {repository: ''}}", fails: "Image definition for 'mc' must have a 'repository' field"},
		{name: "image without image", chart: "aistor-operator-5.8.0", values: "images: {mc: {image: ''}}", fails: "Image definition for 'mc' must have an 'image' field"},
		{name: "string image before 5.5", chart: "aistor-objectstore-operator-5.1.0", values: "images: {mc: 'r.example/mc:R'}", fails: "can't evaluate field repository in type string"},
		{name: "string image", chart: "aistor-operator-5.6.4", values: "images: {mc: 'r.example/mc:R'}", want: "r.example/mc:R"},
		{name: "hostname alone before 5.5", chart: "aistor-objectstore-operator-5.1.0", values: "repositories: {aistor: {hostname: r.example}}", want: "r.example/operator:RELEASE.2025-08-19T17-53-00Z"},
		{name: "hostname alone", chart: "aistor-operator-5.10.0", values: "repositories: {aistor: {hostname: r.example}}", want: "r.example/minio/aistor/operator:RELEASE.2026-07-21T22-41-48Z"},
		{name: "fips", chart: "aistor-operator-5.10.0", values: "global: {fipsMode: true}", want: "quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z.fips"},
		{name: "fips with digest", chart: "aistor-operator-5.10.0", values: "global: {fipsMode: true}\nimages: {mc: 'r/mc@sha256:aa'}", fails: "cannot append a .fips tag to digest-pinned image"},
		{name: "fips without tag", chart: "aistor-operator-5.10.0", values: "global: {fipsMode: true}\nimages: {mc: 'r:5000/mc'}", fails: "cannot append a .fips tag to untagged image"},
		{name: "fips is unknown to 5.8", chart: "aistor-operator-5.8.0", values: "global: {fipsMode: true}", want: "quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z"},
		{name: "an operator's own image before 5.2", chart: "aistor-objectstore-operator-5.1.0", values: "operators: {object-store: {image: 'r/own:1'}}", want: "quay.io/minio/aistor/operator:RELEASE.2025-08-19T17-53-00Z"},
		{name: "an operator's own image", chart: "aistor-operator-5.8.0", values: "operators: {object-store: {image: 'r/own:1'}}", want: "r/own:1"},
		{name: "license", chart: "aistor-operator-5.8.0", values: "license: token", want: "Secret/aistor/minio-license"},
		{name: "old license key", chart: "aistor-operator-5.8.0", values: "global: {license: token}", want: "Secret/aistor/minio-license"},
		{name: "watched namespaces", chart: "aistor-operator-5.8.0", values: "global: {operator: {watchedNamespaces: [a]}}", want: "RoleBinding/a/object-store"},
		{name: "webhook off", chart: "aistor-operator-5.8.0", values: "operators: {object-store: {webhook: false}}", want: "Deployment/aistor/object-store-operator"},

		{name: "documented override", chart: "aistor-objectstore-1.0.9", values: "objectStore: {image: {repository: aistor, image: 'minio:R'}}", fails: "Both repository and tag / digest must be set"},
		{name: "tag alone", chart: "aistor-objectstore-1.0.13", values: "objectStore: {image: {tag: R}}", fails: "Both repository and tag / digest must be set"},
		{name: "image", chart: "aistor-objectstore-1.0.13", values: "objectStore: {image: {repository: r.example/aistor/minio, tag: R}}", want: "r.example/aistor/minio:R"},
		{name: "digest takes the tag's place", chart: "aistor-objectstore-1.0.13", values: "objectStore: {image: {repository: r/minio, digest: 'sha256:aa'}}", want: "r/minio:sha256:aa"},
		{name: "digest by the trick", chart: "aistor-objectstore-1.0.16", values: credentials + "objectStore: {image: {repository: r/minio@sha256, digest: aa}}", want: "r/minio@sha256:aa"},
		{name: "image as string", chart: "aistor-objectstore-1.0.13", values: "objectStore: {image: 'r/minio:R'}", fails: "can't evaluate field"},
		{name: "kes digest alone", chart: "aistor-objectstore-1.0.13", values: "objectStore: {kes: {configuration: x, image: {digest: R}}}", fails: "Both repository and tag / digest must be set"},
		{name: "default credentials", chart: "aistor-objectstore-1.0.13", want: "Secret/aistor/myminio-env-configuration"},
		{name: "no credentials", chart: "aistor-objectstore-1.0.16", fails: ".secrets.accessKey is required (no default credentials are shipped)"},
		{name: "no secret key", chart: "aistor-objectstore-1.0.16", values: "secrets: {accessKey: a}", fails: ".secrets.secretKey is required (no default credentials are shipped)"},
		{name: "well-known credentials", chart: "aistor-objectstore-1.0.16", values: "secrets: {accessKey: minio, secretKey: minio123}", fails: "must not be the well-known weak pair"},
		{name: "existing secret", chart: "aistor-objectstore-1.0.16", values: "secrets: {existingSecret: true}", want: "ObjectStore/aistor/myminio"},
		{name: "two names before 1.0.14", chart: "aistor-objectstore-1.0.13", values: "secrets: {name: other}", want: "Secret/aistor/other"},
		{name: "two names", chart: "aistor-objectstore-1.0.16", values: "secrets: {name: a, accessKey: k, secretKey: s}\nobjectStore: {configuration: {name: b}}", fails: "Configuration secret mismatch in .secrets.name and .objectStore.configuration.name"},
		{name: "root credentials of their own", chart: "aistor-objectstore-1.0.16", values: "secrets: {name: '', accessKey: k, secretKey: s}", want: "Secret/aistor/myminio-root-creds"},
		{name: "no secrets", chart: "aistor-objectstore-1.0.16", values: "secrets: null", fails: "nil pointer"},
		{name: "no secrets before 1.0.14", chart: "aistor-objectstore-1.0.13", values: "secrets: null", want: "ObjectStore/aistor/myminio"},
		{name: "removed feature", chart: "aistor-objectstore-1.0.9", values: "objectStore: {features: {bucketDNS: true}}", fails: ".objectStore.features.bucketDNS is deprecated"},
		{name: "old audience still known", chart: "aistor-objectstore-1.0.9", values: "objectStore: {legacyAudience: true}", want: "ObjectStore/aistor/myminio"},
		{name: "old audience", chart: "aistor-objectstore-1.0.13", values: "objectStore: {legacyAudience: true}", fails: ".objectStore.legacyAudience is deprecated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects, _, err := render(packed(t, test.chart), test.values)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("error %v does not contain %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found := append(names(objects), images(objects)...)
			if !strings.Contains("\n"+strings.Join(found, "\n")+"\n", "\n"+test.want+"\n") {
				t.Errorf("%q is not among\n%s", test.want, strings.Join(found, "\n"))
			}
		})
	}
}

// TestBindingsKeepTheirNameAndChangeTheirRole is what makes the step from
// before 5.7 to after 5.8 fail, and the intermediate version between needed.
func TestBindingsKeepTheirNameAndChangeTheirRole(t *testing.T) {
	t.Parallel()
	const binding = "ClusterRoleBinding/<nil>/aistor-adminjob"
	role := func(id string) any {
		objects, _, err := render(packed(t, id), "")
		if err != nil {
			t.Fatal(err)
		}
		if objects[binding] == nil {
			return nil
		}
		return objects[binding]["roleRef"].(map[string]any)["name"]
	}
	got := []any{role("aistor-objectstore-operator-5.1.0"), role("aistor-operator-5.6.4"), role("aistor-operator-5.8.0"), role("aistor-operator-5.10.0")}
	if diff := cmp.Diff([]any{nil, "aistor-objectstore", nil, "aistor-adminjob"}, got); diff != "" {
		t.Errorf("role of %s (-want +got):\n%s", binding, diff)
	}
}

func TestNotesTellAboutTheLicense(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"aistor-objectstore-operator-5.1.0": "operators will fail to start", "aistor-operator-5.8.0": "object stores will fail to initialize"} {
		_, notes, err := render(packed(t, id), "")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(notes, want) || !strings.Contains(notes, "Image list:") {
			t.Errorf("%s: notes lack %q or the image list:\n%s", id, want, notes)
		}
	}
}

func TestPackagingIsDeterministic(t *testing.T) {
	t.Parallel()
	first, err := aistor.Package(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	second, err := aistor.Package(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 7 {
		t.Errorf("packaged %d charts, want 7", len(first))
	}
	for i := range first {
		if !bytes.Equal(first[i].Data, second[i].Data) {
			t.Errorf("%s differs between two runs", first[i].File)
		}
	}
}
