package cluster

import (
	"fmt"
	"os"
	"testing"
	"time"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"runtime"

	"k8s.io/client-go/rest"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

type rt func(*http.Request) (*http.Response, error)
func (f rt) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestReal(t *testing.T) {
	file := os.Getenv("REAL_KUBECONFIG")
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig = &file
	if as := os.Getenv("REAL_AS"); as != "" { flags.Impersonate = &as }
	ns := os.Getenv("REAL_NS")
	if ns != "" { flags.Namespace = &ns }
	var n atomic.Int64
	flags.WrapConfigFn = func(c *rest.Config) *rest.Config {
		c.Wrap(func(next http.RoundTripper) http.RoundTripper { return rt(func(r *http.Request) (*http.Response, error) {
			n.Add(1)
			if os.Getenv("REAL_V") != "" { fmt.Println(r.Method, r.URL.RequestURI()) }
			return next.RoundTrip(r) }) })
		return c
	}
	c, err := New(flags)
	if err != nil { t.Fatal(err) }
	start := time.Now()
	f, err := c.Facts(t.Context(), Scope{Events: true, OperatorNamespace: os.Getenv("REAL_OP")})
	if err != nil { t.Fatal(err) }
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(time.Since(start), n.Load(), "requests; heap MB", m.HeapAlloc>>20, "sys", m.Sys>>20)
	pods := f.Pods
	if len(pods) > 4 { f.Pods = f.Pods[:4]; f.Claims = nil; f.Warnings=nil }
	b, _ := json.MarshalIndent(f, "", " ")
	if os.Getenv("REAL_Q") == "" { fmt.Println(string(b)) }
	fmt.Println(len(pods), "pods", len(f.Gaps), "gaps", c.Warnings())
	for _, g := range f.Gaps { fmt.Println(g) }
	o, gaps := c.Objects(t.Context(), []plan.ObjectKey{{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: "aistor-object-store"}, {APIVersion: "aistor.min.io/v1", Kind: "ObjectStore", Namespace: "team-a", Name: "primary"}})
	fmt.Println(len(o), gaps)
	h, err := c.StoreHealth(t.Context(), "team-a", "minio", 80)
	fmt.Println(h, err)
	if os.Getenv("REAL_WATCH") == "" { return }
	l, err := c.Watch(t.Context(), Scope{Events: true})
	if err != nil { t.Fatal(err) }
	fmt.Println("WATCH settled", time.Since(start))
	end := time.After(150 * time.Second)
	for {
		select {
		case <-end: l.Stop(); return
		case <-l.Changed():
			s := l.Snapshot()
			ready := 0
			for _, p := range s.Pods { if p.Ready { ready++ } }
			fmt.Println(time.Now().Format("05.000"), len(s.Pods), "pods", ready, "ready", len(s.Workloads), "wl", len(s.Stores), "stores", len(s.Gaps), "gaps", n.Load(), "req")
			time.Sleep(300*time.Millisecond)
		}
	}
}
