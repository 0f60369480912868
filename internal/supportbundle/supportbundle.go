package supportbundle

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Options say what is collected. Client, Dynamic and Facts are required.
type Options struct {
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	// Facts are a snapshot of the cluster; they tell which objects are AIStor's.
	Facts *plan.Facts
	// Documents are written as they are named, without ".yaml": journals,
	// reports.
	Documents map[string]any
	// Lines is how many lines of each container's log are taken. The default
	// is 1000; negative takes none.
	Lines int64
	// Pods is how many ready pods of each object store give their logs, and
	// how many that are not ready. The default is 4. Of the operator all do.
	Pods int
	// Redactor knows secrets already, and learns those that are found. The
	// default is one that knows none.
	Redactor *redact.Redactor
	// Tool and Now go into the index.
	Tool string
	Now  time.Time
}

// maxLogBytes bounds one log.
const maxLogBytes = 2 << 20

// Write collects into w and returns the index. What cannot be read is
// listed there; the error is only about writing, or ctx's own.
func Write(ctx context.Context, w io.Writer, o Options) (*Index, error) {
	if o.Lines == 0 {
		o.Lines = 1000
	}
	if o.Pods == 0 {
		o.Pods = 4
	}
	s := o.Redactor
	if s == nil {
		s = redact.New()
	}
	s.AddValue(o.Facts.SecretValues()...)
	s.KeepNames(o.Facts.ReadableNames()...)
	a := newArchive(w, s, o.Tool, o.Now)
	spaces := collectNamespaces(o.Facts)
	for _, ns := range spaces {
		if err := learnSecrets(ctx, o.Client, ns, s); err != nil {
			a.recordMissing("secrets of "+ns+", to redact them", err)
		}
	}
	for _, g := range o.Facts.Gaps {
		a.recordMissing(g.Subject, fmt.Errorf("%s", g.Cause))
	}
	// What one object shows under a secret's name may stand in any other.
	all := make(map[string][]found, len(spaces))
	for _, ns := range spaces {
		all[ns] = writeObjects(ctx, a, o, ns)
	}
	if err := a.addYAML("facts.yaml", o.Facts); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Documents)) {
		if err := a.addYAML(name+".yaml", o.Documents[name]); err != nil {
			return nil, err
		}
	}
	for _, ns := range spaces {
		for _, f := range all[ns] {
			items, _ := s.Object(f.items).([]any)
			if err := a.addYAML("namespaces/"+ns+"/"+f.resource+".yaml", map[string]any{"items": items}); err != nil {
				return nil, err
			}
		}
	}
	if o.Lines > 0 {
		if err := writeLogs(ctx, a, o); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.close()
}

// collectNamespaces are those of operator and stores, sorted.
func collectNamespaces(f *plan.Facts) []string {
	var list []string
	if f.Operator != nil {
		list = append(list, f.Operator.Namespace)
	}
	for _, s := range f.Stores {
		list = append(list, s.Namespace)
	}
	for _, p := range f.Pods {
		list = append(list, p.Namespace)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// collectedResources are what is written of each namespace. Secrets are not among them.
var collectedResources = []schema.GroupVersionResource{
	{Group: "aistor.min.io", Version: "v1", Resource: "objectstores"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Version: "v1", Resource: "pods"},
	{Version: "v1", Resource: "services"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	{Version: "v1", Resource: "resourcequotas"},
	{Version: "v1", Resource: "events"},
}

// found are the objects of one kind in a namespace.
type found struct {
	resource string
	items    []any
}

// writeObjects are AIStor's objects of one namespace, by their kinds. The secrets in
// them are learned.
func writeObjects(ctx context.Context, a *archive, o Options, namespace string) []found {
	ours := objectNames(o.Facts, namespace)
	var all []found
	for _, r := range collectedResources {
		list, err := o.Dynamic.Resource(r).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			a.recordMissing(r.Resource+" in "+namespace, err)
			continue
		}
		f := found{resource: r.Resource}
		for _, item := range list.Items {
			if !isAIStorObject(item.Object, r.Resource, item.GetName(), ours) {
				continue
			}
			item.SetManagedFields(nil)
			a.secrets.AddObject(item.Object)
			f.items = append(f.items, item.Object)
		}
		if len(f.items) > 0 {
			all = append(all, f)
		}
	}
	return all
}

// objectNames are the names of AIStor's objects in a namespace: a store's neighbours
// are nobody's business.
func objectNames(f *plan.Facts, namespace string) map[string]bool {
	m := map[string]bool{}
	add := func(ns, name string) {
		if ns == namespace {
			m[name] = true
		}
	}
	for _, x := range f.Pods {
		add(x.Namespace, x.Name)
	}
	for _, x := range f.Workloads {
		add(x.Namespace, x.Name)
	}
	for _, x := range f.Services {
		add(x.Namespace, x.Name)
	}
	for _, x := range f.Claims {
		add(x.Namespace, x.Name)
	}
	for _, x := range f.DisruptionBudgets {
		add(x.Namespace, x.Name)
	}
	for _, x := range f.Stores {
		add(x.Namespace, x.Name)
	}
	return m
}

func isAIStorObject(o map[string]any, resource, name string, ours map[string]bool) bool {
	switch resource {
	case "resourcequotas":
		return true
	case "events":
		about, _ := o["involvedObject"].(map[string]any)
		n, _ := about["name"].(string)
		return isDerivedName(n, ours)
	}
	return ours[name]
}

// isDerivedName reports whether a name is one of ours or was made from one: the pod
// that is gone, the ReplicaSet of a Deployment.
func isDerivedName(name string, ours map[string]bool) bool {
	for name != "" {
		if ours[name] {
			return true
		}
		name = name[:max(strings.LastIndexAny(name, "-."), 0)]
	}
	return false
}

// writeLogs writes the end of each container's log, and of the run before where it
// restarted.
func writeLogs(ctx context.Context, a *archive, o Options) error {
	type group struct {
		store string
		ready bool
	}
	seen := map[group]int{}
	for _, p := range o.Facts.Pods {
		g := group{p.Store, p.Ready}
		if seen[g]++; p.Store != "" && seen[g] > o.Pods {
			continue
		}
		for _, c := range p.Containers {
			if err := writeLog(ctx, a, o, p, c, false); err != nil {
				return err
			}
			if c.Restarts == 0 {
				continue
			}
			if err := writeLog(ctx, a, o, p, c, true); err != nil {
				return err
			}
		}
	}
	for g, n := range seen {
		if g.store != "" && n > o.Pods && !g.ready {
			a.recordMissing("logs", fmt.Errorf("%d of %d pods of %s that are not ready were left out", n-o.Pods, n, g.store))
		}
	}
	return ctx.Err()
}

func writeLog(ctx context.Context, a *archive, o Options, p plan.Pod, c plan.Container, previous bool) error {
	name := "logs/" + p.Namespace + "/" + p.Name + "/" + c.Name
	if previous {
		name += "-previous"
	}
	limit := int64(maxLogBytes)
	b, err := o.Client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{
		Container: c.Name, Previous: previous, TailLines: &o.Lines, LimitBytes: &limit, Timestamps: true,
	}).Do(ctx).Raw()
	if err != nil {
		a.recordMissing(name, err)
		return nil
	}
	return a.addText(name+".log", string(b))
}
