package chart

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// ValuesFile is one of the user's values files.
type ValuesFile struct {
	// Name is its path, "-" for standard input, or an http(s) URL.
	Name string
	// Data is its content; nil to have it read from Name.
	Data []byte
}

// MergeFiles merges values files as Helm does: later ones win, maps are
// merged, lists replaced, and a null stays to delete a default. Standard input
// is read from stdin, once.
func MergeFiles(files []ValuesFile, stdin io.Reader) (map[string]any, error) {
	base := map[string]any{}
	for _, f := range files {
		data, err := f.Read(stdin)
		if err != nil {
			return nil, err
		}
		values, err := ParseValues(data)
		if err != nil {
			return nil, fmt.Errorf("reading values %q: %w", f.Name, err)
		}
		base = mergeMaps(base, values)
	}
	return base, nil
}

// maxValuesBytes is more than any release can have: its record, which holds chart
// and values packed, is at most 1 MiB.
const maxValuesBytes = 4 << 20

// unknownAnchor is what the YAML library says of an alias without an anchor.
var unknownAnchor = regexp.MustCompile(`unknown anchor '.*' referenced`)

// ParseValues reads the YAML of a values file as Helm does. An empty file is
// an empty map. More than 4 MiB, and anything but a map of settings, is an
// error.
func ParseValues(data []byte) (map[string]any, error) {
	if len(data) > maxValuesBytes {
		return nil, fmt.Errorf("it contains %d MiB of settings, a release can store at most %d", len(data)>>20, maxValuesBytes>>20)
	}
	var values any
	if err := yaml.Unmarshal(data, &values); err != nil {
		if unknownAnchor.MatchString(err.Error()) { // its name may be a password that nobody quoted
			return nil, errors.New("an alias refers to an anchor that the file does not define; text that begins with * goes in quotes")
		}
		return nil, err
	}
	switch v := values.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return v, nil
	case []any:
		return nil, errors.New("it contains a list, expected a map")
	default:
		return nil, errors.New("it contains a single value, expected a map")
	}
}

// Read is the file's content.
func (f ValuesFile) Read(stdin io.Reader) ([]byte, error) {
	data, err := f.readContent(stdin)
	if err != nil {
		return nil, fmt.Errorf("reading values %q: %w", f.Name, err)
	}
	return data, nil
}

func (f ValuesFile) readContent(stdin io.Reader) ([]byte, error) {
	switch {
	case f.Data != nil:
		return f.Data, nil
	case strings.TrimSpace(f.Name) == "-":
		if stdin == nil {
			return nil, fmt.Errorf("standard input is not available")
		}
		return io.ReadAll(stdin)
	case strings.HasPrefix(f.Name, "http://"), strings.HasPrefix(f.Name, "https://"):
		g, err := getterProviders().ByScheme(urlScheme(f.Name))
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
