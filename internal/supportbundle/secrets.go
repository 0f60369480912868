package supportbundle

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
)

// learnSecrets reads the Secrets of a namespace only to take them out of
// everything else. Helm's records are left to the facts, which know the values
// in them.
func learnSecrets(ctx context.Context, client kubernetes.Interface, namespace string, r *redact.Redactor) error {
	list, err := client.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type!=helm.sh/release.v1"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		r.AddSecret(&list.Items[i])
	}
	return nil
}
