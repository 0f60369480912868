package workflow

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// saveReceipt keeps the receipt as evidence, where a file was named.
func (o *DeliverOptions) saveReceipt(p *term.Program, r images.Receipt) error {
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
func (o *DeliverOptions) checkReceiptWritable() error {
	if o.receipt == "" {
		return nil
	}
	if err := safefile.CheckWritable(o.receipt); err != nil {
		return fmt.Errorf("writing receipt %q: %w", o.receipt, err)
	}
	return nil
}

// showReceipt prints the receipt, and where the bundle can be read from now on.
func (o *DeliverOptions) showReceipt(p *term.Program, r images.Receipt) error {
	if err := o.PrintDocument(p.Out, r, func(w io.Writer) { display.PrintReceipt(w, r) }); err != nil {
		return err
	}
	i := slices.IndexFunc(r.Artifacts, func(a images.ReceiptItem) bool { return a.Kind == images.ArtifactBundle })
	if i >= 0 && !r.DryRun {
		term.PrintLine(p.ErrOut, "the bundle is now also available as: --bundle %s%s", option.OCIScheme, r.Artifacts[i].Destination)
	}
	return nil
}
