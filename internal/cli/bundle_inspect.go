package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func newBundleInspect(p *Program) *cobra.Command {
	out := newOutputOptions()
	reg := &registryOptions{}
	cmd := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Show the contents of a bundle",
		Example: `  helm aistor bundle inspect aistor.bundle
  helm aistor bundle inspect aistor.bundle -o json
  helm aistor bundle inspect oci://registry.example.com/charts/aistor-bundle:0123456789abcdef`,
		Args: exactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.validate(); err != nil {
				return err
			}
			b, err := openBundle(cmd.Context(), args[0], reg.newClientFactory(p))
			if err != nil {
				return err
			}
			defer b.Close()
			var size int64
			if file, ok := b.(*bundle.Bundle); ok {
				size = file.Size()
			}
			return out.printDocument(p.Out, b.Manifest(), func(w io.Writer) { printBundle(w, b.Digest(), size, b.Manifest()) })
		},
	}
	out.addFlags(cmd.Flags())
	reg.addFlags(cmd.Flags())
	return cmd
}

// printBundle shows a bundle to people. A reference alone can be nearly as wide
// as a terminal, so that each has a line of its own.
func printBundle(w io.Writer, digest string, size int64, m bundle.Manifest) {
	printLine(w, "Bundle  %s", digest)
	if size > 0 {
		printLine(w, "Size    %s", bytesText(size))
	}
	printLine(w, "For     %s\n", platformsOrAll(m.Platforms))
	var rows [][]string
	for _, c := range m.Charts {
		role := string(c.Role)
		if c.Intermediate {
			role += " (intermediate version)"
		}
		rows = append(rows, []string{c.Name, c.Version, shortDigest(c.SHA256), cmp.Or(role, "-")})
	}
	writeTable(w, []string{"CHART", "VERSION", "SHA256", "ROLE"}, rows)
	printLine(w, "\nIMAGE\n  DIGEST         SIZE       WHY        PLATFORMS")
	for _, i := range m.Images {
		printLine(w, "%s", i.Ref)
		printLine(w, "  %-14s %-10s %-10s %s", shortDigest(i.Digest), bytesText(i.Bytes), strongestReason(i.Reasons),
			cmp.Or(sanitizeText(strings.Join(i.Platforms, ",")), "-"))
	}
	if p := m.Plugins; p != nil {
		printLine(w, "\nPlugins: %s; %s", bytesText(p.Size), pluginsTarHint("FILE", p))
	}
	printReferrers(w, m.Referrers)
	notes := slices.Clone(m.Notes)
	if size > 0 { // a file, which other tools may read
		notes = append(notes, formatNotes(m.Images)...)
	}
	for _, note := range notes {
		printLine(w, "\nNote: %s", wrapText(sanitizeText(note), 74, "      "))
	}
}

func printReferrers(w io.Writer, list []bundle.Referrer) {
	if len(list) == 0 {
		return
	}
	printLine(w, "\nBELONGS TO AN IMAGE\n  DIGEST         OF MANIFEST    TYPE")
	for _, r := range list {
		printLine(w, "%s", r.Ref)
		printLine(w, "  %-14s %-14s %s", shortDigest(r.Digest), shortDigest(r.Subject), cmp.Or(sanitizeText(r.ArtifactType), "-"))
	}
}

// formatNotes says what older skopeo cannot read out of the file itself: it
// passes over descriptors of Docker's types in an OCI layout.
func formatNotes(list []bundle.ImageEntry) []string {
	var docker []string
	for _, i := range list {
		if i.InDockerFormat() {
			docker = append(docker, i.Ref.Base())
		}
	}
	if len(docker) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: in Docker's format, included unchanged. Registries, nodes, crane and containerd accept it; "+
		"skopeo 1.9 and older can read it from the registry only.", strings.Join(docker, ", "))}
}

func platformsOrAll(platforms []string) string {
	if len(platforms) == 0 {
		return "all"
	}
	return sanitizeText(strings.Join(platforms, ", "))
}

// strongestReason is the weightiest reason for an image; what was saved manually has
// none.
func strongestReason(reasons []images.Reason) images.Kind {
	if len(reasons) == 0 {
		return "-"
	}
	for _, k := range []images.Kind{images.KindDefault, images.KindUser, images.KindHook, images.KindTest, images.KindOptional} {
		for _, r := range reasons {
			if r.Kind == k {
				return k
			}
		}
	}
	return images.KindPossible
}
