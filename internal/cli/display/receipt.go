package display

import (
	"io"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// PrintReceipt shows a receipt to people: digests are in its JSON form, beside
// destinations they would not fit a terminal.
func PrintReceipt(w io.Writer, r images.Receipt) {
	var rows [][]string
	host := ""
	for _, a := range r.Artifacts {
		var name string
		host, name, _ = strings.Cut(a.Destination, "/")
		outcome := string(a.Outcome)
		if a.Replaced != "" {
			outcome += ", replacing" // what it replaces is in the JSON form
		}
		rows = append(rows, []string{outcome, name})
	}
	option.WriteTable(w, []string{"OUTCOME", "IN " + host}, rows)
	if r.DryRun {
		missing := slices.DeleteFunc(slices.Clone(r.Artifacts), func(a images.ReceiptItem) bool { return a.Outcome != images.OutcomeMissing })
		term.PrintLine(w, "\n%d of %d are missing, %s to send", len(missing), len(r.Artifacts), term.FormatBytes(r.BytesSent()))
		return
	}
	term.PrintLine(w, "\n%d of %d pushed, %s uploaded", r.PushedCount(), len(r.Artifacts), term.FormatBytes(r.BytesSent()))
}
