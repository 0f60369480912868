package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// KindStatus is the kind of the document that status writes.
const KindStatus = "Status"

// statusDocument is what status writes for programs.
type statusDocument struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Cluster    string        `json:"cluster"`
	Operator   *plan.Release `json:"operator"`
	Stores     []storeStatus `json:"objectStores"`
	Upgrade    *upgrade.Run  `json:"lastUpgrade,omitempty"`
	Gaps       []plan.Gap    `json:"gaps,omitempty"`
}

// storeStatus is one line of status.
type storeStatus struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Release   string   `json:"release,omitempty"`
	Chart     string   `json:"chart,omitempty"`
	Images    []string `json:"images"`
	Ready     int      `json:"ready"`
	Servers   int      `json:"servers"`
	Online    int      `json:"drivesOnline"`
	Offline   int      `json:"drivesOffline"`
	Healing   int      `json:"drivesHealing"`
	Health    string   `json:"health,omitempty"`
	License   string   `json:"licenseExpires,omitempty"`
}

func newStatus(p *Program, kube kubeOptions) *cobra.Command {
	out := newOutputOptions()
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show operator, object stores and the last upgrade on one screen",
		Example: "  kubectl aistor-upgrade status\n  kubectl aistor-upgrade status -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.validate(); err != nil {
				return err
			}
			doc, err := status(cmd.Context(), kube)
			if err != nil {
				return err
			}
			return out.print(p.Out, doc, func(w io.Writer) { printStatus(w, doc) })
		},
	}
	out.addFlags(cmd.Flags())
	return cmd
}

func status(ctx context.Context, kube kubeOptions) (*statusDocument, error) {
	client, err := cluster.New(kube)
	if err != nil {
		return nil, err
	}
	facts, err := client.Facts(ctx, cluster.Scope{OperatorNamespace: kube.namespace()})
	if err != nil {
		return nil, err
	}
	doc := &statusDocument{
		APIVersion: plan.APIVersion, Kind: KindStatus, Cluster: facts.ServerVersion,
		Operator: facts.Operator, Gaps: facts.Gaps,
	}
	for _, s := range facts.Stores {
		doc.Stores = append(doc.Stores, statusOf(facts, s))
	}
	if facts.Operator == nil {
		return doc, nil
	}
	doc.Upgrade = lastRun(ctx, kube, facts.Operator.Namespace)
	return doc, nil
}

func statusOf(f *plan.Facts, s plan.Store) storeStatus {
	st := storeStatus{
		Namespace: s.Namespace, Name: s.Name, Release: s.Release, Servers: s.Servers(), Images: []string{},
		Online: s.Online, Offline: s.Offline, Healing: s.Healing, Health: s.Health, License: s.LicenseExpires,
	}
	for _, r := range f.Releases {
		if r.Namespace == s.Namespace && r.Name == s.Release {
			st.Chart = r.Chart + "-" + r.Version
		}
	}
	seen := map[string]bool{}
	for _, p := range f.Pods {
		if p.Store != s.Key() {
			continue
		}
		if p.Ready {
			st.Ready++
		}
		for _, c := range p.Containers {
			if c.Name == "minio" && !c.Init && !seen[c.Image] {
				seen[c.Image] = true
				st.Images = append(st.Images, c.Image)
			}
		}
	}
	return st
}

// lastRun is the newest journal, nil where there is none to be read.
func lastRun(ctx context.Context, kube kubeOptions, namespace string) *upgrade.Run {
	config, err := kube.ToRESTConfig()
	if err != nil {
		return nil
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil
	}
	runs, err := upgrade.ReadJournals(ctx, client, namespace)
	if err != nil || len(runs) == 0 {
		return nil
	}
	return &runs[0]
}

func printStatus(w io.Writer, d *statusDocument) {
	if op := d.Operator; op != nil {
		line(w, "Operator  %s-%s, release %s, revision %d, %s", op.Chart, op.Version, op.Key(), op.Revision, op.Status)
	} else {
		line(w, "Operator  no release found")
	}
	line(w, "Cluster   Kubernetes %s", d.Cluster)
	if d.Upgrade != nil {
		line(w, "Upgrade   %s", describeRun(d.Upgrade))
	}
	line(w, "")
	var rows [][]string
	for _, s := range d.Stores {
		rows = append(rows, []string{
			s.Namespace + "/" + s.Name, orDash(strings.TrimPrefix(s.Chart, "aistor-objectstore-")), tags(s.Images),
			fmt.Sprintf("%d/%d", s.Ready, s.Servers), fmt.Sprintf("%d/%d", s.Online, s.Online+s.Offline), orDash(s.Health),
		})
	}
	writeTable(w, []string{"OBJECT STORE", "CHART", "IMAGE", "READY", "DRIVES", "HEALTH"}, rows)
	for _, s := range d.Stores {
		if s.Healing > 0 {
			line(w, "\n%s/%s: %d drives are healing", s.Namespace, s.Name, s.Healing)
		}
	}
	for _, g := range d.Gaps {
		line(w, "\nnot looked at: %s: %s", printable(g.What), printable(g.Cause))
	}
}

// tags are the tags alone: the registry is the same for all.
func tags(list []string) string {
	var out []string
	for _, s := range list {
		if r, err := images.ParseRef(s); err == nil && r.Tag != "" {
			s = strings.TrimPrefix(r.Tag, "RELEASE.")
		}
		out = append(out, s)
	}
	return orDash(strings.Join(out, ","))
}
