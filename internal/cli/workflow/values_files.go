package workflow

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// readValues reads values files and merges them in Helm's order; the values are
// nil where there is not a file. Files that hold no final values are refused;
// command takes values on standard input, for the hint.
func readValues(p *term.Program, files []string, command string) (planinput.Values, error) {
	v := planinput.Values{Files: files, Stdin: command}
	if len(files) == 0 {
		return v, nil
	}
	list := make([]chart.ValuesFile, len(files))
	for i, name := range files {
		if err := valuecheck.CheckName(name, command); err != nil {
			return v, err
		}
		data, err := chart.ValuesFile{Name: name}.Read(p.In)
		if err != nil {
			return v, term.WithHint(err, "ls -l "+shellquote.Quote(name))
		}
		p.Redactor().AddText(string(data))
		source := values.Source{Name: name, Data: data}
		if err := valuecheck.CheckSource(source, command); err != nil {
			return v, err
		}
		list[i] = chart.ValuesFile{Name: name, Data: data}
		if data == nil {
			list[i].Data = []byte{}
		}
		v.Sources = append(v.Sources, source)
	}
	var err error
	if v.UserValues, err = chart.MergeFiles(list, p.In); err != nil {
		return v, term.WithHint(err, "check the file with helm template -f")
	}
	return v, nil
}

// LiteralUsage describes --literal-value; form is how a setting is named.
func LiteralUsage(form string) string {
	return fmt.Sprintf("accept a setting's text as literal although it looks like a placeholder, as %s (can be repeated)", form)
}
