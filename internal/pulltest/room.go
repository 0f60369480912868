package pulltest

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// tidying bounds what is done after everything else, also after ctx ended.
const tidying = 20 * time.Second

// room is one namespace while pods are in it: one watch for all of them.
type room struct {
	namespace string
	// err says why no pod can be followed here.
	err error

	mu       sync.Mutex
	attempts map[string]*attempt
}

// rooms removes what a killed run left in each namespace and begins to watch.
func (r *Runner) rooms(ctx context.Context, list []preflight.NodePull) map[string]*room {
	rooms := map[string]*room{}
	for _, p := range list {
		if rooms[p.Namespace] != nil {
			continue
		}
		in := &room{namespace: p.Namespace, attempts: map[string]*attempt{}}
		rooms[p.Namespace] = in
		err := r.removeAll(ctx, p.Namespace, LabelRun)
		if err == nil {
			err = r.watch(ctx, in)
		}
		if err != nil {
			in.close(err)
		}
	}
	return rooms
}

// watch follows the run's pods until ctx ends; what a lost connection missed is
// listed anew.
func (r *Runner) watch(ctx context.Context, in *room) error {
	factory := informers.NewSharedInformerFactoryWithOptions(r.Client, 0, informers.WithNamespace(in.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = LabelRun + "=" + r.Run }))
	pods := factory.Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { in.seen(o, false) },
		UpdateFunc: func(_, o any) { in.seen(o, false) },
		DeleteFunc: func(o any) { in.seen(o, true) },
	})
	if err != nil {
		return failed("", "watching pods in "+in.namespace+": "+err.Error())
	}
	err = pods.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if apierrors.IsForbidden(err) {
			in.close(failed(preflight.KindNoRight, err.Error()))
		}
	})
	if err != nil {
		return failed("", "watching pods in "+in.namespace+": "+err.Error())
	}
	factory.Start(ctx.Done())
	return nil
}

// close ends what is followed here and lets nothing more begin.
func (in *room) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	for _, a := range in.attempts {
		a.fail(err)
	}
}

// closed is why nothing can be followed here, or nil.
func (in *room) closed() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

func (in *room) seen(o any, gone bool) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	in.mu.Lock()
	a := in.attempts[pod.Name]
	in.mu.Unlock()
	switch {
	case a == nil:
	case gone:
		signal(a.gone)
	default:
		a.observe(pod)
	}
}

func (in *room) follow(name string, a *attempt) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.attempts[name] = a
}

func (in *room) forget(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.attempts, name)
}

// remove takes one pod away, also after ctx ended. Without grace: nothing runs
// in it.
func (r *Runner) remove(ctx context.Context, pod *corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	_ = r.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr(int64(0))})
}

// sweep makes sure that nothing of this run is left: a creation may have
// arrived although its answer did not.
func (r *Runner) sweep(ctx context.Context, rooms map[string]*room) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	for namespace := range rooms {
		_ = r.removeAll(ctx, namespace, LabelRun+"="+r.Run)
	}
}

// removeAll deletes the test pods that selector names, one by one, so that no
// right to delete collections is needed.
func (r *Runner) removeAll(ctx context.Context, namespace, selector string) error {
	pods, err := r.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		if apierrors.IsForbidden(err) {
			return failed(preflight.KindNoRight, err.Error())
		}
		return failed("", "looking for what another pull test left in "+namespace+": "+err.Error())
	}
	for i := range pods.Items {
		r.remove(ctx, &pods.Items[i])
	}
	return nil
}
