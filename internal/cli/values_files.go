package cli

import "github.com/aistor-upgrade/aistor-upgrade/internal/chart"

// mergeFiles merges values files in Helm's order; nil where there is none.
func mergeFiles(p *Program, files []string) (map[string]any, error) {
	if len(files) == 0 {
		return nil, nil
	}
	list := make([]chart.ValuesFile, len(files))
	for i, name := range files {
		list[i] = chart.ValuesFile{Name: name}
	}
	v, err := chart.MergeFiles(list, p.In)
	if err != nil {
		return nil, withHint(err, "check the file with helm template -f")
	}
	return v, nil
}
