package workflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// helmAdapter lets the executor use Helm: it finds the chart that a step pins
// by its digest among those of the bundle.
type helmAdapter struct {
	client *chart.Client
	charts []planinput.BundleChart
}

// GetRelease implements [upgrade.Helm].
func (h helmAdapter) GetRelease(ctx context.Context, namespace, name string) (upgrade.HelmRelease, error) {
	r, err := h.client.Get(ctx, namespace, name)
	if err != nil {
		return upgrade.HelmRelease{}, err
	}
	return releaseFrom(r), nil
}

// Deployed implements [upgrade.Helm].
func (h helmAdapter) Deployed(ctx context.Context, namespace, name string) (string, error) {
	history, err := h.client.History(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	for _, status := range []string{chart.StatusDeployed, chart.StatusSuperseded} {
		for _, r := range slices.Backward(history) {
			if r.Status == status {
				return r.Manifest, nil
			}
		}
	}
	return "", fmt.Errorf("reading release %q: it has no deployed revision", namespace+"/"+name)
}

// Upgrade implements [upgrade.Helm].
func (h helmAdapter) Upgrade(ctx context.Context, r upgrade.UpgradeRequest) (upgrade.HelmRelease, error) {
	for _, c := range h.charts {
		if c.Digest() != r.ChartDigest {
			continue
		}
		done, err := h.client.Upgrade(ctx, chart.UpgradeOptions{
			Namespace: r.Namespace, Name: r.Name, Chart: c.Chart, Values: r.Values,
			MaxHistory: r.MaxHistory, Description: r.Description, Timeout: r.Timeout,
		})
		if done == nil {
			return upgrade.HelmRelease{}, err
		}
		return releaseFrom(done), err
	}
	return upgrade.HelmRelease{}, fmt.Errorf("finding chart %s: the bundle has none with digest %s", r.Chart, r.ChartDigest)
}

// MarkFailed implements [upgrade.Helm].
func (h helmAdapter) MarkFailed(ctx context.Context, namespace, name string, revision int) error {
	return h.client.MarkFailed(ctx, namespace, name, revision)
}

// Rollback implements [upgrade.Helm].
func (h helmAdapter) Rollback(ctx context.Context, r upgrade.RollbackRequest) error {
	return h.client.Rollback(ctx, chart.RollbackOptions{
		Namespace: r.Namespace, Name: r.Name, Revision: r.Revision, MaxHistory: r.MaxHistory, Timeout: r.Timeout,
	})
}

// DeleteRollbackRecord implements [upgrade.Helm].
func (h helmAdapter) DeleteRollbackRecord(ctx context.Context, namespace, name string, revision int) error {
	return h.client.DeleteRollbackRecord(ctx, namespace, name, revision)
}

func releaseFrom(r *chart.Release) upgrade.HelmRelease {
	return upgrade.HelmRelease{
		Chart: r.ChartName, Version: r.ChartVersion, Status: r.Status, Revision: r.Revision, Updated: r.Updated,
		ValuesDigest: plan.ValuesDigest(r.Values), Description: r.Description, Values: r.Values,
	}
}

// clusterAdapter gives the executor access to the cluster.
type clusterAdapter struct {
	Client *cluster.Client
	scope  cluster.Scope
}

// Facts implements [upgrade.Cluster].
func (c clusterAdapter) Facts(ctx context.Context) (*plan.Facts, error) {
	return c.Client.Facts(ctx, c.scope)
}

// Deletions implements [upgrade.Cluster].
func (c clusterAdapter) Deletions(ctx context.Context, s upgrade.Scope, objects []plan.ObjectKey) (*plan.Facts, error) {
	scope := c.scope
	scope.Namespaces = s.Namespaces
	return c.Client.Deletions(ctx, scope, objects)
}

// Marked implements [upgrade.Cluster].
func (c clusterAdapter) Marked(ctx context.Context, objects []plan.ObjectKey) ([]plan.MarkedObject, error) {
	return c.Client.Marked(ctx, objects)
}

// AddStoreSecrets implements [upgrade.Cluster].
func (c clusterAdapter) AddStoreSecrets(ctx context.Context, f *plan.Facts, wanted []plan.ObjectKey) error {
	return c.Client.AddStoreSecrets(ctx, f, wanted)
}

// Watch implements [upgrade.Cluster].
func (c clusterAdapter) Watch(ctx context.Context, s upgrade.Scope) (upgrade.ClusterWatcher, error) {
	scope := c.scope
	// Events tell why a pod does not start, so that waiting can end early.
	scope.Namespaces, scope.Events = s.Namespaces, true
	live, err := c.Client.Watch(ctx, scope)
	if err != nil {
		return nil, err // live, a nil of its own type, would pass for a watch
	}
	return live, nil
}

// healthProber asks a store's own health endpoint.
type healthProber struct {
	client *cluster.Client
	// facts say on which port each store's Service listens.
	facts     *plan.Facts
	endpoints cluster.Endpoints
}

// Probe asks the store's servers.
func (h healthProber) Probe(ctx context.Context, store string) error {
	i := slices.IndexFunc(h.facts.Stores, func(st plan.Store) bool { return st.Key() == store })
	if i < 0 {
		return upgrade.ErrNotProbed
	}
	return probeWithRetry(ctx, store, func(ctx context.Context) (cluster.Health, error) {
		return h.client.CheckStoreHealth(ctx, h.facts, h.facts.Stores[i], h.endpoints)
	})
}

// EndpointOf is where an --endpoint leads.
func (h healthProber) EndpointOf(store string) string {
	if e, ok := h.endpoints[store]; ok {
		return e.String()
	}
	return ""
}

// probeWithRetry asks until somebody says that the store serves.
func probeWithRetry(ctx context.Context, store string, ask func(context.Context) (cluster.Health, error)) error {
	worst := upgrade.ErrNotProbed
	for n := range option.ProbeAttempts {
		if n > 0 && backoff.Sleep(ctx, option.ProbeRetryDelay) != nil {
			break
		}
		asked, cancel := context.WithTimeout(ctx, option.HealthRequestTimeout)
		health, err := ask(asked)
		hung := asked.Err() != nil
		cancel()
		switch {
		case apierrors.IsForbidden(err):
			return upgrade.ErrMayNotProbe
		case err != nil || health.State == cluster.HealthUnknown:
			if hung {
				return worst
			}
		case health.State == cluster.HealthOK:
			return nil
		default:
			worst = fmt.Errorf("querying the health of %s: %s", store, cmp.Or(health.Cause, fmt.Sprint("it returned ", health.Status)))
		}
	}
	return worst
}
