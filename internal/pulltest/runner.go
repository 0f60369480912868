package pulltest

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Options are a Runner's. Client and Run are required.
type Options struct {
	Client kubernetes.Interface
	// Run tells this run's pods from those of another; a valid label value of
	// at most 20 characters.
	Run string
	// Concurrency is how many pods there are at a time. The default is 8.
	Concurrency int
	// Timeout bounds each pod. The default is 5 minutes.
	Timeout time.Duration
	// RetryWindow is how long a refusal that may pass, such as a registry that
	// cannot be reached or a node without capacity, may last. The default
	// is 15 seconds.
	RetryWindow time.Duration
	// OnAnswer is called for each request as it is answered, from one
	// goroutine at a time.
	OnAnswer func(p preflight.NodePull, a preflight.NodePullResult, took time.Duration)
}

// Runner lets nodes pull. It is a [preflight.Puller], safe for concurrent use.
type Runner struct {
	Options
	report sync.Mutex
}

// New makes a Runner.
func New(o Options) *Runner {
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.RetryWindow <= 0 {
		o.RetryWindow = 15 * time.Second
	}
	return &Runner{Options: o}
}

// Pull answers each request in its order and returns when nothing of it is
// left on the cluster, as far as the API server lets itself be asked: also when
// ctx ends, within seconds.
func (r *Runner) Pull(ctx context.Context, list []preflight.NodePull) []preflight.NodePullResult {
	answers := make([]preflight.NodePullResult, len(list))
	watching, stop := context.WithCancel(ctx)
	rooms := r.startNamespaces(watching, list)
	defer r.deleteRemaining(ctx, rooms)
	defer stop()
	slots := make(chan struct{}, r.Concurrency)
	var wg sync.WaitGroup
	for i, p := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			started := time.Now()
			answers[i] = r.pullOnNode(ctx, rooms[p.Namespace], p)
			if r.OnAnswer != nil {
				r.report.Lock()
				defer r.report.Unlock()
				r.OnAnswer(p, answers[i], time.Since(started))
			}
		})
	}
	wg.Wait()
	return answers
}

// pullOnNode answers one request.
func (r *Runner) pullOnNode(ctx context.Context, in *namespaceRun, p preflight.NodePull) preflight.NodePullResult {
	switch {
	case ctx.Err() != nil:
		return preflight.NodePullResult{Err: context.Cause(ctx)}
	case in.stopError() != nil:
		return preflight.NodePullResult{Err: in.stopError()}
	case len(p.Images) == 0:
		return preflight.NodePullResult{}
	}
	pod := podFor(r.Run, p, r.templatePod(ctx, p), r.Timeout)
	a := newAttempt(p, pod)
	in.addAttempt(pod.Name, a)
	defer in.removeAttempt(pod.Name)
	defer r.deletePod(ctx, pod)
	if err := r.createPod(ctx, pod); err != nil {
		return preflight.NodePullResult{Err: err}
	}
	return r.waitForPod(ctx, pod, a)
}

// templatePod is a real pod to be placed as, nil where it is gone.
func (r *Runner) templatePod(ctx context.Context, p preflight.NodePull) *corev1.Pod {
	if p.TemplatePod == "" {
		return nil
	}
	pod, err := r.Client.CoreV1().Pods(p.Namespace).Get(ctx, p.TemplatePod, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return pod
}

func (r *Runner) createPod(ctx context.Context, pod *corev1.Pod) error {
	_, err := r.Client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	switch {
	case err == nil || apierrors.IsAlreadyExists(err):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return createError(err)
}

// waitForPod follows the pod until it has answered.
func (r *Runner) waitForPod(ctx context.Context, pod *corev1.Pod, a *podAttempt) preflight.NodePullResult {
	end := time.NewTimer(r.Timeout)
	defer end.Stop()
	var patience <-chan time.Time
	again := true
	for {
		switch a.currentState() {
		case stateDone:
			return a.finalResult(nil)
		case statePending:
			patience = nil
		case stateRetryable:
			if patience == nil {
				patience = time.After(r.RetryWindow)
			}
		}
		select {
		case <-a.changed:
		case <-patience:
			return a.finalResult(nil)
		case <-a.deleted:
			// Another run swept it away, or somebody tidied up: once more.
			if !again {
				return a.finalResult(newError("", "the test pod was deleted twice"))
			}
			again = false
			if err := r.createPod(ctx, pod); err != nil {
				return a.finalResult(err)
			}
		case <-ctx.Done():
			return a.finalResult(context.Cause(ctx))
		case <-end.C:
			return a.finalResult(newError(preflight.KindTimeout, fmt.Sprintf("no result within %s%s", r.Timeout, r.lastWarning(ctx, pod))))
		}
	}
}

// lastWarning is what the cluster has to say of a pod that does not start, such
// as a sandbox whose own image is missing; empty where it says nothing.
func (r *Runner) lastWarning(ctx context.Context, pod *corev1.Pod) string {
	events, err := r.Client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + pod.Name, Limit: 50})
	if err != nil {
		return ""
	}
	text := ""
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning {
			text = ": " + e.Reason + ": " + e.Message
		}
	}
	return text
}
