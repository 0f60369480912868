package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// testClock is the time at which every test looks.
func testClock() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// fakeAPIServer is as much of an API server as the looks need: it lists with pages and
// selectors, gets, watches, refuses and counts. What the real one does beyond
// that is tried against the real one.
type fakeAPIServer struct {
	t      testing.TB
	server *httptest.Server
	door   *restartableListener

	mu      sync.Mutex
	objects map[string][]jsonObject // by path of the collection without namespace
	deny    func(path string) bool
	proxy   http.HandlerFunc
	expire  bool // the next continue token is too old
	version int  // watches from an older one are told that it is gone
	asked   []string
	streams map[string][]chan string
}

type jsonObject = map[string]any

func newAPI(t testing.TB) *fakeAPIServer {
	a := &fakeAPIServer{t: t, objects: map[string][]jsonObject{}, streams: map[string][]chan string{}, version: 1}
	a.server = httptest.NewUnstartedServer(a)
	a.door = &restartableListener{Listener: a.server.Listener}
	a.server.Listener = a.door
	a.server.Start()
	t.Cleanup(a.server.Close)
	t.Cleanup(a.server.CloseClientConnections)
	a.addObjects("api/v1/namespaces", `{"metadata":{"name":"kube-system","uid":"cluster-1"}}`)
	return a
}

// addObjects puts objects into a collection such as "apis/apps/v1/deployments".
func (a *fakeAPIServer) addObjects(collection string, docs ...string) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, doc := range docs {
		var o jsonObject
		if err := json.Unmarshal([]byte(doc), &o); err != nil {
			a.t.Fatalf("reading %s: %v", doc, err)
		}
		a.objects[collection] = append(a.objects[collection], o)
	}
}

// sendEvent reports an event to those who watch a collection and changes it.
func (a *fakeAPIServer) sendEvent(collection, verb, doc string) {
	a.addObjects(collection, doc)
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.objects[collection]
	last := all[len(all)-1]
	all = slices.DeleteFunc(all[:len(all)-1], func(o jsonObject) bool { return fieldValue(o, "metadata.name") == fieldValue(last, "metadata.name") })
	if verb != "DELETED" {
		all = append(all, last)
	}
	a.objects[collection] = all
	for _, s := range a.streams[collection] {
		s <- fmt.Sprintf(`{"type":%q,"object":%s}`, verb, doc)
	}
}

// restartableListener is a server's listener that can be shut. Its port stays its own
// meanwhile: one that was given up may be another's when it is wanted back.
type restartableListener struct {
	net.Listener
	shut   atomic.Bool
	turned atomic.Int64 // connections that found it shut
}

// Accept implements net.Listener.
func (d *restartableListener) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil || !d.shut.Load() {
			return c, err
		}
		d.turned.Add(1)
		_ = c.Close()
	}
}

// stopServer takes the server away, so that nobody gets a connection.
func (a *fakeAPIServer) stopServer() {
	a.door.shut.Store(true)
	a.server.CloseClientConnections()
}

// restartServer brings it back where it was, without the history that watches could
// resume from.
func (a *fakeAPIServer) restartServer() {
	a.mu.Lock()
	a.version++
	a.mu.Unlock()
	a.door.shut.Store(false)
}

func (a *fakeAPIServer) listRequests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

// newClient is one of a user with a kubeconfig of this server.
func (a *fakeAPIServer) newClient() *Client {
	a.t.Helper()
	return clientOf(a.t, a.server.URL)
}

func clientOf(t testing.TB, url string, limits ...httptimeout.Limits) *Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	config := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"lab",
		"clusters":[{"name":"lab","cluster":{"server":%q}}],
		"contexts":[{"name":"lab","context":{"cluster":"lab","user":"me","namespace":"team-a"}}],
		"users":[{"name":"me","user":{"token":"t0ps3cret"}}]}`, url)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &file
	for _, l := range limits {
		flags.WithWrapConfigFn(func(c *rest.Config) *rest.Config { return LimitSilence(c, l, nil) })
	}
	cache := t.TempDir()
	flags.CacheDir = &cache
	c, err := New(flags, WithClock(testClock))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *fakeAPIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.door.shut.Load() { // by a connection that was let in just before
		panic(http.ErrAbortHandler)
	}
	path := strings.Trim(r.URL.Path, "/")
	q := r.URL.Query()
	a.mu.Lock()
	what := path
	if q.Get("continue") != "" {
		what += " page"
	}
	a.asked = append(a.asked, what)
	denied := a.deny != nil && a.deny(path)
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case denied:
		writeStatusError(w, http.StatusForbidden, "Forbidden", "forbidden: User \"me\" cannot "+path)
	case path == "version":
		fmt.Fprint(w, `{"gitVersion":"v1.36.3"}`)
	case strings.HasSuffix(path, "selfsubjectreviews"):
		fmt.Fprint(w, `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview","status":{"userInfo":{"username":"me"}}}`)
	case strings.Contains(path, "/proxy/"):
		a.proxy(w, r)
	case q.Get("watch") != "":
		a.handleWatch(w, r, path)
	default:
		a.handleRead(w, r, path)
	}
}

// splitPath takes apis/G/V/namespaces/NS/resource/NAME apart.
func splitPath(path string) (collection, namespace, name string) {
	parts := strings.Split(path, "/")
	n := 2
	if parts[0] == "apis" {
		n = 3
	}
	prefix, rest := parts[:n], parts[n:]
	if rest[0] == "namespaces" && len(rest) > 2 {
		namespace, rest = rest[1], rest[2:]
	}
	if len(rest) > 1 {
		name = rest[1]
	}
	return strings.Join(append(slices.Clone(prefix), rest[0]), "/"), namespace, name
}

func (a *fakeAPIServer) handleRead(w http.ResponseWriter, r *http.Request, path string) {
	collection, namespace, name := splitPath(path)
	a.mu.Lock()
	defer a.mu.Unlock()
	if name != "" {
		for _, o := range a.objects[collection] {
			if fieldValue(o, "metadata.name") == name && fieldValue(o, "metadata.namespace") == namespace {
				_ = json.NewEncoder(w).Encode(a.withTypeMeta(collection, o))
				return
			}
		}
		writeStatusError(w, http.StatusNotFound, "NotFound", name+" not found")
		return
	}
	a.handleList(w, r, collection, namespace)
}

func (a *fakeAPIServer) handleList(w http.ResponseWriter, r *http.Request, collection, namespace string) {
	q := r.URL.Query()
	if q.Get("continue") != "" && a.expire {
		a.expire = false
		writeStatusError(w, http.StatusGone, "Expired", "the provided continue parameter is too old")
		return
	}
	var items []any
	for _, o := range a.objects[collection] {
		if a.matchesSelectors(o, namespace, q.Get("labelSelector"), q.Get("fieldSelector")) {
			items = append(items, a.withTypeMeta(collection, o))
		}
	}
	meta := jsonObject{"resourceVersion": strconv.Itoa(a.version)}
	from, _ := strconv.Atoi(q.Get("continue"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	items = items[from:]
	if limit > 0 && len(items) > limit {
		items = items[:limit]
		meta["continue"] = strconv.Itoa(from + limit)
	}
	kind, version := kindOf(collection)+"List", versionOf(collection)
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
		kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
		for i, o := range items {
			items[i] = jsonObject{"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": o.(jsonObject)["metadata"]}
		}
	}
	if items == nil {
		items = []any{}
	}
	_ = json.NewEncoder(w).Encode(jsonObject{"kind": kind, "apiVersion": version, "metadata": meta, "items": items})
}

func (a *fakeAPIServer) matchesSelectors(o jsonObject, namespace, label, fieldSelector string) bool {
	set := labels.Set{}
	if m, ok := o["metadata"].(jsonObject)["labels"].(jsonObject); ok {
		for k := range maps.Keys(m) {
			set[k], _ = m[k].(string)
		}
	}
	byLabel, err := labels.Parse(label)
	if err != nil {
		a.t.Errorf("received label selector %q: %v", label, err)
		return false
	}
	byField, err := fields.ParseSelector(fieldSelector)
	if err != nil {
		a.t.Errorf("received field selector %q: %v", fieldSelector, err)
		return false
	}
	return byLabel.Matches(set) && byField.Matches(fields.Set{"type": fieldValue(o, "type")}) &&
		(namespace == "" || fieldValue(o, "metadata.namespace") == namespace)
}

func (a *fakeAPIServer) handleWatch(w http.ResponseWriter, r *http.Request, path string) {
	if r.URL.Query().Get("sendInitialEvents") != "" {
		writeStatusError(w, http.StatusUnprocessableEntity, "Invalid", "sendInitialEvents is forbidden")
		return
	}
	collection, _, _ := splitPath(path)
	events := make(chan string, 16)
	a.mu.Lock()
	a.streams[collection] = append(a.streams[collection], events)
	version := strconv.Itoa(a.version)
	a.mu.Unlock()
	if r.URL.Query().Get("resourceVersion") != version {
		writeStatusError(w, http.StatusGone, "Expired", "too old resource version")
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case e := <-events:
			fmt.Fprintln(w, e)
			w.(http.Flusher).Flush()
		}
	}
}

func (a *fakeAPIServer) withTypeMeta(collection string, o jsonObject) jsonObject {
	o = maps.Clone(o)
	o["kind"], o["apiVersion"] = kindOf(collection), versionOf(collection)
	return o
}

func versionOf(collection string) string {
	dir := collection[:strings.LastIndexByte(collection, '/')]
	return strings.TrimPrefix(strings.TrimPrefix(dir, "apis/"), "api/")
}

func kindOf(collection string) string {
	kinds := map[string]string{
		"pods": "Pod", "nodes": "Node", "secrets": "Secret", "services": "Service", "events": "Event",
		"namespaces": "Namespace", "persistentvolumeclaims": "PersistentVolumeClaim", "persistentvolumes": "PersistentVolume",
		"daemonsets": "DaemonSet", "configmaps": "ConfigMap", "clusterroles": "ClusterRole", "networkpolicies": "NetworkPolicy", "serviceaccounts": "ServiceAccount",
		"deployments": "Deployment", "statefulsets": "StatefulSet", "endpointslices": "EndpointSlice",
		"poddisruptionbudgets": "PodDisruptionBudget", "objectstores": "ObjectStore",
		"customresourcedefinitions": "CustomResourceDefinition", "rolebindings": "RoleBinding",
		"clusterrolebindings": "ClusterRoleBinding", "mutatingwebhookconfigurations": "MutatingWebhookConfiguration",
	}
	return kinds[collection[strings.LastIndexByte(collection, '/')+1:]]
}

func fieldValue(o jsonObject, path string) string {
	var at any = o
	for p := range strings.SplitSeq(path, ".") {
		m, _ := at.(jsonObject)
		at = m[p]
	}
	s, _ := at.(string)
	return s
}

func writeStatusError(w http.ResponseWriter, code int, reason, message string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(jsonObject{"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"code": code, "reason": reason, "message": message})
}
