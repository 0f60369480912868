package chart

import (
	"fmt"
	"io"
	"os"
	"strings"

	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// ValuesFile is one of the user's values files.
type ValuesFile struct {
	// Name is its path, "-" for standard input, or an http(s) URL.
	Name string
	// Data is its content; nil to have it read from Name.
	Data []byte
}

// MergeOptions merges values as Helm does, in Helm's order whatever the order
// on the command line: files, --set-json, --set, --set-string, --set-file,
// --set-literal. Later ones win, maps are merged, lists replaced, and a null
// stays to delete a default. Standard input is read from stdin, once.
func MergeOptions(files []ValuesFile, set, setString, setJSON, setFile, setLiteral []string, stdin io.Reader) (map[string]any, error) {
	base := map[string]any{}
	for _, f := range files {
		data, err := f.read(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading values %q: %w", f.Name, err)
		}
		values, err := ParseValues(data)
		if err != nil {
			return nil, fmt.Errorf("reading values %q: %w", f.Name, err)
		}
		base = mergeMaps(base, values)
	}
	// Values on the command line may hold credentials, so that none of these
	// errors quotes one.
	for _, step := range []struct {
		flag  string
		given []string
		into  func(string, map[string]any) error
	}{
		{"--set-json", setJSON, strvals.ParseJSON},
		{"--set", set, strvals.ParseInto},
		{"--set-string", setString, strvals.ParseIntoString},
		{"--set-file", setFile, parseSetFile},
		{"--set-literal", setLiteral, strvals.ParseLiteralInto},
	} {
		for _, s := range step.given {
			if err := step.into(s, base); err != nil {
				key, _, _ := strings.Cut(s, "=")
				return nil, fmt.Errorf("reading %s %q: not of the form the flag takes", step.flag, key+"=…")
			}
		}
	}
	return base, nil
}

// ParseValues reads the YAML of a values file as Helm does. An empty file is
// an empty map.
func ParseValues(data []byte) (map[string]any, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, err
	}
	if values == nil {
		values = map[string]any{}
	}
	return values, nil
}

func (f ValuesFile) read(stdin io.Reader) ([]byte, error) {
	switch {
	case f.Data != nil:
		return f.Data, nil
	case strings.TrimSpace(f.Name) == "-":
		if stdin == nil {
			return nil, fmt.Errorf("standard input is not at hand")
		}
		return io.ReadAll(stdin)
	case strings.HasPrefix(f.Name, "http://"), strings.HasPrefix(f.Name, "https://"):
		g, err := providers().ByScheme(urlScheme(f.Name))
		if err != nil {
			return nil, err
		}
		data, err := g.Get(f.Name)
		if err != nil {
			return nil, err
		}
		return data.Bytes(), nil
	default:
		return os.ReadFile(f.Name)
	}
}

func parseSetFile(s string, into map[string]any) error {
	return strvals.ParseIntoFile(s, into, func(path []rune) (any, error) {
		data, err := os.ReadFile(string(path))
		return string(data), err
	})
}

func mergeMaps(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range over {
		sub, ok := v.(map[string]any)
		old, had := out[k].(map[string]any)
		if ok && had {
			v = mergeMaps(old, sub)
		}
		out[k] = v
	}
	return out
}
