package puller

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workers is how many pods are played at once.
const workers = 16

// Puller plays the kubelet of every node labelled type=kwok.
type Puller struct {
	client   kubernetes.Interface
	images   *Images
	volumes  string
	now      func() time.Time
	recorder record.EventRecorder
	queue    workqueue.TypedRateLimitingInterface[string]

	pods    corelisters.PodLister
	nodes   corelisters.NodeLister
	secrets corelisters.SecretLister

	mu       sync.Mutex
	kubelets map[types.UID]*kubelet
	lastIP   uint32
}

// New makes a puller. Volumes for claims become directories below volumeDir.
func New(client kubernetes.Interface, registries *Registries, volumeDir string) *Puller {
	return &Puller{
		client: client, images: NewImages(registries, time.Now), volumes: volumeDir, now: time.Now,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 2*time.Second)),
		kubelets: map[types.UID]*kubelet{},
	}
}

// Run plays until the context ends.
func (p *Puller) Run(ctx context.Context) error {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: p.client.CoreV1().Events("")})
	p.recorder = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet"})

	all := informers.NewSharedInformerFactory(p.client, 0)
	nodes := informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = "type=kwok"
	}))
	secrets := informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("type", string(corev1.SecretTypeDockerConfigJson)).String()
	}))
	p.pods, p.nodes, p.secrets = all.Core().V1().Pods().Lister(), nodes.Core().V1().Nodes().Lister(), secrets.Core().V1().Secrets().Lister()
	if _, err := all.Core().V1().Pods().Informer().AddEventHandler(p.handler()); err != nil {
		return err
	}
	provisioner := newProvisioner(p.client, all, p.volumes)
	factories := []informers.SharedInformerFactory{nodes, secrets, all}
	for _, f := range factories {
		f.Start(ctx.Done())
	}
	for _, f := range factories {
		for kind, ok := range f.WaitForCacheSync(ctx.Done()) {
			if !ok {
				return fmt.Errorf("watching %s: %w", kind, context.Cause(ctx))
			}
		}
	}
	p.play(ctx, provisioner)
	return nil
}

func (p *Puller) play(ctx context.Context, provisioner *provisioner) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for p.next(ctx) {
			}
		})
	}
	wg.Go(func() { provisioner.run(ctx) })
	<-ctx.Done()
	p.queue.ShutDown()
	wg.Wait()
}

func (p *Puller) handler() cache.ResourceEventHandler {
	add := func(obj any) {
		if key, err := cache.MetaNamespaceKeyFunc(obj); err == nil {
			p.queue.Add(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, obj any) { add(obj) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			if pod, ok := obj.(*corev1.Pod); ok {
				p.mu.Lock()
				delete(p.kubelets, pod.UID)
				p.mu.Unlock()
			}
		},
	}
}

func (p *Puller) next(ctx context.Context) bool {
	key, stop := p.queue.Get()
	if stop {
		return false
	}
	defer p.queue.Done(key)
	wake, err := p.reconcile(ctx, key)
	if err != nil {
		// Nearly always a conflict with another writer: the next look wins.
		p.queue.AddRateLimited(key)
		return true
	}
	p.queue.Forget(key)
	if wake > 0 {
		p.queue.AddAfter(key, wake)
	}
	return true
}

// kubelet finds or makes the memory of a pod.
func (p *Puller) kubelet(pod *corev1.Pod) *kubelet {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kubelets[pod.UID]
	if k == nil {
		k = &kubelet{containers: map[string]*container{}, ip: pod.Status.PodIP}
		if k.ip == "" {
			k.ip = p.nextIP()
		}
		p.kubelets[pod.UID] = k
	}
	return k
}

// nextIP gives an address of 10.128.0.0/9. It begins at a place given by the
// time, so that a restarted puller does not give the first ones again.
func (p *Puller) nextIP() string {
	if p.lastIP == 0 {
		p.lastIP = uint32(p.now().Unix()) * 37
	}
	p.lastIP++
	n := p.lastIP & 0x7fffff
	return fmt.Sprintf("10.%d.%d.%d", 128+n>>16, n>>8&0xff, n&0xff)
}
