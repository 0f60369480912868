package verb

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// KindImages is the kind of the document that images writes.
const KindImages = "ImageList"

// imagesDocument is what images writes for programs.
type imagesDocument struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Registry   string          `json:"registry,omitempty"`
	Namespace  string          `json:"namespace,omitempty"`
	Items      []imageDocument `json:"items"`
	Gaps       []plan.Gap      `json:"gaps,omitempty"`
}

// imageDocument is one image.
type imageDocument struct {
	// Image is the reference as it is requested.
	Image string `json:"image"`
	Tag   string `json:"tag,omitempty"`
	// Private is where the image is in the private registry, or would be.
	Private string `json:"private,omitempty"`
	// Public says that Image leads elsewhere than to the private registry.
	Public bool `json:"public,omitempty"`
	plan.ImageUse
	preflight.RegistryStatus
}

// Names are the references alone, as scanners take them.
func (d *imagesDocument) Names() []string {
	var list []string
	for _, i := range d.Items {
		list = append(list, i.Image)
	}
	return list
}

// imagesOptions list images.
type imagesOptions struct {
	workflow.TargetOptions
	option.Output
	scopeFlags option.Scope
	missing    bool
}

// NewImages is the command images, which lists images.
func NewImages(p *term.Program, kube option.Kube) *cobra.Command {
	o := &imagesOptions{TargetOptions: workflow.NewTargetOptions(p, kube), Output: option.NewViewOutput()}
	cmd := &cobra.Command{
		Use:   "images",
		Short: "List images in use or required by the installed values",
		Long: "List every image that pods run or that the installed values would\n" +
			"pull, with its references, tag and digest, and whether the private registry\n" +
			"has it. Nothing is changed; only the private registry is contacted.",
		Example: `  kubectl aistor-upgrade images

  # References only, for a scanner
  kubectl aistor-upgrade images -o name | xargs -n1 trivy image

  # What is still to be pushed
  kubectl aistor-upgrade images --missing

  # Full references and all users of each image
  kubectl aistor-upgrade images -o wide

  # By digest
  kubectl aistor-upgrade images -o jsonpath='{range .items[*]}{.image}@{.digest}{"\n"}{end}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	o.Registry.AddFlags(fs)
	o.Mirror.AddAddressFlags(fs)
	o.Site.AddFlags(fs, "site", "site file with registry settings; flags take precedence")
	o.Output.AddFlags(fs)
	o.scopeFlags.AddFlags(fs)
	fs.BoolVar(&o.missing, "missing", false, "list only images that the private registry is not known to have")
	return cmd
}

func (o *imagesOptions) run(ctx context.Context) error {
	if err := o.Output.Validate(); err != nil {
		return err
	}
	site, err := o.Site.ReadSite(o.Program)
	if err != nil {
		return err
	}
	client, err := cluster.New(o.Kube.ConfigFlags, cluster.WithRedactor(o.Redactor()))
	if err != nil {
		return err
	}
	facts, err := o.scopeFlags.CollectFacts(ctx, client, o.scopeFlags.ClusterScope(o.Kube))
	if err != nil {
		return err
	}
	s := &preflight.Subject{Facts: facts, Now: o.Now()}
	// Without a registry the list is worth having all the same.
	if s.Site, err = option.RegistryOf(o.Mirror, site, facts); err == nil {
		own, err := o.NewRegistryClient(o.Program, s.Site.PushHost())
		if err != nil {
			return err
		}
		s.Registry = &workflow.FailFastProber{Prober: workflow.NewRegistryProber(o.Program, o.Registry, s.Site, own)}
	}
	doc := o.buildDocument(ctx, s)
	if o.missing {
		doc.dropPresent()
	}
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	if err := o.PrintDocument(o.Out, doc, func(w io.Writer) { printImageList(w, doc, o.IsWide()) }); err != nil {
		return err
	}
	return unseen(facts, notInImages...)
}

func (o *imagesOptions) buildDocument(ctx context.Context, s *preflight.Subject) *imagesDocument {
	doc := &imagesDocument{APIVersion: plan.APIVersion, Kind: KindImages, Registry: s.Site.Registry,
		Namespace: s.Facts.Namespace, Gaps: s.Facts.Gaps, Items: []imageDocument{}}
	uses := plan.CollectImageUses(s.Facts)
	wanted := make([]plan.PlannedImage, len(uses))
	for i, u := range uses {
		wanted[i] = plan.PlannedImage{Source: u.Ref, Private: s.Site.Map(u.Ref), Namespaces: u.Namespaces}
	}
	held := preflight.QueryRegistry(ctx, s, wanted)
	for i, u := range uses {
		item := imageDocument{Image: u.Ref.String(), Tag: u.Ref.Tag, ImageUse: u, RegistryStatus: held[i],
			Public: s.Site.Registry != "" && !s.Site.Owns(u.Ref)}
		if s.Site.Registry != "" {
			item.Private = wanted[i].Private.String()
		}
		if item.Digest == "" {
			item.Digest = u.Ref.Digest
		}
		doc.Items = append(doc.Items, item)
	}
	return doc
}

// dropPresent keeps what the registry lacks, and what could not be checked.
func (d *imagesDocument) dropPresent() {
	d.Items = slices.DeleteFunc(d.Items, func(i imageDocument) bool { return i.Present == preflight.PresentYes })
}

func printImageList(w io.Writer, d *imagesDocument, wide bool) {
	term.PrintLine(w, "Registry  %s\n", cmp.Or(term.SanitizeText(d.Registry), "-"))
	header := []string{"IMAGE", "TAG", "DIGEST", "ASKED BY", "PRESENT"}
	if wide {
		header = []string{"IMAGE", "DIGEST", "RUNNING", "PODS", "ASKED BY", "PRESENT"}
	}
	var rows [][]string
	public, missing := 0, 0
	causes := map[string]string{} // with their hints
	for _, i := range d.Items {
		if i.Public {
			public++
		}
		if i.Present == preflight.PresentNo {
			missing++
		}
		if i.Cause != "" {
			causes[i.Cause] = i.Hint
		}
		rows = append(rows, imageRow(i, wide))
	}
	option.WriteTable(w, header, rows, func(row int) color.Attribute {
		return map[string]color.Attribute{preflight.PresentYes: color.FgGreen, preflight.PresentNo: color.FgRed}[d.Items[row].Present]
	})
	if public > 0 {
		term.PrintLine(w, "\n%s", term.Colorize(w, color.FgYellow, option.WrapText(plural.CountIs(public, "image")+" outside the private registry", 80, "")))
	}
	if missing > 0 {
		term.PrintLine(w, "\n%s", term.Colorize(w, color.FgRed, option.WrapText(plural.CountIs(missing, "image")+" missing in the private registry", 80, "")))
	}
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		term.PrintLine(w, "\nunknown: %s", option.WrapText(term.SanitizeText(cause), 69, "           "))
		if hint := causes[cause]; hint != "" {
			term.PrintLine(w, "     hint: %s", option.WrapText(term.SanitizeText(hint), 69, "           "))
		}
	}
	for _, g := range d.Gaps {
		term.PrintLine(w, "\ncould not read: %s", option.WrapText(term.SanitizeText(g.Subject+": "+g.Cause), 65, "               "))
	}
}

func imageRow(i imageDocument, wide bool) []string {
	present := map[string]string{preflight.PresentYes: "yes", preflight.PresentNo: "no", preflight.PresentUnknown: "?"}[i.Present]
	if wide {
		return []string{i.Image, cmp.Or(i.Digest, "-"), cmp.Or(strings.Join(i.RunningDigests, ","), "-"), plural.Count(i.Pods, "pod"),
			cmp.Or(strings.Join(append(append([]string{}, i.Workloads...), i.Values...), ","), "-"), present}
	}
	tag := strings.TrimPrefix(i.Ref.Tag, "RELEASE.")
	return []string{shortImage(i), cmp.Or(tag, "-"), cmp.Or(option.ShortDigest(i.Digest), "-"), requestedBy(i.ImageUse), present}
}

// shortImage is enough to know an image by: its last word where it is in the
// private registry, and all of its name elsewhere.
func shortImage(i imageDocument) string {
	if i.Public {
		return i.Ref.Name()
	}
	return i.Ref.Base()
}

// requestedBy says in short who references an image.
func requestedBy(u plan.ImageUse) string {
	var list []string
	if u.Pods > 0 {
		list = append(list, plural.Count(u.Pods, "pod"))
	}
	if len(u.Values) > 0 {
		list = append(list, "values")
	}
	return strings.Join(list, ", ")
}
