package upgrade

import (
	"context"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Holder is who carries out an upgrade in this namespace now; empty where
// nobody does or it can't be seen. A lease that was not renewed for three of
// its terms is nobody's: clocks of two machines differ less than that.
func Holder(ctx context.Context, client kubernetes.Interface, namespace string, now time.Time) string {
	l, err := client.CoordinationV1().Leases(namespace).Get(ctx, LeaseName, meta.GetOptions{})
	if err != nil || l.Spec.RenewTime == nil || l.Spec.LeaseDurationSeconds == nil {
		return ""
	}
	term := time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	if now.Sub(l.Spec.RenewTime.Time) > 3*term {
		return ""
	}
	return holderOf(l)
}
