package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// saveReceipt keeps the receipt as evidence, where a file was named.
func (o *deliverOptions) saveReceipt(p *Program, r images.Receipt) error {
	if o.receipt == "" {
		return nil
	}
	r.Tool, r.Time = "aistor-upgrade "+p.Version, p.Now().UTC().Format(time.RFC3339)
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing receipt %q: %w", o.receipt, err)
	}
	if err := safefile.Write(o.receipt, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing receipt %q: %w", o.receipt, err)
	}
	return nil
}

// checkReceiptWritable finds out before anything is sent whether the receipt can be written:
// what was done cannot be told a second time. A file that is there stays as it is,
// and one that is not is tried under another name: nothing empty is left in its
// place by who is killed here.
func (o *deliverOptions) checkReceiptWritable() error {
	if o.receipt == "" {
		return nil
	}
	if err := safefile.CheckWritable(o.receipt); err != nil {
		return fmt.Errorf("writing receipt %q: %w", o.receipt, err)
	}
	return nil
}

// showReceipt prints the receipt, and where the bundle can be read from now on.
func (o *deliverOptions) showReceipt(p *Program, r images.Receipt) error {
	if err := o.printDocument(p.Out, r, func(w io.Writer) { printReceipt(w, r) }); err != nil {
		return err
	}
	i := slices.IndexFunc(r.Artifacts, func(a images.ReceiptItem) bool { return a.Kind == images.ArtifactBundle })
	if i >= 0 && !r.DryRun {
		printLine(p.ErrOut, "the bundle is now also available as: --bundle %s%s", ociScheme, r.Artifacts[i].Destination)
	}
	return nil
}

// printReceipt shows a receipt to people: digests are in its JSON form, beside
// destinations they would not fit a terminal.
func printReceipt(w io.Writer, r images.Receipt) {
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
	writeTable(w, []string{"OUTCOME", "IN " + host}, rows)
	if r.DryRun {
		missing := slices.DeleteFunc(slices.Clone(r.Artifacts), func(a images.ReceiptItem) bool { return a.Outcome != images.OutcomeMissing })
		printLine(w, "\n%d of %d are missing, %s to send", len(missing), len(r.Artifacts), bytesText(r.BytesSent()))
		return
	}
	printLine(w, "\n%d of %d pushed, %s uploaded", r.PushedCount(), len(r.Artifacts), bytesText(r.BytesSent()))
}
