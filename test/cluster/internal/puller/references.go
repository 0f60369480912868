package puller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// missing says what a pod refers to and does not find: volume keeps it from
// being set up, env keeps its containers from being made.
type missing struct{ volume, env string }

// findMissing looks for the Secrets and ConfigMaps that the pod cannot start
// without. Only the first of each kind is named, as the kubelet does.
func findMissing(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) missing {
	l := looker{ctx, client, pod.Namespace}
	var out missing
	for _, v := range pod.Spec.Volumes {
		if out.volume != "" {
			break
		}
		switch {
		case v.Secret != nil && !isTrue(v.Secret.Optional):
			out.volume = l.secret(v.Secret.SecretName, "")
		case v.ConfigMap != nil && !isTrue(v.ConfigMap.Optional):
			out.volume = l.configMap(v.ConfigMap.Name, "")
		}
		if out.volume != "" {
			out.volume = fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", v.Name, out.volume)
		}
	}
	for _, c := range pod.Spec.Containers {
		if out.env == "" {
			out.env = l.environment(c)
		}
	}
	return out
}

type looker struct {
	ctx       context.Context
	client    kubernetes.Interface
	namespace string
}

func (l looker) environment(c corev1.Container) string {
	for _, from := range c.EnvFrom {
		text := ""
		switch {
		case from.SecretRef != nil && !isTrue(from.SecretRef.Optional):
			text = l.secret(from.SecretRef.Name, "")
		case from.ConfigMapRef != nil && !isTrue(from.ConfigMapRef.Optional):
			text = l.configMap(from.ConfigMapRef.Name, "")
		}
		if text != "" {
			return text
		}
	}
	for _, env := range c.Env {
		text := ""
		switch from := env.ValueFrom; {
		case from == nil:
		case from.SecretKeyRef != nil && !isTrue(from.SecretKeyRef.Optional):
			text = l.secret(from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		case from.ConfigMapKeyRef != nil && !isTrue(from.ConfigMapKeyRef.Optional):
			text = l.configMap(from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key)
		}
		if text != "" {
			return text
		}
	}
	return ""
}

// secret gives the kubelet's complaint, or nothing.
func (l looker) secret(name, key string) string {
	got, err := l.client.CoreV1().Secrets(l.namespace).Get(l.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Sprintf("secret %q not found", name)
	}
	if _, ok := got.Data[key]; err == nil && key != "" && !ok {
		return fmt.Sprintf("couldn't find key %s in Secret %s/%s", key, l.namespace, name)
	}
	return ""
}

func (l looker) configMap(name, key string) string {
	got, err := l.client.CoreV1().ConfigMaps(l.namespace).Get(l.ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Sprintf("configmap %q not found", name)
	}
	_, text := got.Data[key]
	_, binary := got.BinaryData[key]
	if err == nil && key != "" && !text && !binary {
		return fmt.Sprintf("couldn't find key %s in ConfigMap %s/%s", key, l.namespace, name)
	}
	return ""
}

func isTrue(b *bool) bool { return b != nil && *b }
