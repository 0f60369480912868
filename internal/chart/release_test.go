package chart

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes/scheme"
)

// helmRecord is the record of a revision as Helm writes it.
func helmRecord(t *testing.T, name, namespace string, revision int, status string) []byte {
	t.Helper()
	c, err := Load("testdata/example")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]any{
		"name": name, "namespace": namespace, "version": revision, "apply_method": "ssa",
		"info":     map[string]any{"status": status, "last_deployed": "2026-07-21T22:41:48.5Z", "first_deployed": "", "deleted": ""},
		"chart":    c.parsed,
		"config":   map[string]any{"license": "SECRET"},
		"manifest": "---\nkind: ConfigMap\n", "hooks": []any{}, "labels": map[string]any{"a": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := packRecord(raw)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestDecodeReleaseReadsARecordWithoutACluster(t *testing.T) {
	t.Parallel()
	data := helmRecord(t, "aistor", "ns", 3, "deployed")
	for name, in := range map[string][]byte{
		"as the API gives it": data, "with the Secret's base64": []byte(base64.StdEncoding.EncodeToString(data)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := DecodeRelease(in)
			if err != nil {
				t.Fatal(err)
			}
			if r.Name != "aistor" || r.Revision != 3 || r.Status != StatusDeployed || r.ApplyMethod != "ssa" || r.ChartVersion != "99.1.0" ||
				r.SecretName != "sh.helm.release.v1.aistor.v3" || r.Updated.Year() != 2026 || r.Values["license"] != "SECRET" {
				t.Errorf("read as %+v", r)
			}
			rendered, err := r.Chart.Render(RenderOptions{Namespace: "ns"})
			if err != nil || len(rendered.Objects) != 7 {
				t.Errorf("the chart of the record renders to %v, %v", rendered, err)
			}
			out, err := json.Marshal(r)
			if err != nil || strings.Contains(string(out), "SECRET") {
				t.Errorf("JSON %s, %v", out, err)
			}
		})
	}
}

func TestDecodeReleaseRefusesWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "%%%", "aGVsbG8=", "H4sIAAAA"} {
		if r, err := DecodeRelease([]byte(in)); err == nil {
			t.Errorf("%q was read as %+v", in, r)
		}
	}
}

func TestFailRecordKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	out, changed, err := failRecord(helmRecord(t, "aistor", "ns", 3, "pending-upgrade"))
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	r, err := DecodeRelease(out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != StatusFailed || r.ApplyMethod != "ssa" || r.ChartVersion != "99.1.0" {
		t.Errorf("marked as %+v", r)
	}
	if _, changed, err := failRecord(helmRecord(t, "aistor", "ns", 3, "deployed")); changed || err != nil {
		t.Errorf("a deployed release was changed: %v, %v", changed, err)
	}
}

// fakeAPI serves release Secrets as an API server does: metadata lists, single
// reads and updates.
func fakeAPI(t *testing.T, secrets map[string]*corev1.Secret) *Client {
	t.Helper()
	var mu sync.Mutex // requests come at the same time
	mux := http.NewServeMux()
	list := func(w http.ResponseWriter, r *http.Request) {
		out := metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"}}
		for _, s := range secrets {
			want := r.URL.Query().Get("labelSelector")
			if ns := r.PathValue("ns"); ns != "" && ns != s.Namespace || strings.Contains(want, "name=") && !strings.HasSuffix(want, "name="+s.Labels["name"]) {
				continue
			}
			out.Items = append(out.Items, metav1.PartialObjectMetadata{
				TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"}, ObjectMeta: s.ObjectMeta})
		}
		writeJSON(w, out)
	}
	mux.HandleFunc("GET /api/v1/secrets", list)
	mux.HandleFunc("GET /api/v1/namespaces/{ns}/secrets", list)
	mux.HandleFunc("GET /api/v1/namespaces/{ns}/secrets/{name}", func(w http.ResponseWriter, r *http.Request) {
		if s := secrets[r.PathValue("ns")+"/"+r.PathValue("name")]; s != nil {
			writeJSON(w, s)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		writeJSON(w, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404})
	})
	mux.HandleFunc("PUT /api/v1/namespaces/{ns}/secrets/{name}", func(w http.ResponseWriter, r *http.Request) {
		s := new(corev1.Secret)
		body, _ := io.ReadAll(r.Body)
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		secrets[r.PathValue("ns")+"/"+r.PathValue("name")] = s
		writeJSON(w, s)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	flags := genericclioptions.NewConfigFlags(true)
	flags.APIServer = &server.URL
	return NewClient(flags, nil)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func recordSecrets(t *testing.T) map[string]*corev1.Secret {
	t.Helper()
	out := map[string]*corev1.Secret{}
	for _, r := range []struct {
		namespace, name, status string
		revision                int
	}{
		{"aistor", "aistor", "superseded", 9}, {"aistor", "aistor", "pending-upgrade", 10}, {"aistor", "aistor", "deployed", 2}, {"stores", "primary", "deployed", 1},
	} {
		s := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, Type: "helm.sh/release.v1"}
		s.Namespace, s.Name = r.namespace, SecretName(r.name, r.revision)
		s.Labels = map[string]string{"owner": "helm", "name": r.name, "status": r.status, "version": fmt.Sprint(r.revision)}
		s.Data = map[string][]byte{"release": helmRecord(t, r.name, r.namespace, r.revision, r.status)}
		out[s.Namespace+"/"+s.Name] = s
	}
	return out
}

func TestClientListsTheNewestRevisionOfEveryRelease(t *testing.T) {
	t.Parallel()
	c := fakeAPI(t, recordSecrets(t))
	for namespace, want := range map[string][]string{
		"": {"aistor/aistor 10 pending-upgrade", "stores/primary 1 deployed"}, "stores": {"stores/primary 1 deployed"}, "none": nil,
	} {
		list, err := c.List(t.Context(), namespace)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, fmt.Sprintf("%s/%s %d %s", r.Namespace, r.Name, r.Revision, r.Status))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("releases in %q (-want +got):\n%s", namespace, diff)
		}
	}
}

func TestClientReadsOneReleaseAndItsHistory(t *testing.T) {
	t.Parallel()
	c := fakeAPI(t, recordSecrets(t))
	r, err := c.Get(t.Context(), "aistor", "aistor")
	if err != nil || r.Revision != 10 || !r.IsPending() {
		t.Errorf("got %+v, %v", r, err)
	}
	history, err := c.History(t.Context(), "aistor", "aistor")
	if err != nil || len(history) != 3 || history[0].Revision != 2 || history[2].Revision != 10 {
		t.Errorf("history %v, %v", history, err)
	}
	if _, err := c.Get(t.Context(), "aistor", "nobody"); !errors.Is(err, ErrReleaseNotFound) {
		t.Errorf("error %v, want ErrReleaseNotFound", err)
	}
}

func TestClientMarksNoRevisionThatIsNotTheNewest(t *testing.T) {
	t.Parallel()
	c := fakeAPI(t, recordSecrets(t))
	err := c.MarkFailed(t.Context(), "aistor", "aistor", 9)
	if err == nil || !strings.Contains(err.Error(), "its newest revision is 10, not 9") {
		t.Errorf("error %v", err)
	}
	if r, err := c.Get(t.Context(), "aistor", "aistor"); err != nil || !r.IsPending() {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestClientMarksAPendingReleaseFailed(t *testing.T) {
	t.Parallel()
	secrets := recordSecrets(t)
	c := fakeAPI(t, secrets)
	for range 2 {
		if err := c.MarkFailed(t.Context(), "aistor", "aistor", 10); err != nil {
			t.Fatal(err)
		}
	}
	r, err := c.Get(t.Context(), "aistor", "aistor")
	if err != nil || r.Status != StatusFailed || r.Revision != 10 {
		t.Errorf("got %+v, %v", r, err)
	}
	if got := secrets["aistor/"+r.SecretName].Labels["status"]; got != StatusFailed {
		t.Errorf("label %q", got)
	}
}
