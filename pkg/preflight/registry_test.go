package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func fakeRegistryOf(s *Subject) *fakeRegistry { return s.Registry.(*fakeRegistry) }

func registryDown(kind string) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) { fakeRegistryOf(s).down = kind }
}

func removeImage(image string) func(*testing.T, *Subject) {
	return func(_ *testing.T, s *Subject) { delete(fakeRegistryOf(s).images, private+"/aistor/"+image) }
}

func TestPullSecretsAccepted(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "pull-secrets-accepted", []checkCase{
		{name: "accepted for every image", want: Pass, line: "3 images in aistor, tenant"},
		{name: "none", want: Fail, change: tenantSecret(func(p *plan.PullSecret) { p.Present = false }), line: "secret tenant/pull does not exist, so nothing can be pulled"},
		{name: "the wrong type", want: Fail, change: tenantSecret(func(p *plan.PullSecret) { p.Type = "Opaque" }), line: "secret tenant/pull is of type Opaque"},
		{name: "malformed", want: Fail, change: secretContent([]byte("{")), line: "secret tenant/pull: .dockerconfigjson is not"},
		{name: "no entry", want: Fail, change: secretContent(dockerConfig(map[string]string{"other.example.com": "puller:hunter2"})), line: "has no entry for " + private},
		{name: "401", want: Fail, change: secretContent(dockerConfig(map[string]string{private: "puller:wrong"})), line: "secret tenant/pull: 401 from " + private, remedy: "kubectl delete secret pull -n tenant"},
		{name: "403 on one repository", want: Fail, line: "403 from " + private + ": not allowed to pull " + private + "/aistor/minio-sidecar", remedy: "aistor/minio-sidecar",
			change: func(_ *testing.T, s *Subject) {
				fakeRegistryOf(s).logins["puller:hunter2"] = []string{"aistor/minio", "aistor/operator"}
			}},
		{name: "404", want: Fail, change: removeImage("minio:" + minioR), line: "404 from " + private + ": " + private + "/aistor/minio:" + minioR + " not found", remedy: "helm aistor push"},
		{name: "the wrong platform", want: Fail, line: "available for linux/amd64, linux/arm64/v8 only, node n2 is linux/s390x",
			change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Platform = "linux/s390x" }},
		{name: "TLS", want: Fail, change: registryDown(KindTLS), line: "TLS to " + private + " failed"},
		{name: "plain HTTP", want: Fail, change: registryDown(KindPlainHTTP), line: "plain HTTP"},
		{name: "unreachable is an error", want: Error, change: registryDown(KindUnreachable), line: private + " is not reachable from this machine"},
		{name: "so is a limit on requests", want: Error, change: registryDown(KindRateLimited), line: "429"},
		{name: "so is a login elsewhere", want: Error, change: registryDown(KindPrivateRedirect), line: "private address"},
		{name: "so is what nobody knows", want: Error, change: registryDown("server"), line: "could not be resolved"},
		{name: "the second entry serves where the first is refused", want: Pass, line: "3 images in",
			change: secretContent(dockerConfig(map[string]string{private + "/aistor": "puller:wrong", private: "puller:hunter2"}))},
		{name: "the nodes pull by themselves", want: Skip, change: nodesPull},
		{name: "one namespace without any", want: Warn, line: "namespace aistor: its pods have no pull secret",
			change: func(t *testing.T, s *Subject) {
				nodesPull(t, s)
				s.Facts.Stores[0].ImagePullSecret = "pull"
			}},
		{name: "a secret that nobody looked at", want: Error, change: func(_ *testing.T, s *Subject) { s.Facts.PullSecrets = s.Facts.PullSecrets[:1] }},
		{name: "no route to the registry", want: Skip, line: "pull-test", change: func(_ *testing.T, s *Subject) { s.Registry = nil }},
	})
}

// Stores in many namespaces share one secret: each image is requested once per
// login, not once per namespace.
func TestEqualSecretsAreAskedOnce(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	for i := range 20 {
		ns := fmt.Sprintf("team-%02d", i)
		s.Facts.PullSecrets = append(s.Facts.PullSecrets, goodSecret(ns))
		for j := range s.Plan.Images {
			s.Plan.Images[j].Namespaces = append(s.Plan.Images[j].Namespaces, ns)
		}
	}
	r := Run(t.Context(), slices.DeleteFunc(PreUpgradeChecks(), func(c Check) bool { return c.ID != "pull-secrets-accepted" }), s, Options{})
	if !r.OK() {
		t.Fatal(r.Results[0].Message)
	}
	for q, n := range fakeRegistryOf(s).asked {
		if n != 1 {
			t.Errorf("%s was asked %d times", q, n)
		}
	}
	if len(fakeRegistryOf(s).asked) != 3 {
		t.Errorf("received %d questions, expected 3: %v", len(fakeRegistryOf(s).asked), fakeRegistryOf(s).asked)
	}
}

// One refused login is one line, however many images it is for; images that
// are missing are named each.
func TestRefusalsAreNamedOnceAndMissingImagesEach(t *testing.T) {
	t.Parallel()
	details := func(change func(*testing.T, *Subject)) []string {
		s := readySubject(t)
		change(t, s)
		return checkSecretsAccepted(t.Context(), s).Details
	}
	if got := details(secretContent(dockerConfig(map[string]string{private: "puller:wrong"}))); len(got) != 1 {
		t.Errorf("401: received %d lines, expected 1:\n%s", len(got), strings.Join(got, "\n"))
	}
	got := details(func(t *testing.T, s *Subject) {
		removeImage("minio:"+minioR)(t, s)
		removeImage("minio-sidecar:"+minioR)(t, s)
	})
	want := []string{"minio-sidecar:" + minioR, "minio:" + minioR}
	var names []string
	for _, l := range got {
		rest := l[strings.Index(l, "/aistor/")+len("/aistor/"):]
		names = append(names, strings.TrimSuffix(rest, " not found"))
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("404 (-expected +received):\n%s", diff)
	}
}

func TestImagesPresent(t *testing.T) {
	t.Parallel()
	digest := func(d string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			found := fakeRegistryOf(s).images[private+"/aistor/minio:"+minioR]
			found.Digest = d
			fakeRegistryOf(s).images[private+"/aistor/minio:"+minioR] = found
		}
	}
	// index makes the tag an index of two platforms' manifests, as somebody
	// left it who mirrored whole images.
	index := func(amd64 string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			ref := private + "/aistor/minio:" + minioR
			found := fakeRegistryOf(s).images[ref]
			found.Digest, found.Children = digestB, map[string]string{"linux/amd64": amd64, "linux/arm64": digestB}
			fakeRegistryOf(s).images[ref] = found
			for i := range s.Plan.Images {
				if s.Plan.Images[i].Private.String() == ref {
					s.Plan.Images[i].Manifests = map[string]string{"linux/amd64": digestA}
				}
			}
		}
	}
	runCases(t, PreUpgradeChecks(), "images-present", []checkCase{
		{name: "an index that holds what the bundle carries", want: Pass, change: index(digestA)},
		{name: "an index that holds something else", want: Fail, change: index(digestB), line: "the registry has " + digestB},
		{name: "all there with their digests", want: Pass, line: "3 images are in the registry"},
		{name: "one is missing", want: Fail, change: removeImage("operator:" + newOp), line: "404", remedy: "helm aistor push BUNDLE"},
		{name: "another digest behind the tag", want: Fail, change: digest(digestB), line: "the registry has " + digestB + ", the bundle " + digestA, observed: digestB, required: digestA},
		{name: "the user's own login is refused, the pull secret's is not", want: Pass, change: func(_ *testing.T, s *Subject) { fakeRegistryOf(s).own = "nobody:none" }},
		{name: "nobody gets in", want: Fail, line: "401", change: func(_ *testing.T, s *Subject) { clear(fakeRegistryOf(s).logins) }},
		{name: "unreachable is an error", want: Error, change: registryDown(KindUnreachable)},
		{name: "an optional image may be missing", want: Pass, line: "2 images are in the registry",
			change: func(t *testing.T, s *Subject) {
				removeImage("minio-sidecar:"+minioR)(t, s)
				s.Plan.Images[1].Reasons[0].Kind = "optional"
			}},
		{name: "the wrong platform", want: Fail, line: "linux/s390x", change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Platform = "linux/s390x" }},
		{name: "without a plan what runs is looked for", want: Fail, line: "404", change: func(t *testing.T, s *Subject) {
			s.Plan, s.Inputs = nil, nil
			s.Site.Registry = private
			removeImage("minio:"+minioR)(t, s)
		}},
	})
}
