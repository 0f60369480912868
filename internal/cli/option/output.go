package option

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// Output choose between what people read and what programs read.
type Output struct {
	Format  string
	Formats []string
	// kubectl are kubectl's own printers, for the verbs below it; nil below
	// Helm, which knows table, json and yaml.
	kubectl *genericclioptions.PrintFlags
}

// NewOutput are those of a verb below Helm.
func NewOutput() Output {
	return Output{Format: "table", Formats: []string{"table", "json", "yaml"}}
}

// NewViewOutput are those of a verb below kubectl: with kubectl's printers,
// and formats that only this verb has.
func NewViewOutput(more ...string) Output {
	return Output{Format: "table", kubectl: genericclioptions.NewPrintFlags(""), Formats: append([]string{
		"table", "wide", "json", "yaml", "name", "jsonpath=...", "go-template=..."}, more...)}
}

// AddFlags registers the flags of the group.
func (o *Output) AddFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.Format, "output", "o", o.Format, "one of "+strings.Join(o.Formats, ", "))
	if o.kubectl != nil {
		fs.StringVar(o.kubectl.TemplatePrinterFlags.TemplateArgument, "template", "", "template of -o go-template, or the file of -o go-template-file")
	}
}

// Validate refuses a format that the verb does not have.
func (o *Output) Validate() error {
	if o.IsTable() || slices.Contains(o.Formats, o.Format) {
		return nil
	}
	if o.kubectl != nil {
		_, err := o.kubectlPrinter()
		if err == nil || !genericclioptions.IsNoCompatiblePrinterError(err) {
			return err
		}
	}
	return fmt.Errorf("reading --output %q: expected one of %s", o.Format, strings.Join(o.Formats, ", "))
}

// IsTable reports whether people read the output.
func (o *Output) IsTable() bool { return o.Format == "table" || o.IsWide() }

// IsWide reports whether the table may be wider than 80 columns.
func (o *Output) IsWide() bool { return o.Format == "wide" && o.kubectl != nil }

// nameLister is a document with names to print, one a line, for -o name.
type nameLister interface{ Names() []string }

// PrintDocument writes doc as the one document on w, or calls table for people.
func (o *Output) PrintDocument(w io.Writer, doc any, table func(io.Writer)) error {
	switch {
	case o.Format == "json":
		b, err := term.EncodeDocument(w, doc)
		if err != nil {
			return err
		}
		_, err = term.DocumentStream(w).Write(append(message.JSON(b), '\n'))
		return err
	case o.Format == "yaml":
		b, err := term.EncodeDocument(w, doc)
		if err == nil {
			b, err = message.YAML(json.RawMessage(b))
		}
		if err != nil {
			return fmt.Errorf("writing yaml: %w", err)
		}
		_, err = term.DocumentStream(w).Write(b)
		return err
	case o.IsTable() || o.kubectl == nil: // some verbs have forms of their own
		table(w)
		return nil
	}
	if n, ok := doc.(nameLister); ok && o.Format == "name" {
		for _, name := range n.Names() {
			term.PrintLine(w, "%s", term.SanitizeText(name))
		}
		return nil
	}
	return o.printTemplate(w, doc)
}

// printTemplate lets one of kubectl's printers fill its template from doc.
func (o *Output) printTemplate(w io.Writer, doc any) error {
	p, err := o.kubectlPrinter()
	if err != nil {
		return err
	}
	b, err := term.EncodeDocument(w, doc)
	if err != nil {
		return fmt.Errorf("writing %s: %w", o.Format, err)
	}
	object := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(b, &object.Object); err != nil {
		return fmt.Errorf("writing %s: %w", o.Format, err)
	}
	return p.PrintObj(object, w)
}

// kubectlPrinter is kubectl's own for the format.
func (o *Output) kubectlPrinter() (printers.ResourcePrinter, error) {
	*o.kubectl.OutputFormat = o.Format
	p, err := o.kubectl.ToPrinter()
	if err != nil && !genericclioptions.IsNoCompatiblePrinterError(err) {
		return nil, fmt.Errorf("reading --output %q: %w", o.Format, err)
	}
	return p, err
}

// WriteTable writes rows under a header, with kubectl's own spacing. The last
// column continues below itself where it would leave the terminal. A paint
// gives the colour of each row's last cell.
func WriteTable(w io.Writer, header []string, rows [][]string, paint ...func(row int) color.Attribute) {
	for _, r := range rows {
		for i := range r {
			r[i] = term.SanitizeText(r[i])
		}
	}
	tab := printers.GetNewTabWriter(w)
	fmt.Fprintln(tab, strings.Join(header, "\t"))
	last := len(header) - 1
	room := tableWidth - leftWidth(header, rows)
	for n, r := range rows {
		lines := []string{r[last]}
		if room >= minColumnWidth {
			lines = strings.Split(string(WrapText(r[last], room, "")), "\n")
		}
		for i, text := range lines {
			for _, p := range paint {
				text = string(term.Colorize(w, p(n), text))
			}
			if i > 0 {
				r = make([]string, len(r)) // continues below
			}
			r[last] = text
			fmt.Fprintln(tab, strings.Join(r, "\t"))
		}
	}
	tab.Flush()
}

const (
	// tableWidth is what a terminal is sure to have, and leastColumn the width
	// below which a last column is rather left to the terminal.
	tableWidth     = 80
	minColumnWidth = 20
)

// leftWidth is how many columns stand before the last column's text. kubectl's
// tables have three spaces between columns, none of which is narrower than six.
func leftWidth(header []string, rows [][]string) int {
	left := 0
	for i := range len(header) - 1 {
		width := utf8.RuneCountInString(header[i])
		for _, r := range rows {
			width = max(width, utf8.RuneCountInString(r[i]))
		}
		left += max(width+3, 6)
	}
	return left
}

// ShortDigest is enough of a digest to tell two apart.
func ShortDigest(d string) string {
	if _, hex, ok := strings.Cut(d, ":"); ok && len(hex) > 12 {
		return hex[:12]
	}
	return d
}

// WrapText breaks text at spaces so that no line is longer than width; following
// lines start with indent.
func WrapText(text string, width int, indent string) message.Layout {
	return WrapLines([]string{text}, width, indent)
}

// WrapLines is wrap for text of several lines. No line is broken before a word
// that could then be taken for the label of a line, such as "hint:".
func WrapLines(lines []string, width int, indent string) message.Layout {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\n" + indent)
		}
		col := 0
		for j, word := range strings.Fields(message.Line(line)) {
			switch {
			case j == 0:
			case col+1+utf8.RuneCountInString(word) > width && !isLabel(word):
				b.WriteString("\n" + indent)
				col = 0
			default:
				b.WriteByte(' ')
				col++
			}
			b.WriteString(word)
			col += utf8.RuneCountInString(word)
		}
	}
	return message.Layout(b.String())
}

// isLabel reports whether a word is what one of this program's lines begins with.
func isLabel(word string) bool {
	name, label := strings.CutSuffix(strings.ToLower(word), ":")
	return label && slices.Contains([]string{"error", "hint", "then", "warning", "note", "refused", "received", "expected", "damaged"}, name)
}
