package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// KindStatus is the kind of the document that status writes.
const KindStatus = "Status"

// statusDocument is what status writes for programs.
type statusDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Context    string `json:"context,omitempty"`
	// Server is the API server's address.
	Server string `json:"server,omitempty"`
	// Cluster is the API server's version.
	Cluster string `json:"cluster"`
	// Namespace is set where only this namespace was read.
	Namespace     string                 `json:"namespace,omitempty"`
	Operator      *plan.InstalledRelease `json:"operator"`
	OperatorReady int                    `json:"operatorReady"`
	OperatorPods  int                    `json:"operatorPods"`
	License       *licenseStatus         `json:"license,omitempty"`
	Stores        []storeStatus          `json:"objectStores"`
	Upgrade       *runStatus             `json:"lastUpgrade,omitempty"`
	Bundle        *bundleStatus          `json:"bundle,omitempty"`
	// Deletions are what is being deleted, and what was although a server needs
	// it.
	Deletions []plan.Deletion `json:"deletions,omitempty"`
	// now is when the deletions were seen.
	now  time.Time
	Gaps []plan.Gap `json:"gaps,omitempty"`
}

// names are the stores as kubectl names them.
func (d *statusDocument) names() []string {
	var list []string
	for _, s := range d.Stores {
		list = append(list, "objectstore."+aistor.Group+"/"+s.Name)
	}
	return list
}

// storeStatus is one line of status.
type storeStatus struct {
	Namespace     string   `json:"namespace"`
	Name          string   `json:"name"`
	Release       string   `json:"release,omitempty"`
	ReleaseStatus string   `json:"releaseStatus,omitempty"`
	Chart         string   `json:"chart,omitempty"`
	Images        []string `json:"images"`
	Ready         int      `json:"ready"`
	Servers       int      `json:"servers"`
	Online        int      `json:"drivesOnline"`
	Offline       int      `json:"drivesOffline"`
	Healing       int      `json:"drivesHealing"`
	// Health is the operator's word, or "deleting" where something of the store
	// is marked for deletion, or "red" where a claim of it does not exist.
	Health  string `json:"health,omitempty"`
	State   string `json:"state,omitempty"`
	License string `json:"licenseExpires,omitempty"`
}

// licenseStatus is what the license says of itself; nothing in it is verified.
type licenseStatus struct {
	Plan    string    `json:"plan,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Tier    string    `json:"tier"`
	Text    string    `json:"-"`
}

func printStatus(w io.Writer, d *statusDocument, wide bool) {
	if op := d.Operator; op != nil {
		printLine(w, "Operator  %s in %s, %s, %s", sanitizeText(op.Chart+"-"+op.Version), sanitizeText(op.Key()), releaseText(w, op.Status), readyText(w, d.OperatorReady, d.OperatorPods))
	} else if d.Namespace != "" {
		printLine(w, "Operator  not checked: limited to namespace %s", d.Namespace)
	} else {
		printLine(w, "Operator  %s", colorize(w, color.FgRed, "no release found"))
	}
	name := plan.Cluster{Context: d.Context, Server: d.Server}.Name()
	printLine(w, "Cluster   %s", strings.TrimPrefix(sanitizeText(name+", Kubernetes "+d.Cluster), ", "))
	if d.License != nil {
		printLine(w, "License   %s", colorize(w, licenseColor(d.License.Tier), sanitizeText(d.License.Text)))
	}
	if d.Upgrade != nil {
		printLine(w, "Upgrade   %s", wrapText(sanitizeText(d.Upgrade.String()), 70, "          "))
	}
	if d.Bundle != nil {
		printBundleStatus(w, d.Bundle)
	}
	printLine(w, "")
	printStores(w, d, wide)
	printDeletions(w, d)
	for _, g := range d.Gaps {
		printLine(w, "\ncould not read: %s", wrapText(sanitizeText(g.Subject+": "+g.Cause), 65, "               "))
	}
}

// mostDeletions is how many objects status names.
const mostDeletions = 8

// printDeletions says what is being deleted. A store's data goes with it once
// its pods restart.
func printDeletions(w io.Writer, d *statusDocument) {
	for i, one := range d.Deletions {
		if i == mostDeletions {
			printLine(w, "  … and %d more; use -o json to see all", len(d.Deletions)-i)
			break
		}
		if i == 0 {
			printLine(w, "\n%s", colorize(w, color.FgRed, "Deletions: do not restart pods"))
		}
		printLine(w, "  %s", wrapText(sanitizeText(one.Text(d.now)), 76, "    "))
	}
	if len(d.Deletions) > 0 {
		hint := "kubectl aistor-upgrade preflight --only nothing-deleting,volumes-bound"
		if d.Namespace != "" {
			hint += " -n " + shellquote.Quote(d.Namespace)
		}
		printLine(w, "  hint: %s", hint)
	}
}

func printStores(w io.Writer, d *statusDocument, wide bool) {
	if len(d.Stores) == 0 {
		printLine(w, "No object stores found.")
		return
	}
	header := []string{"OBJECT STORE", "CHART", "IMAGE", "READY", "DRIVES", "HEALTH"}
	if wide {
		header = []string{"OBJECT STORE", "RELEASE", "STATUS", "CHART", "IMAGE", "READY", "DRIVES", "LICENSE", "STATE", "HEALTH"}
	}
	var rows [][]string
	for _, s := range d.Stores {
		chart := cmp.Or(strings.TrimPrefix(s.Chart, aistor.ObjectStoreChart+"-"), "-")
		ready := fmt.Sprintf("%d/%d", s.Ready, s.Servers)
		drives := fmt.Sprintf("%d/%d", s.Online, s.Online+s.Offline)
		health := cmp.Or(s.Health, "-")
		if wide {
			rows = append(rows, []string{s.Namespace + "/" + s.Name, cmp.Or(s.Release, "-"), cmp.Or(s.ReleaseStatus, "-"), chart,
				cmp.Or(strings.Join(s.Images, ","), "-"), ready, drives, cmp.Or(s.License, "-"), cmp.Or(s.State, "-"), health})
			continue
		}
		rows = append(rows, []string{s.Namespace + "/" + s.Name, chart, imageTags(s.Images), ready, drives, health})
	}
	writeTable(w, header, rows, func(row int) color.Attribute {
		return healthColor(d.Stores[row])
	})
	for _, s := range d.Stores {
		if s.Healing > 0 {
			printLine(w, "\n%s", colorize(w, color.FgYellow, fmt.Sprintf("%s/%s: %s healing", s.Namespace, s.Name, plural.CountIs(s.Healing, "drive"))))
		}
	}
}

// healthColor is the colour of a store's last column.
func healthColor(s storeStatus) color.Attribute {
	switch {
	case s.Health == "green" && s.Healing == 0 && s.Ready == s.Servers:
		return color.FgGreen
	case s.Health == "red" || s.Health == "" || s.Health == healthDeleting:
		return color.FgRed
	}
	return color.FgYellow
}

func licenseColor(tier string) color.Attribute {
	switch aistor.Tier(tier) {
	case aistor.TierValid, aistor.TierUnlimited:
		return 0
	case aistor.TierWarning, aistor.TierGrace:
		return color.FgYellow
	}
	return color.FgRed
}

func releaseText(w io.Writer, status string) message.Layout {
	if status != "deployed" {
		return colorize(w, color.FgRed, sanitizeText(status))
	}
	return message.Layout(status)
}

func readyText(w io.Writer, ready, pods int) message.Layout {
	text := fmt.Sprintf("%d/%d ready", ready, pods)
	if ready < pods {
		return colorize(w, color.FgRed, text)
	}
	return message.Layout(text)
}

// imageTags are the tags alone: the registry is the same for all.
func imageTags(list []string) string {
	var out []string
	for _, s := range list {
		if r, err := images.ParseRef(s); err == nil && r.Tag != "" {
			s = strings.TrimPrefix(r.Tag, "RELEASE.")
		}
		out = append(out, s)
	}
	return cmp.Or(strings.Join(out, ","), "-")
}
