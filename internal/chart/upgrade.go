package chart

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// UpgradeOptions say what a release is to become.
type UpgradeOptions struct {
	Namespace, Name string
	// Chart is the chart to upgrade to.
	Chart *Chart
	// Values are all of the user's values. They are never merged with what
	// the release had: an empty map is no values.
	Values map[string]any
	// MaxHistory is the number of revisions to keep; 0 keeps all.
	MaxHistory int
	// Description is kept in the record.
	Description string
	// Timeout is for each of Helm's own requests and hooks; the default is 5
	// minutes. Nothing waits for pods here.
	Timeout time.Duration
	// DryRun is "", "client" or "server". A server dry run renders with the
	// cluster's lookups; neither finds what the API would refuse.
	DryRun string
	// SkipHooks runs no hooks.
	SkipHooks bool
	// TakeOwnership adopts objects that no release, or another one, owns.
	TakeOwnership bool
}

// Upgrade makes one new revision and returns it, also together with an error
// where the upgrade failed midway. It does not wait for pods.
//
// A started upgrade is never canceled: ctx is checked before, not
// during it. A killed Helm leaves the release pending.
func (c *Client) Upgrade(ctx context.Context, o UpgradeOptions) (*Release, error) {
	id := o.Namespace + "/" + o.Name
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("upgrading release %q: %w", id, context.Cause(ctx))
	}
	cfg, err := c.actionConfig(o.Namespace)
	if err != nil {
		return nil, fmt.Errorf("upgrading release %q: %w", id, err)
	}
	fresh, err := o.Chart.copyForHelm()
	if err != nil {
		return nil, fmt.Errorf("upgrading release %q: %w", id, err)
	}
	up := action.NewUpgrade(cfg)
	up.Namespace = o.Namespace
	up.MaxHistory = o.MaxHistory
	up.Description = o.Description
	up.Timeout = timeoutOrDefault(o.Timeout)
	up.DryRun = o.DryRun != ""
	up.DryRunOption = o.DryRun
	up.DisableHooks = o.SkipHooks
	up.TakeOwnership = o.TakeOwnership
	up.ResetValues = true
	rel, err := up.RunWithContext(context.WithoutCancel(ctx), o.Name, fresh, copyMap(o.Values))
	var out *Release
	if rel != nil {
		out = fromHelm(rel)
	}
	if err != nil {
		return out, fmt.Errorf("upgrading release %q: %w", id, err)
	}
	return out, nil
}

// MarkFailed turns a revision from pending to failed, so that another operation
// may follow; one that is not pending is left alone. Where it is not the newest
// any more, somebody is at work, and nothing is changed. The record is changed
// as it is, so that what Helm 4 wrote into it stays.
func (c *Client) MarkFailed(ctx context.Context, namespace, name string, revision int) error {
	id := namespace + "/" + name
	names, err := c.listRevisions(ctx, namespace, name)
	if err != nil {
		return err
	}
	newest := names[len(names)-1]
	if newest.revision != revision {
		return fmt.Errorf("marking release %q: its newest revision is %d, not %d", id, newest.revision, revision)
	}
	client, err := c.newClientset()
	if err != nil {
		return fmt.Errorf("marking release %q: %w", id, err)
	}
	secrets := client.CoreV1().Secrets(namespace)
	secret, err := secrets.Get(ctx, newest.secret, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("marking release %q: %w", id, err)
	}
	data, changed, err := failRecord(secret.Data["release"])
	if err != nil || !changed {
		return err
	}
	secret.Data["release"] = data
	secret.Labels["status"] = StatusFailed
	if _, err := secrets.Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("marking release %q: %w", id, err)
	}
	return nil
}

// interruptedWhile begins the description of a revision that was marked failed.
const interruptedWhile = "interrupted while "

// failRecord sets the status in a packed record, and reports whether it was
// pending.
func failRecord(data []byte) ([]byte, bool, error) {
	r, err := DecodeRelease(data)
	if err != nil || !r.IsPending() {
		return nil, false, err
	}
	raw, err := unpackRecord(data)
	if err != nil {
		return nil, false, err
	}
	var all, info map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(all["info"], &info); err != nil {
		return nil, false, err
	}
	info["status"], _ = json.Marshal(StatusFailed)
	info["description"], _ = json.Marshal(interruptedWhile + r.Status)
	if all["info"], err = json.Marshal(info); err != nil {
		return nil, false, err
	}
	if raw, err = json.Marshal(all); err != nil {
		return nil, false, err
	}
	out, err := packRecord(raw)
	return out, err == nil, err
}

func fromHelm(rel *release.Release) *Release {
	r := &Release{
		Name: rel.Name, Namespace: rel.Namespace, Revision: rel.Version, Manifest: rel.Manifest,
		Values: rel.Config, SecretName: SecretName(rel.Name, rel.Version),
	}
	if rel.Info != nil {
		r.Status, r.Description, r.Updated = rel.Info.Status.String(), rel.Info.Description, rel.Info.LastDeployed.Time
	}
	if rel.Chart != nil && rel.Chart.Metadata != nil {
		r.Chart = newChart(rel.Chart)
		r.ChartName, r.ChartVersion, r.AppVersion = r.Chart.Name, r.Chart.Version, r.Chart.AppVersion
	}
	return r
}

func timeoutOrDefault(d time.Duration) time.Duration {
	if d == 0 {
		return 5 * time.Minute
	}
	return d
}
