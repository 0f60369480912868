package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/puller"
)

// Config gives the administrator's access, without the usual throttling.
func (l *Lab) Config() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1000, 2000
	return config, nil
}

// Client gives a client with the administrator's access.
func (l *Lab) Client() (kubernetes.Interface, error) {
	config, err := l.Config()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// createObjects makes the simulated nodes and the default storage class.
func (l *Lab) createObjects(ctx context.Context, client kubernetes.Interface) error {
	immediate := storagev1.VolumeBindingImmediate
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "standard",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: puller.Provisioner, VolumeBindingMode: &immediate,
	}
	if _, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the storage class: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range l.Nodes {
		group.Go(func() error {
			node := simulatedNode(i, l.Platforms[i%len(l.Platforms)])
			if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating node %q: %w", node.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func simulatedNode(i int, platform string) *corev1.Node {
	system, arch, _ := strings.Cut(platform, "/")
	name := fmt.Sprintf("node-%d", i+1)
	have := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("64"),
		corev1.ResourceMemory:           resource.MustParse("512Gi"),
		corev1.ResourcePods:             resource.MustParse("250"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"type": "kwok", corev1.LabelHostname: name, corev1.LabelOSStable: system, corev1.LabelArchStable: arch,
			corev1.LabelTopologyZone: fmt.Sprintf("zone-%c", 'a'+i%3),
		}},
		Status: corev1.NodeStatus{
			Allocatable: have, Capacity: have,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("10.64.%d.%d", (i+1)>>8, (i+1)&0xff)},
				{Type: corev1.NodeHostName, Address: name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: arch, OperatingSystem: system, KubeletVersion: "v1.36.3",
				ContainerRuntimeVersion: "lab://1", OSImage: "simulated", KernelVersion: "simulated",
			},
		},
	}
}

func (l *Lab) apiReady(ctx context.Context) error {
	client, err := l.Client()
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// nodesReady looks for what a first pod needs: nodes and the service account of
// the default namespace.
func (l *Lab) nodesReady(ctx context.Context, client kubernetes.Interface) error {
	if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	want := l.nodeCount()
	if ready := countReady(nodes.Items); ready < want {
		return fmt.Errorf("%d of %d nodes are ready", ready, want)
	}
	return nil
}

func countReady(nodes []corev1.Node) int {
	ready := 0
	for _, n := range nodes {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && len(n.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	return ready
}

func (l *Lab) registriesReady(ctx context.Context) error {
	pem, err := os.ReadFile(l.CAFile())
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	return errors.Join(
		answers(ctx, client, "http://"+l.address(partUpstream)+"/v2/", http.StatusOK),
		answers(ctx, client, "https://"+l.address(partPrivate)+"/v2/", http.StatusUnauthorized),
	)
}

func answers(ctx context.Context, client *http.Client, url string, want int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
