package bundle

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle/bundletest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Every digest of these bundles is right: what they claim is not.
func TestOpenRefusesContentThatIsNotWhatTheManifestClaims(t *testing.T) {
	t.Parallel()
	isChart := func(b []byte) bool { return bytes.HasPrefix(b, []byte{0x1f, 0x8b}) }
	// claim edits what is said of charts and images, never a chart's archive.
	claim := func(pairs ...string) func([]byte) []byte {
		return func(b []byte) []byte {
			if isChart(b) {
				return b
			}
			return []byte(strings.NewReplacer(pairs...).Replace(string(b)))
		}
	}
	// archive replaces the operator's archive by one of the same length.
	archive := func(t *testing.T, change func([]byte) []byte) func([]byte) []byte {
		own := chartFile(t, "aistor-operator", "5.10.0").Data
		return func(b []byte) []byte {
			if bytes.Equal(b, own) {
				return change(b)
			}
			return b
		}
	}
	for name, tc := range map[string]struct {
		edit func(*testing.T) func([]byte) []byte
		want []string
	}{
		"nothing": {func(*testing.T) func([]byte) []byte { return claim() }, nil},
		"another version in Chart.yaml": {
			func(*testing.T) func([]byte) []byte { return claim("5.10.0", "5.11.0") },
			[]string{`reading chart "aistor-operator-5.11.0" of bundle "`, "its Chart.yaml names another chart\nreceived: aistor-operator-5.10.0\nexpected: aistor-operator-5.11.0"},
		},
		"another name in Chart.yaml": {
			func(*testing.T) func([]byte) []byte { return claim("aistor-operator", "aistor-operatoR") },
			[]string{"is not a valid chart name"},
		},
		"another chart's name": {
			func(*testing.T) func([]byte) []byte { return claim("aistor-operator", "aistor-oberator") },
			[]string{"received: aistor-operator-5.10.0\nexpected: aistor-oberator-5.10.0"},
		},
		"another appVersion": {
			func(*testing.T) func([]byte) []byte { return claim(`"appVersion":"v1"`, `"appVersion":"v2"`) },
			[]string{"another appVersion\nreceived: v1\nexpected: v2"},
		},
		"an OCI config of another chart": {
			func(*testing.T) func([]byte) []byte {
				return claim(`{"apiVersion":"v2","appVersion":"v1","name":"aistor-operator","version":"5.10.0"}`, `{"apiVersion":"v2","appVersion":"v1","name":"aistor-operator","version":"5.11.0"}`)
			},
			[]string{"its OCI config names another chart\nreceived: aistor-operator-5.11.0"},
		},
		"another media type": {
			func(*testing.T) func([]byte) []byte { return claim(mediaHelmChart, strings.ToUpper(mediaHelmChart)) },
			[]string{"its OCI manifest is not that of a chart\nreceived: APPLICATION/"},
		},
		"an archive that is no gzip": {
			func(t *testing.T) func([]byte) []byte {
				return archive(t, func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) })
			},
			[]string{"an archive that Helm cannot load\nexpected: aistor-operator-5.10.0"},
		},
		"an archive that ends early": {
			func(t *testing.T) func([]byte) []byte {
				return archive(t, func(b []byte) []byte { return append(b[:len(b)/2], make([]byte, len(b)-len(b)/2)...) })
			},
			[]string{"an archive that Helm cannot load"},
		},
		"an archive without Chart.yaml": {
			func(t *testing.T) func([]byte) []byte {
				return archive(t, func(b []byte) []byte { return padded(t, emptyChart(t), len(b)) })
			},
			[]string{"an archive that Helm cannot load"},
		},
		"a platform that an index lacks": {
			func(*testing.T) func([]byte) []byte {
				return claim(`"platforms":["linux/amd64","linux/arm64"]`, `"platforms":["linux/amd64","linux/mips3"]`)
			},
			[]string{"reading image ", `platform "linux/mips3" is missing`, "received: linux/amd64, linux/arm64"},
		},
		"a platform that a config does not name": {
			func(*testing.T) func([]byte) []byte {
				return claim(`"platforms":["linux/amd64"]`, `"platforms":["linux/arm64"]`, `"platform":{"architecture":"amd64","os":"linux"},"annotations"`, `"platform":{"architecture":"arm64","os":"linux"},"annotations"`)
			},
			[]string{`platform "linux/arm64" is missing`, "received: linux/amd64"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 3000)
			file := filepath.Join(t.TempDir(), "b.tar")
			if _, err := Create(t.Context(), file, s.spec, newClient(t, s.Server), CreateOptions{Wait: noWait}); err != nil {
				t.Fatal(err)
			}
			bundletest.Edit(t, file, tc.edit(t))
			b, err := Open(file)
			if tc.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				mustVerify(t, b)
				return
			}
			if err == nil {
				_ = b.Close()
				t.Fatal("it was opened")
			}
			for _, want := range tc.want {
				if got := message.Text(err); !strings.Contains(got, want) {
					t.Errorf("the error lacks %q:\n%s", want, got)
				}
			}
		})
	}
}

// A single platform of an index is carried without the index, and its config is
// read by Verify alone.
func TestVerifyReadsConfigsThatOpenLeavesOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3000)
	spec := s.spec
	spec.Platforms = []string{"linux/arm64"}
	spec.Images = spec.Images[:2]
	file := filepath.Join(t.TempDir(), "b.tar")
	if _, err := Create(t.Context(), file, spec, newClient(t, s.Server), CreateOptions{Wait: noWait}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, file))
	bundletest.Edit(t, file, func(b []byte) []byte {
		return []byte(strings.NewReplacer(`"platforms":["linux/arm64"]`, `"platforms":["linux/amd64"]`,
			`"platform":{"architecture":"arm64"`, `"platform":{"architecture":"amd64"`).Replace(string(b)))
	})
	problems, err := mustOpen(t, file).Verify(t.Context(), nil)
	if err != nil || len(problems) != 2 || !strings.Contains(problems[0].Reason, `platform "linux/amd64" is missing, received: linux/arm64`) {
		t.Errorf("problems %+v, %v", problems, err)
	}
}

// What is read out of a registry is what its digest names, and no more.
func TestARemoteBundleGivesNoOtherChartThanItClaims(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3000)
	m := s.createBundle(t, s.spec).Manifest()
	dst := registrytest.NewServer(t)
	for i, c := range m.Charts {
		for _, f := range s.spec.Charts {
			if f.Name == c.Name {
				dst.AddBlob("mirror/charts/"+c.Name, f.Data)
			}
		}
		m.Charts[i].Version = "9.9.9"
	}
	encoded, err := m.encodeJSON()
	if err != nil {
		t.Fatal(err)
	}
	parts, err := manifestArtifact(encoded)
	if err != nil {
		t.Fatal(err)
	}
	repo := "mirror/charts/" + ManifestName
	for _, b := range parts[1:] {
		dst.AddBlob(repo, b.data)
	}
	dst.AddManifest(t, repo, "v1", images.MediaTypeOCIManifest, json.RawMessage(parts[0].data))
	r, err := OpenRemote(t.Context(), newClient(t, dst), mustParseRef(t, dst.Host+"/"+repo+":v1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Charts {
		var ce *ContentError
		if data, err := r.Chart(c.Name, ""); data != nil || !errors.As(err, &ce) || ce.Want != c.Name+"-9.9.9" || ce.Have == ce.Want {
			t.Errorf("chart %s: %d bytes, %v", c.Name, len(data), err)
		}
	}
	if err := CheckCharts(r); err == nil {
		t.Error("the charts were found to be what they claim")
	}
}

// emptyChart is a gzipped tar without any file.
func emptyChart(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(make([]byte, trailerSize)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// padded is b with zeros up to a length.
func padded(t *testing.T, b []byte, length int) []byte {
	t.Helper()
	if len(b) > length {
		t.Fatalf("%d bytes are more than %d", len(b), length)
	}
	return append(b, make([]byte, length-len(b))...)
}
