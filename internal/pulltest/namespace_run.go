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

// cleanupTimeout bounds the cleanup, also after ctx ended.
const cleanupTimeout = 20 * time.Second

// namespaceRun is the state of one namespace during the test: one watch for all pods.
type namespaceRun struct {
	namespace string
	// err says why no pod can be followed here.
	err error

	mu       sync.Mutex
	attempts map[string]*podAttempt
}

// startNamespaces removes pods of a killed run in each namespace and starts a watch.
func (r *Runner) startNamespaces(ctx context.Context, list []preflight.NodePull) map[string]*namespaceRun {
	rooms := map[string]*namespaceRun{}
	for _, p := range list {
		if rooms[p.Namespace] != nil {
			continue
		}
		in := &namespaceRun{namespace: p.Namespace, attempts: map[string]*podAttempt{}}
		rooms[p.Namespace] = in
		err := r.deletePods(ctx, p.Namespace, LabelRun)
		if err == nil {
			err = r.watchNamespace(ctx, in)
		}
		if err != nil {
			in.stopWithError(err)
		}
	}
	return rooms
}

// watchNamespace follows the run's pods until ctx ends; what a lost connection missed is
// listed again.
func (r *Runner) watchNamespace(ctx context.Context, in *namespaceRun) error {
	factory := informers.NewSharedInformerFactoryWithOptions(r.Client, 0, informers.WithNamespace(in.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = LabelRun + "=" + r.Run }))
	pods := factory.Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { in.handlePod(o, false) },
		UpdateFunc: func(_, o any) { in.handlePod(o, false) },
		DeleteFunc: func(o any) { in.handlePod(o, true) },
	})
	if err != nil {
		return newError("", "watching pods in "+in.namespace+": "+err.Error())
	}
	err = pods.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if apierrors.IsForbidden(err) {
			in.stopWithError(newError(preflight.KindNoPermission, err.Error()))
		}
	})
	if err != nil {
		return newError("", "watching pods in "+in.namespace+": "+err.Error())
	}
	factory.Start(ctx.Done())
	return nil
}

// stopWithError ends what is followed here and lets nothing more begin.
func (in *namespaceRun) stopWithError(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	for _, a := range in.attempts {
		a.setError(err)
	}
}

// stopError is why nothing can be followed here, or nil.
func (in *namespaceRun) stopError() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

func (in *namespaceRun) handlePod(o any, gone bool) {
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
		notifyChannel(a.deleted)
	default:
		a.observePod(pod)
	}
}

func (in *namespaceRun) addAttempt(name string, a *podAttempt) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.attempts[name] = a
}

func (in *namespaceRun) removeAttempt(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.attempts, name)
}

// deletePod takes one pod away, also after ctx ended. Without grace: nothing runs
// in it.
func (r *Runner) deletePod(ctx context.Context, pod *corev1.Pod) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	_ = r.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: pointerTo(int64(0))})
}

// deleteRemaining makes sure that nothing of this run is left: a creation may have
// arrived although its answer did not.
func (r *Runner) deleteRemaining(ctx context.Context, rooms map[string]*namespaceRun) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	for namespace := range rooms {
		_ = r.deletePods(ctx, namespace, LabelRun+"="+r.Run)
	}
}

// deletePods deletes the test pods that selector names, one by one, so that no
// right to delete collections is needed.
func (r *Runner) deletePods(ctx context.Context, namespace, selector string) error {
	pods, err := r.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		if apierrors.IsForbidden(err) {
			return newError(preflight.KindNoPermission, err.Error())
		}
		return newError("", "listing remaining pods of another pull test in "+namespace+": "+err.Error())
	}
	for i := range pods.Items {
		r.deletePod(ctx, &pods.Items[i])
	}
	return nil
}
