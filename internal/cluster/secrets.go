package cluster

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// AddSecrets gets those of the pull secrets in want that f lacks, into f. What
// names them is often known only after the facts, which need not be collected
// again for them. Its errors are those of [Client.Facts].
func (c *Client) AddSecrets(ctx context.Context, f *plan.Facts, want []plan.ObjectKey) error {
	have := pullSecretNames(f, nil)
	for _, p := range f.PullSecrets {
		have = append(have, namespacedName{p.Namespace, p.Name})
	}
	missing := slices.DeleteFunc(pullSecretNames(&plan.Facts{}, want), func(n namespacedName) bool { return slices.Contains(have, n) })
	l := &requestTracker{}
	f.PullSecrets = append(f.PullSecrets, c.getPullSecrets(ctx, l, missing)...)
	sortBy(f.PullSecrets, func(p plan.PullSecret) string { return namespacedName{p.Namespace, p.Name}.String() })
	f.Gaps = append(f.Gaps, l.sortedGaps()...)
	sortBy(f.Gaps, func(g plan.Gap) string { return g.Subject + g.Cause })
	return c.fatalError(ctx, l)
}

// getPullSecrets gets each by its name: Secrets are never listed for their
// content.
func (c *Client) getPullSecrets(ctx context.Context, l *requestTracker, names []namespacedName) []plan.PullSecret {
	return getSecrets(ctx, c, l, names, func(n namespacedName, secret *corev1.Secret) plan.PullSecret {
		out := plan.PullSecret{Namespace: n.namespace, Name: n.name}
		if secret != nil {
			out.Present, out.Type, out.Terminating = true, string(secret.Type), deletionOf(secret)
			out.Data = plan.Sensitive(secret.Data[corev1.DockerConfigJsonKey])
		}
		return out
	})
}

// getSecrets gets Secrets by their names and converts each; convert receives nil for
// one that does not exist. One of which that isn't known is a gap and left out.
func getSecrets[T any](ctx context.Context, c *Client, l *requestTracker, names []namespacedName, convert func(namespacedName, *corev1.Secret) T) []T {
	found := make([]*T, len(names))
	g := newRequestGroup()
	for i, n := range names {
		g.Go(func() error {
			if secret, known := c.getSecret(ctx, l, n); known {
				out := convert(n, secret)
				found[i] = &out
			}
			return nil
		})
	}
	_ = g.Wait()
	var out []T
	for _, one := range found {
		if one != nil {
			out = append(out, *one)
		}
	}
	return out
}

// getSecret gets one Secret, nil where there is none. It is not known whether there is
// one where it could not be read, which is a gap.
func (c *Client) getSecret(ctx context.Context, l *requestTracker, n namespacedName) (secret *corev1.Secret, known bool) {
	secret, err := c.typed.CoreV1().Secrets(n.namespace).Get(ctx, n.name, metav1.GetOptions{})
	l.recordOutcome(err)
	switch {
	case apierrors.IsNotFound(err):
		return nil, true
	case err != nil:
		l.addGap("secrets "+n.String(), err)
		return nil, false
	}
	c.secrets.AddSecret(secret)
	return secret, true
}

// pullSecretNames are sorted and distinct.
func pullSecretNames(f *plan.Facts, want []plan.ObjectKey) []namespacedName {
	var out []namespacedName
	add := func(namespace string, secrets ...string) {
		for _, n := range secrets {
			if n != "" && namespace != "" {
				out = append(out, namespacedName{namespace, n})
			}
		}
	}
	for _, p := range f.Pods {
		add(p.Namespace, p.PullSecrets...)
	}
	for _, w := range f.Workloads {
		add(w.Namespace, w.PullSecrets...)
	}
	for _, a := range f.ServiceAccounts {
		add(a.Namespace, a.PullSecrets...)
	}
	for _, s := range f.Stores {
		add(s.Namespace, s.ImagePullSecret)
	}
	for _, k := range want {
		add(k.Namespace, k.Name)
	}
	sortBy(out, namespacedName.String)
	return slices.Compact(out)
}

// AddStoreSecrets gets the Secrets that object stores take credentials from
// into f, each by its name. What names them is known only once it is known what
// changes. Its errors are those of [Client.Facts].
func (c *Client) AddStoreSecrets(ctx context.Context, f *plan.Facts, want []plan.ObjectKey) error {
	l := &requestTracker{}
	names := make([]namespacedName, len(want))
	for i, k := range want {
		names[i] = namespacedName{k.Namespace, k.Name}
	}
	f.StoreSecrets = append(f.StoreSecrets, getSecrets(ctx, c, l, names, convertStoreSecret)...)
	f.Gaps = append(f.Gaps, l.sortedGaps()...)
	sortBy(f.Gaps, func(g plan.Gap) string { return g.Subject + g.Cause })
	return c.fatalError(ctx, l)
}

func convertStoreSecret(n namespacedName, secret *corev1.Secret) plan.StoreSecret {
	out := plan.StoreSecret{Namespace: n.namespace, Name: n.name}
	if secret == nil {
		return out
	}
	out.Present, out.Keep = true, secret.Annotations[helmKeep] == "keep"
	out.Data = map[string]plan.Sensitive{}
	for k, v := range secret.Data {
		out.Data[k] = plan.Sensitive(v)
	}
	return out
}

// getLicense reads Secret minio-license beside the operator; nil where it isn't
// known whether it exists.
func (c *Client) getLicense(ctx context.Context, l *requestTracker, namespace string) *plan.License {
	secret, known := c.getSecret(ctx, l, namespacedName{namespace, aistor.LicenseSecret})
	switch {
	case !known:
		return nil
	case secret == nil:
		return &plan.License{Namespace: namespace}
	}
	return &plan.License{
		Namespace:   namespace,
		Release:     ownershipOf(secret).release.String(),
		Present:     true,
		Token:       plan.Sensitive(secret.Data[aistor.LicenseSecretKey]),
		Terminating: deletionOf(secret),
	}
}
