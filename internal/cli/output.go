package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"
)

// outputOptions choose between what people read and what programs read.
type outputOptions struct {
	format  string
	formats []string
}

// newOutputOptions allows table, json and yaml, and more where named.
func newOutputOptions(more ...string) outputOptions {
	return outputOptions{format: "table", formats: append([]string{"table", "json", "yaml"}, more...)}
}

func (o *outputOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.format, "output", "o", o.format, "one of "+strings.Join(o.formats, ", "))
}

func (o *outputOptions) validate() error {
	for _, f := range o.formats {
		if f == o.format {
			return nil
		}
	}
	return fmt.Errorf("reading --output %q: expected one of %s", o.format, strings.Join(o.formats, ", "))
}

// table reports whether people read the output.
func (o *outputOptions) table() bool { return o.format == "table" || o.format == "wide" }

// print writes doc as the one document on w, or calls table for people.
func (o *outputOptions) print(w io.Writer, doc any, table func(io.Writer)) error {
	switch o.format {
	case "json":
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return fmt.Errorf("writing json: %w", err)
		}
		_, err = fmt.Fprintln(w, string(b))
		return err
	case "yaml":
		b, err := yaml.Marshal(doc)
		if err != nil {
			return fmt.Errorf("writing yaml: %w", err)
		}
		_, err = w.Write(b)
		return err
	}
	table(w)
	return nil
}

// writeTable writes rows under a header, with kubectl's own spacing.
func writeTable(w io.Writer, header []string, rows [][]string) {
	tab := printers.GetNewTabWriter(w)
	fmt.Fprintln(tab, strings.Join(header, "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = printable(r[i])
		}
		fmt.Fprintln(tab, strings.Join(r, "\t"))
	}
	tab.Flush()
}

// printable makes text from a cluster or a registry safe for a terminal:
// control characters could move the cursor and fake what is read.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// bytesText is a size as people read it.
func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for v := n / unit; v >= unit; v /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %cB", float64(n)/float64(div), "kMGTPE"[exp])
}

// shortDigest is enough of a digest to tell two apart.
func shortDigest(d string) string {
	if _, hex, ok := strings.Cut(d, ":"); ok && len(hex) > 12 {
		return hex[:12]
	}
	return d
}

// orDash is s, or a dash where there is nothing.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// wrap breaks text at spaces so that no line is longer than width; following
// lines start with indent.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString("\n" + indent)
		}
		col := 0
		for j, word := range strings.Fields(line) {
			switch {
			case j == 0:
			case col+1+utf8.RuneCountInString(word) > width:
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
	return b.String()
}
