package display

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healthDeleting is the health of a store of which something is marked for
// deletion, whatever its operator says.
const healthDeleting = "deleting"

// ShowDeletions keeps a store that is being deleted from looking healthy.
func (d *Status) ShowDeletions(deletions []plan.Deletion, now time.Time) {
	d.Deletions, d.now = deletions, now
	for i := range d.Stores {
		s := &d.Stores[i]
		for _, one := range deletions {
			switch {
			case !slices.Contains(one.Stores, s.Namespace+"/"+s.Name):
			case one.State == plan.DeletionMarked:
				s.Health = healthDeleting
			case s.Health != healthDeleting:
				s.Health = "red"
			}
		}
	}
}

// StoreStatusOf summarizes one store from the facts.
func StoreStatusOf(f *plan.Facts, s plan.Store) StoreStatus {
	st := StoreStatus{
		Namespace: s.Namespace, Name: s.Name, Release: s.Release, Servers: s.ServerCount(), Images: []string{},
		Online: s.DrivesOnline, Offline: s.DrivesOffline, Healing: s.DrivesHealing, Health: s.Health, State: s.State, License: s.LicenseExpires,
	}
	for _, r := range f.Releases {
		if r.Namespace == s.Namespace && r.Name == s.Release {
			st.Chart, st.ReleaseStatus = r.Chart+"-"+r.Version, r.Status
		}
	}
	for _, p := range f.Pods {
		if p.Store != s.Key() {
			continue
		}
		if p.Ready && p.Terminating.IsZero() && !p.IsKES() {
			st.Ready++
		}
		for _, c := range p.Containers {
			if c.Name == aistor.ContainerMinIO && !c.Init && !slices.Contains(st.Images, c.Image) {
				st.Images = append(st.Images, c.Image)
			}
		}
	}
	return st
}

// LicenseStatusOf reads the license's own claims, which nobody verified, or else
// the earliest day that the operator reports for a store.
func LicenseStatusOf(f *plan.Facts, now time.Time) *licenseStatus {
	if f.License != nil && f.License.Present {
		l, err := aistor.ParseLicense(f.License.Token)
		if err != nil {
			return &licenseStatus{Text: "cannot be read", Tier: "unreadable"}
		}
		out := &licenseStatus{Plan: l.Plan, Expires: l.ExpiresAt, Tier: string(l.Tier(now)), Text: "plan " + cmp.Or(l.Plan, "-") + ", no expiry"}
		if !l.ExpiresAt.IsZero() {
			out.Text = "plan " + cmp.Or(l.Plan, "-") + ", " + expiryText(l.ExpiresAt, now)
		}
		return out
	}
	var first time.Time
	for _, s := range f.Stores {
		if t, err := time.Parse(time.RFC3339, s.LicenseExpires); err == nil && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if first.IsZero() {
		return nil
	}
	return &licenseStatus{Expires: first, Tier: string(aistor.TierAt(first, now)), Text: expiryText(first, now)}
}

func expiryText(t, now time.Time) string {
	days := int(t.Sub(now) / (24 * time.Hour))
	if t.After(now) {
		return fmt.Sprintf("expires %s, in %s", t.UTC().Format(time.DateOnly), plural.Count(days, "day"))
	}
	return fmt.Sprintf("expired %s, %s ago", t.UTC().Format(time.DateOnly), plural.Count(-days, "day"))
}

// BundleVersions is what a bundle carries, as far as status tells.
type BundleVersions struct {
	Name             string
	Operator, Stores string
	Intermediates    []string
	Minio            string
}

// BundleStatus is what a bundle would bring to what is installed.
type BundleStatus struct {
	Name string `json:"name"`
	// Operator and Stores are the versions on the way, what is installed
	// first; one alone means that nothing changes.
	Operator []string `json:"operator,omitempty"`
	// Stores are by namespace/name.
	Stores map[string][]string `json:"objectStores,omitempty"`
	// MinIO is the release that the new operator gives to stores that name
	// none of their own.
	MinIO string `json:"minio,omitempty"`
}

// CompareInstalled compares with what is installed.
func (b *BundleVersions) CompareInstalled(f *plan.Facts) *BundleStatus {
	if b == nil {
		return nil
	}
	out := &BundleStatus{Name: b.Name, Stores: map[string][]string{}, MinIO: b.Minio}
	if f.Operator != nil && b.Operator != "" {
		out.Operator = []string{f.Operator.Version}
		for _, hop := range aistor.IntermediateVersions(f.Operator.Version, b.Operator) {
			if i := slices.IndexFunc(b.Intermediates, func(v string) bool { return v == hop.Version || slices.Contains(hop.Alternatives, v) }); i >= 0 {
				out.Operator = append(out.Operator, b.Intermediates[i])
			} else {
				out.Operator = append(out.Operator, hop.Version+" (not in the bundle)")
			}
		}
		if b.Operator != f.Operator.Version {
			out.Operator = append(out.Operator, b.Operator)
		}
	}
	for _, s := range f.Stores {
		for _, r := range f.Releases {
			if r.Namespace == s.Namespace && r.Name == s.Release && b.Stores != "" {
				out.Stores[s.Key()] = slices.Compact([]string{r.Version, b.Stores})
			}
		}
	}
	return out
}

// printBundleStatus says what a bundle would bring, stores that go the same way on
// one line.
func printBundleStatus(w io.Writer, b *BundleStatus) {
	term.PrintLine(w, "Bundle    %s would install", term.SanitizeText(b.Name))
	if len(b.Operator) > 0 {
		term.PrintLine(w, "            operator      %s", versionPath(b.Operator))
	}
	ways := map[string][]string{}
	var order []string
	for _, key := range slices.Sorted(maps.Keys(b.Stores)) {
		how := versionPath(b.Stores[key])
		if ways[how] == nil {
			order = append(order, how)
		}
		ways[how] = append(ways[how], key)
	}
	for _, how := range order {
		term.PrintLine(w, "            object stores %s: %s", how, option.WrapText(strings.Join(ways[how], ", "), 50, "                          "))
	}
	if b.MinIO != "" {
		term.PrintLine(w, "            minio         %s", strings.TrimPrefix(b.MinIO, "RELEASE."))
	}
}

// versionPath is a list of versions as a way from the first to the last.
func versionPath(versions []string) string {
	if len(versions) == 1 {
		return versions[0] + " (unchanged)"
	}
	return strings.Join(versions, " → ")
}

// KindStatus is the kind of the document that status writes.
const KindStatus = "Status"

// Status is what status writes for programs.
type Status struct {
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
	Stores        []StoreStatus          `json:"objectStores"`
	Upgrade       *RunStatus             `json:"lastUpgrade,omitempty"`
	Bundle        *BundleStatus          `json:"bundle,omitempty"`
	// Deletions are what is being deleted, and what was although a server needs
	// it.
	Deletions []plan.Deletion `json:"deletions,omitempty"`
	// now is when the deletions were seen.
	now  time.Time
	Gaps []plan.Gap `json:"gaps,omitempty"`
}

// Names are the stores as kubectl names them.
func (d *Status) Names() []string {
	var list []string
	for _, s := range d.Stores {
		list = append(list, "objectstore."+aistor.Group+"/"+s.Name)
	}
	return list
}

// StoreStatus is one line of status.
type StoreStatus struct {
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

// PrintStatus prints the overview; wide adds full references and users.
func PrintStatus(w io.Writer, d *Status, wide bool) {
	if op := d.Operator; op != nil {
		term.PrintLine(w, "Operator  %s in %s, %s, %s", term.SanitizeText(op.Chart+"-"+op.Version), term.SanitizeText(op.Key()), releaseText(w, op.Status), readyText(w, d.OperatorReady, d.OperatorPods))
	} else if d.Namespace != "" {
		term.PrintLine(w, "Operator  not checked: limited to namespace %s", d.Namespace)
	} else {
		term.PrintLine(w, "Operator  %s", term.Colorize(w, color.FgRed, "no release found"))
	}
	name := plan.Cluster{Context: d.Context, Server: d.Server}.Name()
	term.PrintLine(w, "Cluster   %s", strings.TrimPrefix(term.SanitizeText(name+", Kubernetes "+d.Cluster), ", "))
	if d.License != nil {
		term.PrintLine(w, "License   %s", term.Colorize(w, licenseColor(d.License.Tier), term.SanitizeText(d.License.Text)))
	}
	if d.Upgrade != nil {
		term.PrintLine(w, "Upgrade   %s", option.WrapText(term.SanitizeText(d.Upgrade.String()), 70, "          "))
	}
	if d.Bundle != nil {
		printBundleStatus(w, d.Bundle)
	}
	term.PrintLine(w, "")
	printStores(w, d, wide)
	printDeletions(w, d)
	for _, g := range d.Gaps {
		term.PrintLine(w, "\ncould not read: %s", option.WrapText(term.SanitizeText(g.Subject+": "+g.Cause), 65, "               "))
	}
}

// mostDeletions is how many objects status names.
const mostDeletions = 8

// printDeletions says what is being deleted. A store's data goes with it once
// its pods restart.
func printDeletions(w io.Writer, d *Status) {
	for i, one := range d.Deletions {
		if i == mostDeletions {
			term.PrintLine(w, "  … and %d more; use -o json to see all", len(d.Deletions)-i)
			break
		}
		if i == 0 {
			term.PrintLine(w, "\n%s", term.Colorize(w, color.FgRed, "Deletions: do not restart pods"))
		}
		term.PrintLine(w, "  %s", option.WrapText(term.SanitizeText(one.Text(d.now)), 76, "    "))
	}
	if len(d.Deletions) > 0 {
		hint := "kubectl aistor-upgrade preflight --only nothing-deleting,volumes-bound"
		if d.Namespace != "" {
			hint += " -n " + shellquote.Quote(d.Namespace)
		}
		term.PrintLine(w, "  hint: %s", hint)
	}
}

func printStores(w io.Writer, d *Status, wide bool) {
	if len(d.Stores) == 0 {
		term.PrintLine(w, "No object stores found.")
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
	option.WriteTable(w, header, rows, func(row int) color.Attribute {
		return HealthColor(d.Stores[row])
	})
	for _, s := range d.Stores {
		if s.Healing > 0 {
			term.PrintLine(w, "\n%s", term.Colorize(w, color.FgYellow, fmt.Sprintf("%s/%s: %s healing", s.Namespace, s.Name, plural.CountIs(s.Healing, "drive"))))
		}
	}
}

// HealthColor is the colour of a store's last column.
func HealthColor(s StoreStatus) color.Attribute {
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
		return term.Colorize(w, color.FgRed, term.SanitizeText(status))
	}
	return message.Layout(status)
}

func readyText(w io.Writer, ready, pods int) message.Layout {
	text := fmt.Sprintf("%d/%d ready", ready, pods)
	if ready < pods {
		return term.Colorize(w, color.FgRed, text)
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
