package display

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// PrintBundle shows a bundle to people. A reference alone can be nearly as wide
// as a terminal, so that each has a line of its own.
func PrintBundle(w io.Writer, digest string, size int64, m bundle.Manifest) {
	term.PrintLine(w, "Bundle  %s", digest)
	if size > 0 {
		term.PrintLine(w, "Size    %s", term.FormatBytes(size))
	}
	term.PrintLine(w, "For     %s\n", platformsOrAll(m.Platforms))
	var rows [][]string
	for _, c := range m.Charts {
		role := string(c.Role)
		if c.Intermediate {
			role += " (intermediate version)"
		}
		rows = append(rows, []string{c.Name, c.Version, option.ShortDigest(c.SHA256), cmp.Or(role, "-")})
	}
	option.WriteTable(w, []string{"CHART", "VERSION", "SHA256", "ROLE"}, rows)
	term.PrintLine(w, "\nIMAGE\n  DIGEST         SIZE       WHY        PLATFORMS")
	for _, i := range m.Images {
		term.PrintLine(w, "%s", i.Ref)
		term.PrintLine(w, "  %-14s %-10s %-10s %s", option.ShortDigest(i.Digest), term.FormatBytes(i.Bytes), strongestReason(i.Reasons),
			cmp.Or(term.SanitizeText(strings.Join(i.Platforms, ",")), "-"))
	}
	if p := m.Plugins; p != nil {
		term.PrintLine(w, "\nPlugins: %s; %s", term.FormatBytes(p.Size), PluginsTarHint("FILE", p))
	}
	printReferrers(w, m.Referrers)
	notes := slices.Clone(m.Notes)
	if size > 0 { // a file, which other tools may read
		notes = append(notes, formatNotes(m.Images)...)
	}
	for _, note := range notes {
		term.PrintLine(w, "\nNote: %s", option.WrapText(term.SanitizeText(note), 74, "      "))
	}
}

func printReferrers(w io.Writer, list []bundle.Referrer) {
	if len(list) == 0 {
		return
	}
	term.PrintLine(w, "\nBELONGS TO AN IMAGE\n  DIGEST         OF MANIFEST    TYPE")
	for _, r := range list {
		term.PrintLine(w, "%s", r.Ref)
		term.PrintLine(w, "  %-14s %-14s %s", option.ShortDigest(r.Digest), option.ShortDigest(r.Subject), cmp.Or(term.SanitizeText(r.ArtifactType), "-"))
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
	return term.SanitizeText(strings.Join(platforms, ", "))
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

// PluginsTarHint is how a machine that has no plugin yet takes them out.
func PluginsTarHint(file string, p *bundle.Plugins) message.Layout {
	return message.Layout(message.Sprintf("extract them with tar:\n  tar -xOf %s blobs/sha256/%s | tar -x",
		file, strings.TrimPrefix(p.SHA256, "sha256:")))
}
