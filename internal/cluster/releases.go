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

// readReleases reads the newest revision of each AIStor release, and says which
// objects belong to it.
//
// The chart's name is only inside the record, and a record weighs up to 190
// KB, so the records of all releases of a cluster are never read. Their
// metadata is listed instead, and those are read first that an AIStor object's
// annotations name or that live in the operator's namespace, where a release
// whose first installation failed may own nothing yet. Where an object store is
// in no manifest of theirs, its annotations are wrong or gone, and the other
// records of its namespace are read as well.
func (c *Client) readReleases(ctx context.Context, l *requestTracker, s *snapshot, revisions []revision) {
	annotated := s.annotatedReleases()
	first := func(n namespacedName) bool { return n.namespace == s.operatorNamespace || annotated[n] }
	s.releases = c.readHistories(ctx, l, selectHistories(revisions, first))
	if namespaces := s.storesWithoutRecord(); len(namespaces) > 0 {
		others := func(n namespacedName) bool { return namespaces[n.namespace] && !first(n) }
		s.releases = append(s.releases, c.readHistories(ctx, l, selectHistories(revisions, others))...)
	}
	s.assignReleases(l.gapCount("helm releases")+l.gapCount("releases") == 0)
}

// readHistories reads those of the releases that are AIStor's.
func (c *Client) readHistories(ctx context.Context, l *requestTracker, histories []releaseHistory) []plan.InstalledRelease {
	found := make([]*plan.InstalledRelease, len(histories))
	g := newRequestGroup()
	for i, h := range histories {
		g.Go(func() error {
			found[i] = c.readRelease(ctx, l, h)
			return nil
		})
	}
	_ = g.Wait()
	var out []plan.InstalledRelease
	for _, r := range found {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out
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

// annotatedReleases are the releases that the annotations of an AIStor object name.
func (s *snapshot) annotatedReleases() map[namespacedName]bool {
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
	for n := range s.annotatedReleases() {
		if n.namespace != "" {
			out = append(out, n.namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
