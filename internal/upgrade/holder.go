package upgrade

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Holder is who carries out an upgrade in this namespace now; empty where
// nobody does. A lease that was not renewed for three of its terms is nobody's:
// clocks of two machines differ less than that. An error says that the lease
// can't be seen.
func Holder(ctx context.Context, client kubernetes.Interface, namespace string, now time.Time) (string, error) {
	l, err := client.CoordinationV1().Leases(namespace).Get(ctx, LeaseName, meta.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading lease %q in %q: %w", LeaseName, namespace, err)
	case l.Spec.RenewTime == nil || l.Spec.LeaseDurationSeconds == nil:
		return "", nil
	}
	term := time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	if now.Sub(l.Spec.RenewTime.Time) > 3*term {
		return "", nil
	}
	return holderOf(l), nil
}
