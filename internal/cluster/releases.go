package cluster

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Helm keeps one Secret of this type per revision of a release.
const (
	releaseType  = "helm.sh/release.v1"
	releaseLabel = "owner=helm"
	releaseKey   = "release"
)

// revision is what the metadata of one release Secret says.
type revision struct {
	release namespacedName
	number  int
	status  string
	secret  string
	marked  time.Time // the Secret's deletionTimestamp
}

func parseRevision(m *metav1.PartialObjectMetadata) (revision, bool) {
	n, err := strconv.Atoi(m.Labels["version"])
	return revision{
		release: namespacedName{m.Namespace, m.Labels["name"]},
		number:  n,
		status:  m.Labels["status"],
		secret:  m.Name,
		marked:  deletionOf(m),
	}, err == nil && m.Labels["name"] != ""
}

// releaseHistory is one release's newest revision and the newest that was carried
// through, which has the zero number where there is none.
type releaseHistory struct {
	newest, deployed revision
}

// selectHistories picks from the revisions of all releases those of wanted ones.
func selectHistories(all []revision, wanted func(namespacedName) bool) []releaseHistory {
	byName := map[namespacedName]*releaseHistory{}
	for _, r := range all {
		if !wanted(r.release) {
			continue
		}
		h := byName[r.release]
		if h == nil {
			h = &releaseHistory{}
			byName[r.release] = h
		}
		if r.number > h.newest.number {
			h.newest = r
		}
		if (r.status == "deployed" || r.status == "superseded") && r.number > h.deployed.number {
			h.deployed = r
		}
	}
	out := make([]releaseHistory, 0, len(byName))
	for _, h := range byName {
		out = append(out, *h)
	}
	sortBy(out, func(h releaseHistory) string { return h.newest.release.String() })
	return out
}

// readReleases reads the newest revision of each AIStor release.
//
// The chart's name is only inside the record, and a record weighs up to 190
// KB, so the records of all releases of a cluster are never read. Their
// metadata is listed instead, and only those are fetched that own an AIStor
// object (the object's own annotation says so) or live in the operator's
// namespace, where a release whose first installation failed may own nothing
// yet.
func (c *Client) readReleases(ctx context.Context, l *requestTracker, s *snapshot, revisions []revision) {
	owners := s.releaseOwners()
	wanted := func(n namespacedName) bool { return n.namespace == s.operatorNamespace || owners[n] }
	picked := selectHistories(revisions, wanted)
	found := make([]*plan.InstalledRelease, len(picked))
	g := newRequestGroup()
	for i, h := range picked {
		g.Go(func() error {
			found[i] = c.readRelease(ctx, l, h)
			return nil
		})
	}
	_ = g.Wait()
	for _, r := range found {
		if r != nil {
			s.releases = append(s.releases, *r)
		}
	}
}

// readRelease reads one release; nil where it isn't AIStor's or cannot be read.
func (c *Client) readRelease(ctx context.Context, l *requestTracker, h releaseHistory) *plan.InstalledRelease {
	r, err := c.getRecord(ctx, h.newest)
	l.recordOutcome(err)
	if apierrors.IsNotFound(err) { // uninstalled since the list
		return nil
	}
	if err != nil {
		l.addGap("releases "+h.newest.release.String(), err)
		return nil
	}
	if aistor.RoleOfChart(r.ChartName) == aistor.RoleUnknown {
		return nil
	}
	out := &plan.InstalledRelease{
		Namespace: h.newest.release.namespace, Name: h.newest.release.name,
		Chart: r.ChartName, Version: r.ChartVersion,
		Revision: h.newest.number, Status: cmp.Or(r.Status, h.newest.status),
		LastDeployed: h.deployed.number, LastVersion: r.ChartVersion,
		Updated: r.Updated, Created: r.Created, ApplyMethod: r.ApplyMethod, RecordBytes: r.RecordBytes,
		Description: r.Description, Values: r.Values, Manifest: r.Manifest,
		Terminating: h.newest.marked,
	}
	if h.deployed.number == h.newest.number {
		return out
	}
	out.LastVersion = ""
	if h.deployed.number > 0 {
		if last, err := c.getRecord(ctx, h.deployed); err == nil {
			out.LastVersion = last.ChartVersion
			out.DeployedManifest, out.DeployedValues = last.Manifest, last.Values
		} else if !apierrors.IsNotFound(err) {
			l.addGap("releases "+h.deployed.release.String(), err)
		}
	}
	return out
}

func (c *Client) getRecord(ctx context.Context, r revision) (*chart.Release, error) {
	secret, err := c.typed.CoreV1().Secrets(r.release.namespace).Get(ctx, r.secret, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	out, err := chart.DecodeRelease(secret.Data[releaseKey])
	if err != nil {
		return nil, err
	}
	out.Created = secret.CreationTimestamp.Time
	return out, nil
}

// releaseOwners are the releases that own an AIStor object.
func (s *snapshot) releaseOwners() map[namespacedName]bool {
	out := map[namespacedName]bool{}
	for _, st := range s.stores {
		out[st.release] = true
	}
	for _, w := range s.workloads {
		if w.operator || w.owner != "" {
			out[w.release] = true
		}
	}
	for _, c := range s.crds {
		out[c.release] = true
	}
	for _, w := range s.webhooks {
		out[w.release] = true
	}
	delete(out, namespacedName{})
	return out
}

// releaseNamespaces are those that may hold a record.
func (s *snapshot) releaseNamespaces(needed []string) []string {
	out := slices.Clone(needed)
	for n := range s.releaseOwners() {
		if n.namespace != "" {
			out = append(out, n.namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
